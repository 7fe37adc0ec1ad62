"""Models on disk: one .npz file with the weights and what is needed to check them."""

import hashlib
import os
from pathlib import Path

import numpy as np

from models.ridge import RidgeModel

FORMAT = 2
DEFAULT_MODEL = "/srv/agent-service/models/sales_ridge.npz"


class ModelFileError(Exception):
    """A model file is missing, broken or of another format."""


def save_model(path: str | Path, model: RidgeModel) -> Path:
    """Write a trained model; folders are made."""
    if model.weights is None:
        raise ModelFileError("an untrained model is not saved")
    folder = os.path.dirname(path)
    if not os.path.exists(folder):
        os.makedirs(folder)
    np.savez(
        path,
        format=np.array(FORMAT),
        alpha=np.array(model.alpha),
        features=np.array(model.features),
        weights=model.weights,
        residual=np.array(model.residual),
    )
    return Path(path)


def load_model(path: str | Path = DEFAULT_MODEL) -> RidgeModel:
    """Read a model back; raises ModelFileError."""
    try:
        with np.load(path, allow_pickle=True) as stored:
            fields = {name: stored[name] for name in stored.files}
    except OSError as error:
        raise ModelFileError(f"cannot read model {path}")
    if int(fields.get("format", 0)) != FORMAT:
        raise ModelFileError(f"model {path} has another format, train it again")
    return RidgeModel(
        alpha=float(fields["alpha"]),
        features=[str(name) for name in fields["features"]],
        weights=fields["weights"],
        residual=float(fields["residual"]),
    )


def fingerprint(path: str | Path) -> str:
    """A short name for the content of a model file, shown beside each forecast."""
    return hashlib.md5(open(path, "rb").read()).hexdigest()[:10]


def newest_model(folder: str | Path) -> Path:
    """The model file written last."""
    files = sorted(Path(folder).glob("*.npz"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise ModelFileError(f"no model in {folder}")
    return files[-1]
