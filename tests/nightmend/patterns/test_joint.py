"""Two patterns that mend one place do it together, or each alone where that is safer."""

import pytest

from nightmend.patterns.examples import _issue
from nightmend.patterns.joint import difference, join_clashing
from nightmend.patterns.loader import load_patterns
from nightmend.patterns.propose import find_faults, propose
from nightmend.patterns.source import Module
from nightmend.repairs.repair import apply_edits, clash

PATTERNS = load_patterns()
OPENED, ENCODING = "file-opened-in-expression", "text-file-without-encoding"


def proposed(text, path="readers.py"):
    module = Module.parse(path, text.encode())
    findings = find_faults(module, [PATTERNS[OPENED], PATTERNS[ENCODING]])
    issues = [
        _issue(PATTERNS[one.rule], one.path, one.line, one.column).model_copy(
            update={"fingerprint": f"{one.rule}:{one.line}"}
        )
        for one in findings
    ]
    alone = [repair for name in (OPENED, ENCODING) for repair in propose(module, PATTERNS[name], issues)]
    return alone, join_clashing(module, alone, PATTERNS, issues)


def test_one_repair_carries_both():
    text = 'def read():\n    return open("a.json").read()\n'
    alone, joined = proposed(text)
    assert clash(*alone)
    [repair] = joined
    assert set(repair.faults) == {OPENED, ENCODING}
    assert len(repair.issues) == 2
    assert (
        apply_edits(text.encode(), repair.edits).decode()
        == 'def read():\n    with open("a.json", encoding="utf-8") as file:\n        return file.read()\n'
    )


def test_the_part_that_is_safer_stays_for_where_the_evidence_is_weak():
    text = "import json\n\n\ndef read(path, day):\n    return day.split(open(path).read())\n"
    alone, joined = proposed(text)
    safeties = {repair.pattern: repair.safety for repair in alone}
    assert safeties == {OPENED: "safe", ENCODING: "needs-tests"}
    together, part = joined
    assert (together.safety, len(together.faults)) == ("needs-tests", 2)
    assert part.faults == (OPENED,)


def test_what_does_not_clash_is_left_as_it_is():
    alone, joined = proposed(
        "a = open(one).read()\n\n\nwith open(two) as file:\n    b = file.read()\n".replace("one", "p")
    )
    assert sorted(len(repair.faults) for repair in joined) == [1, 1, 2]
    assert len(alone) == 3
    apart = [repair for repair in joined if repair.line == 4]
    assert [repair.faults for repair in apart] == [(ENCODING,)]


@pytest.mark.parametrize(
    ("before", "after"),
    [("abc", "abXc"), ("aa", "aaa"), ("", "x"), ("café", "cafè"), ("éa", "èa"), ("same", "same")],
)
def test_the_difference_is_the_edit_that_makes_it(before, after):
    edit = difference("x.py", before.encode(), after.encode())
    assert apply_edits(before.encode(), [edit]).decode() == after
