import csv
from datetime import date, timedelta

import numpy as np
import pytest

from models.features import FEATURES, feature_row
from models.outliers import OutlierDetector
from models.scoring import Scorer
from models.store import load_model

FIRST = date(2025, 1, 1)
HISTORY = {FIRST + timedelta(days=n): 100.0 + n for n in range(30)}
DAY = FIRST + timedelta(days=30)


@pytest.fixture
def scorer(trained_model):
    return Scorer(load_model(trained_model))


def features_of(day):
    return dict(zip(FEATURES, feature_row(day, FIRST, HISTORY), strict=True))


def test_rows_and_files_give_the_same_amounts(scorer, tmp_path):
    rows = [features_of(DAY), features_of(DAY + timedelta(days=1))]
    with open(tmp_path / "days.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=FEATURES)
        writer.writeheader()
        writer.writerows(rows)
    assert scorer.score_rows(rows) == pytest.approx(scorer.score_file(tmp_path / "days.csv"))
    assert set(scorer.journal.entries) == {"rows", "score_file"}


def test_a_row_needs_every_feature(scorer):
    with pytest.raises(ValueError, match="every feature"):
        scorer.score_rows([{"intercept": 1.0}])


def test_one_day_is_as_good_as_many(scorer):
    amounts = scorer.score_history(HISTORY)
    assert len(amounts) == 30
    assert scorer.score_day(FIRST + timedelta(days=29), HISTORY) == pytest.approx(amounts[-1])
    assert scorer.journal.entries["score_history"] == amounts


def test_unlike_days_stand_out():
    detector = OutlierDetector(limit=2.5)
    days = np.array([[1.0, float(n % 5)] for n in range(50)])
    assert detector.fit(days) == 0.0
    scores = detector.score(np.vstack([days, [[1.0, 40.0]]]))
    assert scores.argmax() == 50
