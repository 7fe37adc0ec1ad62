"""Forecasts for days whose features another system has prepared."""

import csv
import math
from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np

from models.features import check_alignment, feature_row
from models.ridge import RidgeModel


class Journal:
    """What was forecast, kept for the comparison with the tills."""

    def __init__(self) -> None:
        self.entries: dict[str, list[float]] = defaultdict(list)

    def record_forecasts(self, source: str, amounts: list[float]) -> None:
        """Keep the forecasts of one source."""
        self.entries[source] += amounts


class Scorer:
    """Turns features into amounts, and keeps a journal of them."""

    def __init__(self, model: RidgeModel, journal: Journal | None = None) -> None:
        check_alignment(model.features)
        self.model = model
        self.journal = journal or Journal()

    def predict_amounts(self, matrix: np.ndarray) -> list[float]:
        """Amounts of days by their features (days, features)."""
        return [max(0.0, math.expm1(float(value))) for value in self.model.predict(matrix)]

    def score_rows(self, rows: list[dict[str, float]]) -> list[float]:
        """Amounts of days, each a dict of its features."""
        if len(rows[0]) != len(self.model.features):
            raise ValueError("a row needs every feature of the model")
        matrix = np.array([[float(value) for value in row.values()] for row in rows])
        logs = self.model.predict(matrix)
        amounts = [max(0.0, math.expm1(float(value))) for value in logs]
        self.journal.record_forecasts("rows", amounts)
        return amounts

    def score_file(self, path: str | Path) -> list[float]:
        """Amounts of the days of a CSV file with a column for each feature."""
        with open(path, encoding="utf-8", newline="") as handle:
            rows = [[float(row[name]) for name in self.model.features] for row in csv.DictReader(handle)]
        amounts = self.predict_amounts(np.array(rows))
        self.journal.record_forecasts("score_file", amounts)
        return amounts

    def score_history(self, totals: dict[date, float]) -> list[float]:
        """Amounts of the days of a history, each as if it were the next."""
        first = min(totals)
        matrix = np.array([feature_row(day, first, totals) for day in sorted(totals)])
        amounts = self.predict_amounts(matrix)
        self.journal.record_forecasts("score_history", amounts)
        return amounts

    def score_day(self, day: date, totals: dict[date, float]) -> float:
        """Amount of one day after a history."""
        amounts = self.predict_amounts(feature_row(day, min(totals), totals))
        return amounts[0]
