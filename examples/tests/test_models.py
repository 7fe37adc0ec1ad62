import json
import os
from datetime import date, timedelta

import numpy as np
import pytest

from models import ModelFileError, RidgeModel, load_model, save_model
from models.export import export_csv, export_json
from models.features import FEATURES, check_alignment, day_features, design_matrix, lag_features
from models.monitor import alert_days, drifted, mean_absolute_error, percentage_error
from models.store import fingerprint, newest_model
from models.train import choose_alpha, train


def test_features_of_a_day():
    row = day_features(date(2025, 1, 4), date(2025, 1, 4), {"2025-01-04"})
    assert row[0] == 1.0
    assert row[1] == 0.0
    assert dict(zip(FEATURES, row, strict=False))["is_sat"] == 1.0
    assert row[-1] == 1.0


def test_lags_of_unknown_days_are_the_mean():
    day = date(2025, 1, 9)
    lags = lag_features({day - timedelta(days=1): 10.0, day - timedelta(days=2): 20.0}, day)
    assert lags == pytest.approx([np.log1p(10.0), np.log1p(15.0)])


def test_the_design_matrix_leaves_the_first_week_out(totals):
    history = {date.fromisoformat(day): amount for day, amount in totals.items()}
    matrix, target = design_matrix(history)
    assert matrix.shape == (33, len(FEATURES))
    assert target.shape == (33,)
    with pytest.raises(ValueError, match="eight days"):
        design_matrix({date(2025, 1, 1): 1.0})


def test_alignment():
    check_alignment(list(FEATURES))
    with pytest.raises(ValueError, match="missing: holiday"):
        check_alignment([name for name in FEATURES if name != "holiday"])


def test_ridge_finds_a_line():
    matrix = np.array([[1.0, x] for x in range(10)])
    model = RidgeModel(1e-9, ["intercept", "x"]).fit(matrix, 3 + 2 * matrix[:, 1])
    assert model.predict(np.array([1.0, 20.0]))[0] == pytest.approx(43.0)
    assert model.score(matrix, 3 + 2 * matrix[:, 1]) == pytest.approx(1.0)
    assert model.importance()[0][0] == "intercept"


def test_ridge_refuses():
    with pytest.raises(RuntimeError, match="not trained"):
        RidgeModel().predict(np.eye(2))
    with pytest.raises(ValueError, match="differ in length"):
        RidgeModel().fit(np.eye(2), np.ones(3))
    assert RidgeModel().importance() == []


def test_a_model_survives_the_disk(tmp_path):
    model = RidgeModel(0.5, ["intercept", "x"]).fit(np.array([[1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 2.0]))
    path = save_model(tmp_path / "deep" / "model.npz", model)
    loaded = load_model(path)
    assert (loaded.alpha, loaded.features) == (0.5, ["intercept", "x"])
    assert np.array_equal(loaded.weights, model.weights)


def test_an_untrained_model_is_not_saved(tmp_path):
    with pytest.raises(ModelFileError, match="untrained"):
        save_model(tmp_path / "x.npz", RidgeModel())


def test_models_that_cannot_be_loaded(tmp_path):
    with pytest.raises(ModelFileError, match="cannot read"):
        load_model(tmp_path / "none.npz")
    np.savez(tmp_path / "old.npz", format=np.array(1))
    with pytest.raises(ModelFileError, match="another format"):
        load_model(tmp_path / "old.npz")


def test_the_newest_model(tmp_path):
    with pytest.raises(ModelFileError, match="no model"):
        newest_model(tmp_path)
    for age, name in enumerate(["new.npz", "old.npz"]):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    assert newest_model(tmp_path).name == "new.npz"


def test_training_on_the_sample(data, tmp_path, capsys, trained_model):
    model = train(data / "sales.csv", tmp_path / "model.npz", data / "holidays.csv")
    assert "153 days, 5 rows dropped" in capsys.readouterr().out
    shipped = load_model(trained_model)
    assert np.allclose(model.weights, shipped.weights), "the model in the repository is this one"
    assert fingerprint(tmp_path / "model.npz") != fingerprint(data / "sales.csv")


def test_training_needs_days():
    totals = {date(2025, 1, 1) + timedelta(days=n): 5.0 for n in range(20)}
    with pytest.raises(ValueError, match="29 days"):
        choose_alpha(totals)


def test_errors_of_a_forecast():
    assert mean_absolute_error([1, 2], [2, 4]) == 1.5
    assert percentage_error([10, 0], [11, 5]) == pytest.approx(10.0)


def test_drift():
    assert drifted([1, 2, 3, 2, 1], [9, 9, 9])
    assert not drifted([1, 2, 3, 2, 1], [2, 2, 2])
    assert not drifted([1], [2])
    assert drifted([1.0, 1.0], [2.0, 2.0])


def test_alert_days():
    assert alert_days(["mon", "tue", "wed"], [1.0, 1.0, 9.0]) == ["wed"]


def test_exports(tmp_path, trained_model):
    model = load_model(trained_model)
    export_json(tmp_path / "model.json", model)
    export_csv(tmp_path / "model.csv", model)
    content = json.loads((tmp_path / "model.json").read_text())
    assert len(content["weights"]) == len(FEATURES)
    assert (tmp_path / "model.csv").read_text().splitlines()[0] == "feature,weight"
