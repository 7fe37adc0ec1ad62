from datetime import date

import pytest

from pipeline.aggregate import (
    busy_days,
    daily_totals,
    grand_total,
    mean_amount,
    median_amount,
    moving_average,
    products_sold,
    ranking,
    running_totals,
    store_shares,
    top_products,
    weekly_totals,
)
from pipeline.joins import UnknownStore, missing_days, region_of, sales_by_region, unknown_stores

STORES = {"old-mill": {"region": "north"}, "cafe-mitte": {"region": "centre"}}


def test_daily_totals_fill_the_gaps(sale):
    sales = [sale(day="2025-03-03", amount=5.0), sale(day="2025-03-05", amount=2.5), sale(amount=1.0)]
    assert daily_totals(sales) == {date(2025, 3, 3): 6.0, date(2025, 3, 4): 0.0, date(2025, 3, 5): 2.5}
    assert daily_totals([]) == {}


def test_weekly_totals_by_first_day():
    totals = {date(2025, 3, 2): 1.0, date(2025, 3, 3): 2.0, date(2025, 3, 9): 4.0}
    assert weekly_totals(totals) == {date(2025, 2, 24): 1.0, date(2025, 3, 3): 6.0}
    assert weekly_totals(totals, week_start=6) == {date(2025, 3, 2): 3.0, date(2025, 3, 9): 4.0}


def test_top_products(sale):
    sales = [sale(product="tea", units=1), sale(product="oat", units=5), sale(product="tea", units=2)]
    assert top_products(sales, 1) == [("oat", 5)]


def test_grand_total_and_busy_days():
    totals = {date(2025, 1, 1): 1.005, date(2025, 1, 2): 2.0}
    assert grand_total(totals) == 3.0
    assert busy_days(totals, 2.0) == [date(2025, 1, 2)]


def test_store_shares(sale):
    sales = [sale(store="a", amount=1.0), sale(store="b", amount=3.0)]
    assert list(store_shares(sales).items()) == [("b", 75.0), ("a", 25.0)]
    assert store_shares([sale(store="a", amount=0.0)]) == {"a": 0.0}


def test_moving_average():
    assert moving_average([2.0, 4.0, 6.0], 2) == [2.0, 3.0, 5.0]
    with pytest.raises(ValueError, match="1 or more"):
        moving_average([1.0], 0)


def test_regions(sale):
    grouped = sales_by_region([sale("1"), sale("2", store="cafe-mitte"), sale("3")], STORES)
    assert {region: [one.id for one in sales] for region, sales in grouped.items()} == {
        "north": ["1", "3"],
        "centre": ["2"],
    }


def test_a_store_without_master_data(sale):
    assert unknown_stores([sale(store="kiosk"), sale()], STORES) == ["kiosk"]
    with pytest.raises(UnknownStore, match="kiosk"):
        region_of("kiosk", STORES)


def test_missing_days(sale):
    calendar = ["2025-03-02", "2025-03-03", "2025-03-04"]
    assert missing_days([sale(day="2025-03-03")], calendar) == ["2025-03-02", "2025-03-04"]


def test_amounts_in_the_middle():
    assert median_amount([3.0, 1.0, 2.0]) == 2.0
    assert median_amount([1.0, 2.0]) == 1.5
    assert median_amount([]) == 0.0
    assert mean_amount([1.0, 2.0]) == 1.5
    assert running_totals([1.0, 2.5, 0.1]) == [1.0, 3.5, 3.6]


def test_products_come_in_order():
    assert products_sold([["tea"], [], ["oat", "tea"]]) == ["tea", "oat", "tea"]


def test_a_ranking_has_numbers():
    assert ranking(["oat", "tea"]) == ["1. oat", "2. tea"]
