"""Features of a day: trend, weekday, holiday and the sales of the days before."""

import math
from datetime import date, timedelta

import numpy as np

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAGS = (1, 7)
FEATURES = (
    "intercept",
    "trend",
    *(f"is_{name}" for name in WEEKDAYS[1:]),
    "holiday",
    *(f"lag_{lag}" for lag in LAGS),
)


def day_features(day: date, first: date, holidays=frozenset()) -> list[float]:
    """Everything about a day that its date tells."""
    weekday = [1.0 if day.weekday() == number else 0.0 for number in range(1, 7)]
    trend = (day - first).days / 365.25
    return [1.0, trend, *weekday, 1.0 if day.isoformat() in holidays else 0.0]


def lag_features(history: dict[date, float], day: date) -> list[float]:
    """Sales of the days before; a day that is not known counts as the mean of those that are."""
    mean = sum(history.values()) / len(history) if history else 0.0
    return [math.log1p(max(0.0, history.get(day - timedelta(days=lag), mean))) for lag in LAGS]


def feature_row(day: date, first: date, history: dict[date, float], holidays=frozenset()):
    """All features of one day, in the order of FEATURES."""
    return np.array(day_features(day, first, holidays) + lag_features(history, day))


def design_matrix(totals: dict[date, float], holidays=frozenset()) -> tuple[np.ndarray, np.ndarray]:
    """Feature matrix (days, features) and log sales (days,) of a history.

    The first week has no lags and is left out.
    """
    days = sorted(totals)[max(LAGS) :]
    if not days:
        raise ValueError("a history of at least eight days is needed")
    first = min(totals)
    rows = [feature_row(day, first, totals, holidays) for day in days]
    target = np.array([math.log1p(max(0.0, totals[day])) for day in days])
    return np.row_stack(rows), target


def check_alignment(names: list[str]) -> None:
    """Refuse a model that was trained on other features, or in another order."""
    if tuple(names) != FEATURES:
        missing = [name for name in FEATURES if name not in names]
        raise ValueError("the model has other features (missing: %s)" % (", ".join(missing) or "none"))
