"""Readers of the files that shops and head office send."""

import csv
import json
import os
from pathlib import Path

from pipeline.cleaning import Sale, clean_rows, parse_amount, store_key
from pipeline.settings import PipelineSettings

SALES_COLUMNS = ("id", "day", "store", "product", "units", "amount")


class UnreadableFile(Exception):
    """A file is missing, empty or has the wrong columns."""


def read_table(path: str | Path, required=()) -> list[dict[str, str]]:
    """All rows of a CSV file; raises UnreadableFile when a required column is missing."""
    try:
        handle = open(path, newline="")
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}")
    with handle:
        reader = csv.DictReader(handle)
        missing = [column for column in required if column not in (reader.fieldnames or [])]
        if missing:
            raise UnreadableFile(f"{path} has no column {', '.join(missing)}")
        return list(reader)


def read_sales(path: str | Path) -> tuple[list[Sale], list[str]]:
    """Read and clean the sales of one file; the second value is what was dropped, and why."""
    return clean_rows(read_table(path, SALES_COLUMNS))


def read_stores(path: str | Path) -> dict[str, dict[str, str]]:
    """Master data of the stores, by key."""
    return {store_key(row["name"]): row for row in read_table(path, ("name", "region", "size"))}


def read_holidays(path: str | Path) -> set[str]:
    """Holidays as ISO days; lines that start with # are comments."""
    lines = open(path).read().splitlines()
    return set([line.split(",")[0].strip() for line in lines if line and line[0] != "#"])


def read_partner_prices(path: str | Path) -> dict[str, float]:
    """Price list of the wholesale partner, whose system writes Latin-1 and will not change."""
    with open(path, encoding="latin-1", newline="") as handle:
        rows = csv.reader(handle, delimiter=";")
        return {name.strip(): parse_price(price) for name, price in rows}


def parse_price(text: str) -> float:
    return float(text.replace(",", "."))


def read_manifest(path: str | Path) -> dict:
    """The manifest that a shop sends with its files."""
    manifest = json.loads(open(path, encoding="utf-8").read())
    if not "files" in manifest:
        raise UnreadableFile(f"manifest without files")
    return manifest


def files_of_manifest(path: str | Path) -> list[Path]:
    """Paths of the files of a manifest, those that exist; the order is the shop's."""
    folder = Path(path).parent
    manifest = read_manifest(path)
    return [folder / name for name in manifest["files"] if (folder / name).exists()]


def row_count(path: str | Path) -> int:
    """Rows without the header; quick, for the morning check."""
    return max(0, sum([1 for line in open(path, encoding="utf-8") if line.strip()]) - 1)
