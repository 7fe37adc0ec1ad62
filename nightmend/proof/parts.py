"""Tests in parts that may run at once, each in a process of its own."""

from collections.abc import Collection
from itertools import groupby

from nightmend.proof.records import SuiteRun

PART_SECONDS = 15.0
"""What a part takes at least in the recorded run: pytest starts, and imports the target, for each of them."""
PARTS = 4


def file_of(test: str) -> str:
    """Return the file that a test's id names."""
    return test.partition("::")[0]


def parts_of(suite: SuiteRun, asked: Collection[str]) -> list[list[str]]:
    """Split tests into parts of about the same time, by what they took in a run of the whole suite.

    The tests of one file stay together, and neighbours stay neighbours. Fewer than two parts are one.
    """
    body = suite.call_seconds
    around = max(0.0, suite.seconds - sum(body.values())) / max(len(suite.outcomes), 1)
    ordered = [test for test in suite.outcomes if test in asked]
    total = sum(body.get(test, 0) + around for test in ordered)
    count = max(1, min(PARTS, int(total / PART_SECONDS)))
    if count == 1:
        return [ordered] if ordered else []
    parts: list[list[str]] = [[] for _ in range(count)]
    taken = 0.0
    for _, tests in groupby(ordered, key=file_of):
        together = list(tests)
        seconds = sum(body.get(test, 0) + around for test in together)
        parts[int(count * (taken + seconds / 2) / total)] += together
        taken += seconds
    return [part for part in parts if part]
