import json
from datetime import date

import pytest

# the old import path; the shops' own scripts use it
from pipeline.readers import (
    UnreadableFile,
    files_of_manifest,
    parse_amount,
    parse_price,
    read_holidays,
    read_manifest,
    read_partner_prices,
    read_sales,
    read_stores,
    read_table,
    row_count,
)
from pipeline.settings import OVERRIDE_FILE, PipelineSettings, load_settings


def test_the_sample_file(data):
    sales, complaints = read_sales(data / "sales.csv")
    assert len(sales) + len(complaints) == row_count(data / "sales.csv") == 1280
    assert sales[0].day == date(2024, 11, 1)
    assert len(complaints) == 5


def test_the_old_import_path_still_works():
    assert parse_amount("1,50 EUR") == 1.5


def test_a_missing_file_and_a_missing_column(tmp_path):
    with pytest.raises(UnreadableFile, match="cannot read"):
        read_table(tmp_path / "none.csv")
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableFile, match="no column c, d"):
        read_table(path, ("a", "c", "d"))
    assert read_table(path, ("a",)) == [{"a": "1", "b": "2"}]


def test_stores_by_key(data):
    stores = read_stores(data / "stores.csv")
    assert stores["cafe-mitte"]["region"] == "centre"
    assert len(stores) == 4


def test_holidays_without_comments(data):
    holidays = read_holidays(data / "holidays.csv")
    assert "2024-12-25" in holidays
    assert not [day for day in holidays if day.startswith("#")]


def test_partner_prices_are_latin_1(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_bytes("Crème fraîche;2,75\nthé;3,10\n".encode("latin-1"))
    assert read_partner_prices(path) == {"Crème fraîche": 2.75, "thé": 3.1}


def test_a_price():
    assert parse_price("12,5") == 12.5


def test_a_manifest_needs_files(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"shop": "Old Mill"}))
    with pytest.raises(UnreadableFile, match="manifest without files"):
        read_manifest(path)


def test_a_manifest_skips_what_is_gone(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"files": ["b.csv", "a.csv"]}))
    assert files_of_manifest(path) == [tmp_path / "a.csv"]


def test_settings_without_override(tmp_path):
    assert load_settings(tmp_path / "none.json") == PipelineSettings()


def test_settings_with_override(tmp_path):
    path = tmp_path / "override.json"
    path.write_text(json.dumps({"sales": str(path), "week_start": 6, "colour": "red"}))
    settings = load_settings(path)
    assert (settings.week_start, settings.sales) == (6, str(path))
    assert str(path) not in settings.missing_files()


def test_the_override_is_never_looked_for_in_the_project():
    assert OVERRIDE_FILE == "/etc/agent-service/override.json"
