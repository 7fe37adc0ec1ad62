"""A whole backfill, as operations runs it after an outage. These are the slow ones."""

from datetime import date, timedelta

from pipeline.aggregate import products_sold, ranking
from pipeline.cleaning import Sale, new_sales
from pipeline.joins import missing_days
from pipeline.work_queue import backfill_jobs, drain

FIRST = date(2023, 1, 1)


def quarter(start, count):
    return [Sale(f"S{start + n:06}", FIRST, "old-mill", "tea", 1, 2.5) for n in range(count)]


def test_a_quarter_is_sent_again():
    known = quarter(0, 8000)
    fresh = new_sales(known, quarter(3000, 8000))
    assert len(fresh) == 3000
    assert fresh[0].id == "S008000"


def test_three_years_of_jobs():
    stores = [f"store-{number}" for number in range(60)]
    jobs = list(backfill_jobs(stores, FIRST, FIRST + timedelta(days=999)))
    done, given_up = drain(jobs, lambda job: True)
    assert (done, given_up) == (60_000, [])


def test_a_year_without_gaps():
    days = [FIRST + timedelta(days=n) for n in range(365)]
    sales = [Sale(f"S{n}", day, "old-mill", "tea", 1, 2.5) for n, day in enumerate(days)]
    assert missing_days(sales, [day.isoformat() for day in days]) == []


def test_a_year_of_baskets():
    sold = products_sold([[f"product-{number}"] for number in range(3000)])
    assert len(sold) == 3000


def test_a_long_ranking():
    names = [f"product-{number}" for number in range(2000)]
    assert ranking(names)[-1] == "2000. product-1999"
