"""A repair that lives on a name which another imports goes with it, and one that takes up its leavings."""

import pytest

from nightmend.repairs.repair import Edit, Repair
from nightmend.review.links import links

FIRST = b"from datetime import datetime, timezone\n\nNOW = datetime.now(timezone.utc)\nTHEN = datetime.min\n"


def repair(content: bytes, *changes: tuple[str, str]) -> Repair:
    edits = []
    for old, new in changes:
        start = content.index(old.encode())
        edits.append(Edit(path="a.py", start=start, end=start + len(old.encode()), text=new))
    return Repair(
        id="1", agent="code_quality", pattern="p", safety="safe", issues=(), faults=(), edits=tuple(edits),
        line=1, summary="",
    )  # fmt: skip


ALIAS = repair(FIRST, ("import datetime,", "import UTC, datetime,"), ("timezone.utc", "UTC"))
SECOND = b"from datetime import UTC, datetime, timezone\n\nNOW = datetime.now(UTC)\nTHEN = datetime.min\n"


@pytest.mark.parametrize(
    ("changes", "builds"),
    [
        ((("datetime.min", "datetime.min.replace(tzinfo=UTC)"),), True),
        ((("datetime, timezone", "datetime"),), True),
        ((("datetime.min", "datetime.max"),), False),
        ((("NOW", "TODAY"),), False),
    ],
    ids=["takes its name", "takes away what it left unused", "neither", "another name"],
)
def test_who_builds_on_another_by_a_name(changes, builds):
    earlier = links(ALIAS, {"a.py": FIRST})
    assert links(repair(SECOND, *changes), {"a.py": SECOND}).builds_on(earlier) is builds


def test_a_changed_letter_takes_the_whole_word_away():
    typed = b"from typing import Dict\n\nNAMES: Dict[str, int] = {}\nWORDS: Dict[str, str] = {}\n"
    lower = repair(typed, ("NAMES: D", "NAMES: d"))
    unused = repair(typed, ("from typing import Dict\n", ""))
    assert links(lower, {"a.py": typed}).writes == {("a.py", "dict")}
    assert links(unused, {"a.py": typed}).builds_on(links(lower, {"a.py": typed}))


def test_in_another_file_a_name_is_another():
    later = repair(SECOND, ("datetime.min", "UTC"))
    moved = later.model_copy(update={"edits": (later.edits[0].model_copy(update={"path": "b.py"}),)})
    assert not links(moved, {"b.py": SECOND}).builds_on(links(ALIAS, {"a.py": FIRST}))


def test_what_is_no_python_imports_nothing():
    page = repair(FIRST, ("NOW", "THEN")).model_copy(
        update={"edits": (Edit(path="README.md", start=0, end=0, text="import os\n"),)}
    )
    assert links(page, {"README.md": b"# Page\n"}).imports == frozenset()
