"""What a report says of a night, counted again from what lies beside it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any


def sarif(folder: Path, name: str) -> dict[str, Any]:
    """Return the one run of a log."""
    (run,) = json.loads((folder / f"{name}.sarif").read_text())["runs"]
    return run  # type: ignore[no-any-return]


def issues_again(folder: Path) -> dict[str, Any]:
    """Return the report's `issues` as the two logs have them."""
    before, after = sarif(folder, "before"), sarif(folder, "after")
    known = [result for result in before["results"] if result["properties"]["actionable"]]
    left = [result for result in after["results"] if result["properties"]["actionable"]]
    gone = _gone(before, before["results"], after, after["results"])
    identified = len(before["results"])
    found = Counter(_kind(before, result)[0] for result in before["results"])
    return {
        "identified": identified,
        "actionable": len(known),
        "resolved": gone.total(),
        "resolution_rate": gone.total() / identified,
        "actionable_rate": _gone(before, known, after, left).total() / len(known),
        "by_category": {name: {"identified": found[name], "resolved": gone[name]} for name in found},
    }


def _gone(
    before: dict[str, Any], first: list[dict[str, Any]], after: dict[str, Any], last: list[dict[str, Any]]
) -> Counter[str]:
    """Count by category how much rarer each fault became in each file."""
    left = Counter(_kind(after, result) for result in last)
    counts: Counter[str] = Counter()
    for kind, number in Counter(_kind(before, result) for result in first).items():
        counts[kind[0]] += max(0, number - left[kind])
    return counts


def _kind(run: dict[str, Any], result: dict[str, Any]) -> tuple[str, str, str]:
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    return rule["properties"]["tags"][0], result["ruleId"], place
