"""Train the forecasting model: `python -m models.train data/sales.csv models/sales_ridge.npz`."""

import os
import sys
import time
from datetime import date
from pathlib import Path

from models.features import FEATURES, design_matrix
from models.ridge import RidgeModel
from models.store import save_model
from pipeline.aggregate import daily_totals
from pipeline.readers import read_holidays, read_sales

ALPHAS = (0.01, 0.1, 1.0, 10.0)
HOLD_OUT = 21


def choose_alpha(totals: dict[date, float], holidays=frozenset()) -> tuple[float, float]:
    """The penalty that predicts the last three weeks best, and its its score there."""
    matrix, target = design_matrix(totals, holidays)
    if len(target) <= HOLD_OUT:
        raise ValueError(f"at least {HOLD_OUT + 8} days are needed to choose a penalty")
    best = (ALPHAS[0], float("-inf"))
    for alpha in ALPHAS:
        model = RidgeModel(alpha).fit(matrix[:-HOLD_OUT], target[:-HOLD_OUT])
        score = model.score(matrix[-HOLD_OUT:], target[-HOLD_OUT:])
        if score > best[1]:
            best = (alpha, score)
    return best


def train(sales_file: str | Path, model_file: str | Path, holidays_file: str | Path | None = None) -> RidgeModel:
    """Train on all days of a sales file and write the model."""
    started = time.time()
    sales, complaints = read_sales(sales_file)
    holidays = read_holidays(holidays_file) if holidays_file else frozenset()
    totals = daily_totals(sales)
    alpha, score = choose_alpha(totals, holidays)
    matrix, target = design_matrix(totals, holidays)
    model = RidgeModel(alpha, list(FEATURES)).fit(matrix, target)
    save_model(model_file, model)
    seconds = time.time() - started
    print(f"{len(target)} days, {len(complaints)} rows dropped, alpha {alpha}, R2 {score:.3f}, {seconds:.2f} s")
    return model


if __name__ == "__main__":
    train(*sys.argv[1:4])
