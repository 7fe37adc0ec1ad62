"""Ridge regression, small enough to read."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class RidgeModel:
    """Weights for named features. `alpha` is the penalty; the intercept (first feature) has none."""

    alpha: float = 1.0
    features: list[str] = field(default_factory=list)
    weights: np.ndarray | None = None
    residual: float = 0.0

    def fit(self, matrix: np.ndarray, target: np.ndarray) -> "RidgeModel":
        """Fit to a matrix (rows, features) and a target (rows,); returns itself."""
        if len(matrix) != len(target):
            raise ValueError("matrix and target differ in length")
        penalty = self.alpha * np.eye(matrix.shape[1])
        penalty[0, 0] = 0.0
        self.weights = np.linalg.solve(matrix.T @ matrix + penalty, matrix.T @ target)
        self.residual = float(np.std(target - matrix @ self.weights))
        return self

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        if self.weights is None:
            raise RuntimeError("the model is not trained")
        return np.atleast_2d(matrix) @ self.weights

    def score(self, matrix, target) -> float:
        """Share of the variance that is explained."""
        error = np.sum((target - self.predict(matrix)) ** 2)
        spread = np.sum((target - np.mean(target)) ** 2)
        return float(1 - error / spread) if spread else 0.0

    def importance(self) -> list[tuple[str, float]]:
        """Features with their weights, heaviest first."""
        if self.weights is None:
            return []
        pairs = [(name, float(weight)) for name, weight in zip(self.features, self.weights, strict=True)]
        return sorted(pairs, key=lambda pair: -abs(pair[1]))
