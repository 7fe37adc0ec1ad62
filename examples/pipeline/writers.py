"""Files that the service hands to people and to the warehouse."""

import csv
import json
import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from pipeline.cleaning import Sale


def write_sales(path: str | Path, sales: Iterable[Sale]) -> int:
    """Write clean sales; returns the number of rows."""
    count = 0
    with open(path, "w", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "day", "store", "product", "units", "amount"])
        for sale in sales:
            writer.writerow(
                [sale.id, sale.day.isoformat(), sale.store, sale.product, sale.units, f"{sale.amount:.2f}"]
            )
            count += 1
    return count


def write_totals(folder: str | Path, totals: dict[date, float]) -> Path:
    """Totals of the run, one file a day of writing, for the warehouse."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    stamp = datetime.utcnow().strftime("%Y%m%d")
    path = Path(folder) / f"totals-{stamp}.csv"
    with open(path, "w", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        for day, amount in totals.items():
            writer.writerow([day.isoformat(), amount])
    return path


def write_summary(path: str | Path, summary: dict) -> None:
    summary = dict(summary, written=datetime.utcnow().isoformat())
    with open(path, "w") as handle:
        json.dump(summary, handle, indent=2, sort_keys=True)


def claim(folder: str | Path) -> bool:
    """Claim a run by making a folder; False when another process has it.

    It has to fail when the folder is there: that is the lock.
    """
    try:
        os.mkdir(folder)
    except FileExistsError:
        return False
    return True


def tail(path: str | Path, lines: int = 10) -> list[str]:
    handle = open(path, encoding="utf-8")
    content = handle.readlines()
    handle.close()
    return [line.rstrip("\n") for line in content[-lines:]]
