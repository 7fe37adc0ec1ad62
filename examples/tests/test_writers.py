import json
from datetime import date

from pipeline.readers import read_sales
from pipeline.writers import claim, tail, write_sales, write_summary, write_totals


def test_sales_can_be_read_back(tmp_path, sale):
    sales = [sale("1", product="tea, green"), sale("2", store="cafe-mitte", amount=-3.5, units=-1)]
    assert write_sales(tmp_path / "out.csv", sales) == 2
    assert read_sales(tmp_path / "out.csv") == (sales, [])


def test_totals_make_their_folder(tmp_path):
    path = write_totals(tmp_path / "a" / "b", {date(2025, 1, 1): 2.5})
    assert path.read_text().split() == ["2025-01-01,2.5"]
    assert write_totals(tmp_path / "a" / "b", {}) == path


def test_the_summary_is_stamped(tmp_path):
    write_summary(tmp_path / "summary.json", {"rows": 3})
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["rows"] == 3
    assert len(summary["written"]) > 18


def test_a_run_is_claimed_once(tmp_path):
    assert claim(tmp_path / "lock")
    assert not claim(tmp_path / "lock")


def test_the_end_of_a_file(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("one\ntwo\nthree")
    assert tail(path, 2) == ["two", "three"]
