"""A look at many repairs at once: who brings what, and that it tells what a look at each would."""

import random
from collections import Counter

import pytest

from nightmend.proof import redetection_rung as rung
from nightmend.proof.bench import Bench
from nightmend.proof.redetection_rung import combined_redetection_rung, redetection_rung
from nightmend.proof.together import Regions, spared
from nightmend.repairs.repair import Edit, Repair

LINES = b"".join(b"line %d\n" % number for number in range(1, 21))
LOST = 'raise RuntimeError("no JSON")'
PART = """\


def load_{n}(path):
    try:
        return json.loads(path)
    except ValueError:
        raise RuntimeError("no JSON")
"""
PARTS = 12
SHOP = "import json\n" + "".join(PART.format(n=n) for n in range(PARTS))
HANDLER = f"    except ValueError:\n        {LOST}"
KINDS = {
    "gone": (HANDLER, f"    except ValueError as error:\n        {LOST} from error"),
    "still": (LOST, LOST.replace("no", "No")),
    "new": (HANDLER, "    except:\n        return None"),
    "untidy": ("return json.loads(path)", "return json.loads(path) "),
    "unused": ("return json.loads(path)", "return path"),
}  # fmt: skip
"""What a repair does to a part of the shop; each but the last two claims to chain the exception."""


def lines(first, last, text, name="one", faults=()):
    """Make a repair that writes something else for whole lines, the last one included."""
    starts = [0, *(at + 1 for at, byte in enumerate(LINES) if byte == ord("\n"))]
    edit = Edit(path="a.txt", start=starts[first - 1], end=starts[last], text=text)
    return Repair(
        id=name, agent="code_quality", pattern="by-hand", safety="safe", issues=faults, faults=faults,
        edits=(edit,), line=first, summary="",
    )  # fmt: skip


def test_what_stands_on_untouched_lines_is_the_same_before_and_after():
    regions = Regions("a.txt", LINES, [lines(3, 4, "a\nb\nc\nd\n"), lines(10, 12, "", "two")])
    marks = [("long", number) for number in (1, 2, 7, 9, 15, 20)]
    moved = [("long", number) for number in (1, 2, 9, 11, 14, 19)]
    assert regions.before(marks) == regions.after(moved)


@pytest.mark.parametrize(
    ("line", "accused"),
    [(1, {"one"}), (4, {"one"}), (9, {"one", "two"}), (13, {"two"}), (19, {"two"})],
)
def test_what_comes_is_laid_to_the_repairs_on_its_line_or_on_both_sides_of_it(line, accused):
    regions = Regions("a.txt", LINES, [lines(3, 3, "a\nb\nc\n"), lines(10, 10, "d\n", "two")])
    [(place, _)] = regions.after([("long", line)])
    assert {one.id for one in regions.near(place)} == accused


def test_repairs_on_one_line_are_one_region_and_share_what_goes_there():
    lot = [lines(5, 5, "a\n", "one", ("lost",)), lines(6, 6, "b\n", "two", ("lost",))]
    regions = Regions("a.txt", LINES, lot)
    one_gone = regions.before([("lost", 5)]) - regions.after([])
    assert not any(regions.resolved(one, one_gone) for one in lot), "both claim one"
    both_gone = regions.before([("lost", 5), ("lost", 6)]) - regions.after([])
    assert all(regions.resolved(one, both_gone) for one in lot)
    elsewhere = regions.before([("lost", 15), ("lost", 16)]) - regions.after([])
    assert not any(regions.resolved(one, elsewhere) for one in lot)


@pytest.fixture(scope="module")
def shop(shared_workspace_of):
    return shared_workspace_of({"shop.py": SHOP})


@pytest.fixture
def repairs(shop, repair_in):
    """Make one repair of a kind for each part of the shop."""

    def made(kinds):
        for number, kind in enumerate(kinds):
            part = PART.format(n=number)
            old, new = KINDS[kind]
            at = SHOP.index(part) + part.index(old)
            like = repair_in(shop, "shop.py", part, part.replace(old, new), pattern=kind)
            edit = Edit(path="shop.py", start=at, end=at + len(old), text=new)
            faults = ("raise-without-cause",) if kind in ("gone", "still", "new") else ()
            yield like.model_copy(update={"edits": (edit,), "faults": faults, "issues": faults})

    return lambda kinds: list(made(kinds))


