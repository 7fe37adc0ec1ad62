"""Watch the forecasts: how far off they were, and whether the world has drifted."""

from collections.abc import Sequence

import numpy as np


def mean_absolute_error(actual: Sequence[float], predicted: Sequence[float]) -> float:
    """Mean distance of the forecasts from what was sold."""
    return float(np.mean(np.abs(np.asarray(actual) - np.asarray(predicted))))


def percentage_error(actual: Sequence[float], predicted: Sequence[float]) -> float:
    """Mean absolute error in percent; days without sales are left out. nan when none is left."""
    pairs = [(a, p) for a, p in zip(actual, predicted, strict=True) if a]
    if not pairs:
        return np.NaN
    return 100 * sum([abs(a - p) / abs(a) for a, p in pairs]) / len(pairs)


def drifted(reference: Sequence[float], recent: Sequence[float], limit: float = 3.0) -> bool:
    """Whether the recent mean lies more than `limit` standard errors from the reference."""
    if len(recent) < 2 or len(reference) < 2:
        return False
    spread = np.std(reference, ddof=1) / np.sqrt(len(recent))
    if spread == 0:
        return bool(np.mean(recent) != np.mean(reference))
    return bool(abs(np.mean(recent) - np.mean(reference)) / spread > limit)


def alert_days(days: Sequence[str], errors: Sequence[float], excluded: Sequence[str] = ()) -> list[str]:
    """Days with an error above twice the median, but for excluded ones (stocktaking)."""
    errors = np.asarray(errors, dtype=float)
    high = errors > 2 * np.median(errors)
    if len(excluded):
        high &= ~np.isin(np.asarray(days), np.asarray(excluded))
    return [day for day, flag in zip(days, high, strict=True) if flag]
