"""Data quality checks of a run. A check returns a sentence, or None where all is well."""

import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

from pipeline.cleaning import Sale
from pipeline.settings import PipelineSettings

logger = logging.getLogger(__name__)


def check_missing(sales: list[Sale], complaints: list[str], settings: PipelineSettings) -> str | None:
    """Too many rows could not be used."""
    rows = len(sales) + len(complaints)
    if not rows:
        return "there is no row at all"
    share = len(complaints) / rows
    if share > settings.max_missing_share:
        return "{:.0%} of the rows are unusable (limit {:.0%})".format(share, settings.max_missing_share)
    return None


def check_amounts(sales: list[Sale], complaints: list[str], settings: PipelineSettings) -> str | None:
    """An amount is too large to be true."""
    odd = [sale.id for sale in sales if abs(sale.amount) > settings.max_amount]
    return f"amounts beyond the limit: {', '.join(odd[:5])}" if odd else None


def check_duplicates(sales: list[Sale], complaints: list[str], settings: PipelineSettings) -> str | None:
    """A sale was counted twice."""
    seen, double = set(), []
    for sale in sales:
        if sale.id in seen:
            double.append(sale.id)
        seen.add(sale.id)
    return f"ids that come twice: {', '.join(double[:5])}" if double else None


def check_future(sales: list[Sale], complaints: list[str], settings: PipelineSettings) -> str | None:
    """Sales of days that are still to come: a clock of the tills is wrong."""
    last = max((sale.day for sale in sales), default=date.min)
    late = last > date.today() + timedelta(days=settings.max_days_ahead)
    return f"sales of the future: {last.isoformat()}" if late else None


CHECKS: dict[str, Callable[..., str | None]] = {
    "missing": check_missing,
    "amounts": check_amounts,
    "duplicates": check_duplicates,
}


def run_checks(sales: list[Sale], complaints: list[str], settings: PipelineSettings) -> dict[str, str]:
    """Run all checks; returns the sentences of those that complain.

    The start is logged as a date because operations matches it with the log of the tills.
    """
    started = time.time()
    logger.info("checks began at %s", datetime.fromtimestamp(started).isoformat())
    findings = {}
    for name, check in CHECKS.items():
        sentence = check(sales, complaints, settings)
        if sentence:
            findings[name] = sentence
    logger.info("checks took %.3f s", time.time() - started)
    return findings


def timed(check: Callable, *arguments) -> tuple[str | None, float]:
    """The sentence of one check, and how long it took."""
    began = time.time()
    sentence = check(*arguments)
    took = time.time() - began
    return sentence, took
