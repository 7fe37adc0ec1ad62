"""Tests ran a changed line, or they did not; what is put in runs where its block does."""

import pytest

from nightmend.proof.ran import reached
from nightmend.repairs.repair import FOREIGN, Edit, Repair

SOURCE = """\
import os


def called(value):
    if value:
        first()
    else:
        second()
    last()


def dead():
    third()
    return 1
os.sep
"""
RAN = (1, 4, 5, 6, 9, 12, 15)


def reach(*changes, pattern=FOREIGN, ran=RAN):
    """Say whether tests ran edits: an old text, or the line to put something in at, with the new text."""
    content = SOURCE.encode()
    edits = []
    for old, new in changes:
        lines = SOURCE.splitlines(keepends=True)
        start = len("".join(lines[: old - 1])) if isinstance(old, int) else SOURCE.index(old)
        edits.append(
            Edit(path="a.py", start=start, end=start + (0 if isinstance(old, int) else len(old)), text=new)
        )
    repair = Repair(
        id="r", agent="a", pattern=pattern, safety="needs-tests", issues=(), faults=(), edits=edits, line=1,
        summary="",
    )  # fmt: skip
    return reached(repair, {"a.py": content}, {"a.py": ran})


@pytest.mark.parametrize(
    ("line", "text", "ran"),
    [
        (6, "        more()\n", True),
        (7, "        more()\n", True),
        (9, "        more()\n", False),
        (9, "    more()\n", True),
        (10, "    more()\n", True),
        (13, "    more()\n", False),
        (15, "    more()\n", False),
        (15, "more()\n", True),
        (1, "import re\n", True),
        (1, "def f():\n    return 1\n", False),
        (1, "import re\n\n\ndef f():\n    return 1\n", False),
    ],
)
def test_what_is_put_in_runs_where_its_block_runs(line, text, ran):
    assert reach((line, text)) is ran


@pytest.mark.parametrize(
    ("changes", "ran"),
    [
        ([("third()\n    return 1", "return 2")], False),
        ([("first()", "one()")], True),
        ([("first()\n    else:\n        second()\n", "one()\n    else:\n        two()\n")], False),
        ([(1, "import re\n"), ("third()", "re.third()")], False),
        ([(1, "import re\n"), ("first()", "re.first()")], True),
        ([(4, "def helper():\n    pass\n\n\n"), ("first()", "helper()")], True),
        ([(4, "def helper():\n    pass\n\n\n"), ("third()", "helper()")], False),
        ([("first()", "one()"), ("third()", "three()")], False),
    ],
)
def test_every_statement_of_every_edit_must_have_run(changes, ran):
    assert reach(*changes) is ran


def test_behind_what_may_leave_nothing_runs_for_certain():
    assert reach((13, "    return 2\n"), ran=(12, 13, 14)) is True
    assert reach((15, "    more()\n"), ran=(*RAN, 13, 14)) is False
