"""The forecasting model: features, ridge regression, storage, training, monitoring."""

from models.ridge import RidgeModel
from models.store import ModelFileError, load_model, save_model
