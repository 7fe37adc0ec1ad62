"""Days that are unlike those of the training, found by their features."""

import numpy as np


class StandardScaler:
    """Take off the mean of each column and divide by its spread, as learnt from a matrix."""

    def __init__(self) -> None:
        self.mean = np.zeros(1)
        self.spread = np.ones(1)

    def fit(self, matrix: np.ndarray) -> "StandardScaler":
        """Learn mean and spread of each column; a column that never changes has a spread of one."""
        self.mean = matrix.mean(axis=0)
        spread = matrix.std(axis=0)
        self.spread = np.where(spread == 0, 1.0, spread)
        return self

    def transform(self, matrix: np.ndarray) -> np.ndarray:
        """Scale a matrix by what was learnt."""
        return (matrix - self.mean) / self.spread

    def fit_transform(self, matrix: np.ndarray) -> np.ndarray:
        """Learn from a matrix and scale it."""
        return self.fit(matrix).transform(matrix)


class OutlierDetector:
    """A day is unlike the others when a feature lies more than `limit` spreads from the mean."""

    def __init__(self, limit: float = 4.0) -> None:
        self.limit = limit
        self.scaler = StandardScaler()

    def fit(self, matrix: np.ndarray) -> float:
        """Learn from the days of the training; returns the share of them that is unusual."""
        scaled = self.scaler.fit_transform(matrix)
        return float(np.mean(np.abs(scaled).max(axis=1) > self.limit))

    def score(self, matrix: np.ndarray) -> np.ndarray:
        """How many spreads the oddest feature of each day lies from the mean."""
        return np.abs(self.scaler.fit_transform(matrix)).max(axis=1)
