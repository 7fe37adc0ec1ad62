from datetime import date

import pytest

from pipeline.cleaning import (
    DirtyRow,
    clean_row,
    clean_rows,
    correct_refunds,
    first_seen,
    latest_day,
    new_sales,
    parse_amount,
    parse_day,
    parse_units,
    store_key,
)

ROW = {"id": "S1", "day": "2025-03-03", "store": "Old Mill", "product": " tea ", "units": "2", "amount": "4.80"}


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12.50", 12.5), ("1.234,50 EUR", 1234.5), ("€ 12,00", 12.0), (" 7 ", 7.0), ("-4,75", -4.75)],
)
def test_amounts(text, amount):
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "twelve", "1,2,3"])
def test_bad_amounts(text):
    with pytest.raises(DirtyRow, match="no number"):
        parse_amount(text)


def test_days():
    assert parse_day("2025-03-06") == parse_day("06.03.2025") == date(2025, 3, 6)
    with pytest.raises(DirtyRow, match="neither"):
        parse_day("2025/03/06")


def test_units():
    assert (parse_units(" 3 "), parse_units("n/a"), parse_units("")) == (3, 0, 0)
    with pytest.raises(DirtyRow, match="whole number"):
        parse_units("4.5")


def test_store_keys():
    assert store_key("Café  Mitte!") == "cafe-mitte"


def test_a_clean_row():
    sale = clean_row(ROW)
    assert (sale.product, sale.units, sale.amount, sale.unit_price) == ("tea", 2, 4.8, 2.4)


@pytest.mark.parametrize("id", [None, "", "  "])
def test_a_row_needs_an_id(id):
    with pytest.raises(DirtyRow, match="no id"):
        clean_row(dict(ROW, id=id))


def test_complaints_name_the_line():
    sales, complaints = clean_rows([ROW, dict(ROW, units="x")])
    assert len(sales) == 1
    assert complaints == ["line 3: units 'x' is no whole number"]


def test_unit_price_of_nothing(sale):
    assert sale(units=0).unit_price == 0.0


def test_only_new_sales(sale):
    known = [sale("S1"), sale("S2")]
    assert new_sales(known, [sale("S2"), sale("S3"), sale("S1")]) == [sale("S3")]


def test_first_seen_keeps_the_order():
    assert first_seen(["b", "a", "b", "c", "a"]) == ["b", "a", "c"]


def test_refunds_are_negative(sale):
    fixed = correct_refunds([sale(units=2, amount=-4.8), sale(units=-2, amount=-4.8), sale()])
    assert [one.units for one in fixed] == [-2, -2, 2]


def test_latest_day(sale):
    assert latest_day([sale(day="2025-01-02"), sale(day="2025-01-01")]) == date(2025, 1, 2)
    assert latest_day([]) is None
