"""Bring sales and master data together."""

from collections import defaultdict
from collections.abc import Iterable

from pipeline.cleaning import Sale


class UnknownStore(KeyError):
    """A sale names a store that the master data does not have."""


def region_of(store: str, stores: dict[str, dict[str, str]]) -> str:
    """Region of a store."""
    try:
        return stores[store]["region"]
    except KeyError:
        raise UnknownStore(f"no master data for store {store}")


def sales_by_region(sales: Iterable[Sale], stores: dict) -> dict[str, list[Sale]]:
    """Group sales; raises UnknownStore for the first store without master data."""
    grouped: dict[str, list[Sale]] = defaultdict(list)
    for sale in sales:
        grouped[region_of(sale.store, stores)].append(sale)
    return dict(grouped)


def unknown_stores(sales: Iterable[Sale], stores: dict) -> list[str]:
    return sorted({sale.store for sale in sales if sale.store not in stores})


def missing_days(sales: Iterable[Sale], calendar: Iterable[str]) -> list[str]:
    """Days of the calendar without a single sale, as ISO text."""
    sold = [sale.day.isoformat() for sale in sales]
    gaps = []
    for day in calendar:
        if day not in sold:
            gaps.append(day)
    return gaps