def verdicts(workspace, repairs):
    bench = Bench(workspace, workspace.night.base, repairs)
    redetection_rung(bench)
    return [(one.verdict, one.reason, one.evidence) for one in bench.judgements()]


@pytest.mark.integration
def test_the_good_ones_need_no_look_of_their_own(shop, repairs):
    made = repairs(["gone"] * 4 + ["untidy", "gone", "gone", "still"] + ["gone"] * 4)
    bench = Bench(shop, shop.night.base, made)
    clear = spared(bench)
    assert {one.id for one in made if one.pattern == "gone"} == clear
    assert spared(Bench(shop, shop.night.base, made[:2])) == frozenset(), "of two, each has its own look"


@pytest.mark.integration
def test_what_two_bring_together_has_few_looked_at_alone(workspace_of, repair_in):
    parts = [f"\n\ndef f{n}():\n    return {n} \n" for n in range(60)]
    uses = [f"\n\ndef g{n}():\n    return json.x{n}\n" for n in range(2)]
    source = "import json\n" + "".join([*parts[:20], uses[0], *parts[20:40], uses[1], *parts[40:]])
    workspace = workspace_of({"a.py": source})
    tidy = [repair_in(workspace, "a.py", f"return {n} \n", f"return {n}\n") for n in range(60)]
    ends = [repair_in(workspace, "a.py", f"json.x{n}", "1") for n in range(2)]
    bench = Bench(workspace, workspace.night.base, [*tidy, *ends])
    combined_redetection_rung(bench)
    assert len(bench.open) == 62, "none brings it alone"
    assert 0 < len(bench.looked_at_alone) < 20


@pytest.mark.integration
@pytest.mark.parametrize("seed", range(4))
def test_it_tells_what_a_look_at_each_would(shop, repairs, monkeypatch, seed):
    made = repairs(random.Random(seed).choices(list(KINDS), [6, 1, 1, 1, 1], k=PARTS))
    found = verdicts(shop, made)
    monkeypatch.setattr(rung, "spared", lambda bench: frozenset())
    assert found == verdicts(shop, made)
    assert len(Counter(verdict for verdict, _, _ in found)) == 2


@pytest.mark.integration
def test_what_another_repair_hid_is_seen_when_that_one_has_fallen(workspace_of, repair_in):
    source = (
        "import os\n\n\ndef a():\n    return os.a\n\n\ndef b():\n    return 1\n\n\ndef c():\n    return 2 \n"
    )
    workspace = workspace_of({"a.py": source})
    uses_up = repair_in(workspace, "a.py", "os.a", "1", pattern="uses up")
    hides = repair_in(workspace, "a.py", "return 1", "return os.b", pattern="hides")
    tidies = repair_in(workspace, "a.py", "return 2 ", "return 2", pattern="tidies")
    bench = Bench(workspace, workspace.night.base, [uses_up, hides, tidies])
    redetection_rung(bench)
    assert bench.open == [uses_up, hides, tidies], "together they bring nothing"
    combined_redetection_rung(bench)
    assert bench.open == [uses_up, hides, tidies]
    assert bench.judgements()[0].evidence.new_issues == ()
    bench.drop(hides, "rolled_back", "it breaks a test")
    combined_redetection_rung(bench)
    assert bench.open == [tidies]
    assert bench.judgements()[0].reason == "it brings new issues: unused-import"


@pytest.mark.integration
def test_what_changes_several_files_hides_nothing_once_it_is_refused(workspace_of, repair_in):
    source = "import os\n\n\ndef a():\n    return os.a\n\n\ndef b():\n    return 1\n"
    more = "".join(f"\n\ndef c{n}():\n    return {n} \n" for n in range(4))
    workspace = workspace_of({"a.py": source + more, "b.py": "def c():\n    return 1\n"})
    uses_up = repair_in(workspace, "a.py", "os.a", "1", pattern="uses up")
    hides = repair_in(workspace, "a.py", "return 1", "return os.b", pattern="hides")
    brings = repair_in(workspace, "b.py", "    return 1", "    import re\n    return 1")
    both = hides.model_copy(update={"edits": (*hides.edits, *brings.edits)})
    tidy = [repair_in(workspace, "a.py", f"return {n} \n", f"return {n}\n") for n in range(4)]
    bench = Bench(workspace, workspace.night.base, [uses_up, both, *tidy])
    redetection_rung(bench)
    assert bench.open == tidy
    assert [one.evidence.new_issues for one in bench.judgements()[:2]] == [("unused-import",)] * 2
