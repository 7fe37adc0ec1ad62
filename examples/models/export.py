"""Exports of a model for people and for other systems."""

import csv
import json
import os
from pathlib import Path

import numpy as np

from models.ridge import RidgeModel


def weights_table(model: RidgeModel) -> list[dict]:
    """A row for each weight, heaviest first."""
    return [{"feature": name, "weight": round(weight, 6)} for name, weight in model.importance()]


def export_json(path: str | Path, model: RidgeModel) -> None:
    """Weights and settings as JSON, for the dashboard."""
    content = {"alpha": model.alpha, "residual": model.residual, "weights": weights_table(model)}
    with open(path, "w") as handle:
        json.dump(content, handle, indent=2)


def export_csv(path: str | Path, model: RidgeModel) -> None:
    """The weights as CSV, for spreadsheets."""
    with open(path, "w", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=["feature", "weight"])
        writer.writeheader()
        writer.writerows(weights_table(model))


def export_warehouse(path: str | Path, model: RidgeModel) -> None:
    """Raw doubles, little endian: the format of the old warehouse loader."""
    np.asarray(model.weights, dtype=np.float_).astype("<f8").tofile(path)
