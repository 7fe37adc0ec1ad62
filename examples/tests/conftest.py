from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.cleaning import Sale

ROOT = Path(__file__).parent.parent


@pytest.fixture
def data():
    """The folder with the sample files."""
    return ROOT / "data"


@pytest.fixture
def trained_model():
    return ROOT / "models" / "sales_ridge.npz"


@pytest.fixture
def totals():
    """Forty days of totals with a weekly rhythm, as the agents pass them on."""
    first = date(2025, 1, 6)
    week = [900, 950, 1000, 1050, 1250, 1400, 600]
    return {(first + timedelta(days=n)).isoformat(): float(week[n % 7]) for n in range(40)}


@pytest.fixture
def sale():
    """Make a sale; what is not given is ordinary."""

    def make(id="S1", day="2025-03-03", store="old-mill", product="oat drink", units=2, amount=4.8):
        return Sale(id, date.fromisoformat(day), store, product, units, amount)

    return make
