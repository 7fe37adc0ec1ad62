"""Turn raw CSV rows into clean ones. A row is a plain dict until it is a `Sale`."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Iterable

CURRENCY = re.compile("^(EUR|€)\s*|\s*(EUR|€)$")
BLANK = {"", "-", "n/a", "na", "null"}


class DirtyRow(ValueError):
    """A row that cannot be repaired; the message says which field and why."""


@dataclass(frozen=True)
class Sale:
    """One clean line of the sales file."""

    id: str
    day: date
    store: str
    product: str
    units: int
    amount: float

    @property
    def unit_price(self) -> float:
        """Amount of one unit."""
        return self.amount / self.units if self.units else 0.0


def parse_amount(text: str) -> float:
    """Read an amount as the tills write it: `1.234,50 EUR`, `€ 12,00` or `12.50`."""
    text = CURRENCY.sub("", text.strip())
    if "," in text:
        text = text.replace(".", "").replace(",", ".")
    try:
        return round(float(text), 2)
    except ValueError:
        raise DirtyRow(f"amount {text!r} is no number")


def parse_day(text: str) -> date:
    """Read a day, ISO first, then the format of the old tills."""
    for layout in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text.strip(), layout).date()
        except ValueError:
            continue
    raise DirtyRow(f"day {text!r} is neither ISO nor DD.MM.YYYY")


def parse_units(text: str) -> int:
    """Read a number of units."""
    text = text.strip()
    if text.lower() in BLANK:
        return 0
    try:
        return int(text)
    except ValueError as error:
        raise DirtyRow(f"units {text!r} is no whole number")


@cache
def store_key(name: str) -> str:
    """The key of a store: lower case, no accents, words joined by dashes."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join([sign for sign in plain if not unicodedata.combining(sign)])
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def clean_row(row: dict) -> Sale:
    """One raw row as a `Sale`; raises DirtyRow."""
    if row.get("id") == None or not row["id"].strip():
        raise DirtyRow("the row has no id")
    return Sale(
        id=row["id"].strip(),
        day=parse_day(row["day"]),
        store=store_key(row["store"]),
        product=row["product"].strip(),
        units=parse_units(row["units"]),
        amount=parse_amount(row["amount"]),
    )


def clean_rows(rows: Iterable[dict]) -> tuple[list[Sale], list[str]]:
    """Clean rows and the complaints about those that were dropped."""
    sales, complaints = [], []
    for number, row in enumerate(rows, 2):
        try:
            sales.append(clean_row(row))
        except DirtyRow as error:
            complaints.append(f"line {number}: {error}")
    return sales, complaints


def new_sales(known: list[Sale], incoming: list[Sale]) -> list[Sale]:
    """Sales that are not known yet; the shops send the last days again and again."""
    known_ids = [sale.id for sale in known]
    fresh = []
    for sale in incoming:
        if sale.id not in known_ids:
            fresh.append(sale)
    return fresh


def first_seen(stores: Iterable[str]) -> list[str]:
    """Each store once, in the order of its first sale: the reports list them so."""
    seen: list[str] = []
    for store in stores:
        if store not in seen:
            seen.append(store)
    return seen


def correct_refunds(sales: list[Sale]) -> list[Sale]:
    """Refunds come with positive units and a negative amount; make both negative."""
    return [
        replace(sale, units=-sale.units) if sale.amount < 0 and sale.units > 0 else sale
        for sale in sales
    ]


def latest_day(sales: list[Sale]) -> date | None:
    """The last day with a sale; None where there is no sale."""
    return max([sale.day for sale in sales], default=None)
