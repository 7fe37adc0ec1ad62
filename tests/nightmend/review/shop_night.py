"""A night of two phases on a small shop, its repairs made by hand."""

import subprocess

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.diagnosis.measures import measure
from nightmend.evidence import Evidence, Judgement
from nightmend.phases import beginning, repaired, unchanged
from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.repairs.repair import Edit, Repair, repair_id
from nightmend.results import AgentResult, Course, Judgements
from nightmend.review.budget import ship
from nightmend.settings import Budget, SandboxSettings
from nightmend.workspace import Workspace

SHOP = """\
def width():
    return 10


def height():
    return 10


def greet(name):
    return f"hello {name}"


def part():
    return "bye"
"""
TESTS = """\
import shop


def test_area():
    assert 90 <= shop.width() * shop.height() <= 110


def test_words():
    assert shop.greet("a").endswith("a")
    assert shop.part()
"""
INI = "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio\n"

WIDE = "width():\n    # wide\n    return 20"


def kept(workspace, snapshot, pattern, old, new, grade):
    """Judge a repair by hand that replaces `old` in the shop of a snapshot."""
    content = workspace.store.read(snapshot, "shop.py").decode()
    start = content.index(old)
    edits = (Edit(path="shop.py", start=start, end=start + len(old), text=new),)
    repair = Repair(
        id=repair_id(pattern, edits), agent="code_quality", pattern=pattern, safety="safe", issues=(),
        faults=(), edits=edits, line=content.count("\n", 0, start) + 1, summary=pattern,
    )  # fmt: skip
    graded = Evidence(mistake_noticed=grade == "B")
    return Judgement(repair=repair, verdict="kept", reason="kept", grade=grade, evidence=graded)


class Night:
    """A night of two phases: four repairs of the base, then two of what the first phase left."""

    def __init__(self, workspace):
        by_hand = {"sandbox": SandboxSettings(mutation_budget=0)}  # no grade changes later
        self.workspace = workspace = Workspace(workspace.night.model_copy(update=by_hand))
        base = workspace.night.base
        found = AgentResult(
            agent="system_diagnostics", seconds=1, started=1, pid=1,
            diagnosis=workspace.put(diagnose(workspace, base, deep=False)),
            baseline=workspace.put(establish_baseline(workspace, base)),
            quality=workspace.put(measure(workspace, base)),
        )  # fmt: skip
        start = beginning(workspace.night)
        self.baseline = workspace.get(found.baseline, Baseline)
        self.diagnosed = unchanged("diagnostics", start, [found], (), 0)
        self.first = self.phase(
            "repairs", self.diagnosed,
            kept(workspace, base, "wider", "width():\n    return 10", WIDE, "A"),
            kept(workspace, base, "lower", "height():\n    return 10", "height():\n    return 5", "D"),
            kept(workspace, base, "greeting", "hello {name}", "a long good morning to you, {name}", "C"),
        )  # fmt: skip
        after = self.first.snapshot
        self.second = self.phase(
            "quality", self.first,
            kept(workspace, after, "parting", '"bye"', '"good bye"', "B"),
            kept(workspace, after, "morning", "good morning", "good evening", "A"),
        )  # fmt: skip
        self.course = Course(beginning=start, validated=(self.diagnosed, self.first, self.second), records=())

    def phase(self, name, start, *judgements):
        held = self.workspace.put(Judgements(judgements=judgements))
        agent = AgentResult(agent="code_quality", seconds=1, started=1, pid=1, judgements=held)
        result = repaired(self.workspace, name, start, [agent], (), 0)
        assert {one.verdict for one in self.workspace.get(result.judgements, Judgements).judgements} == {
            "kept"
        }
        return result

    def ship(self, **limits):
        night = self.workspace.night.model_copy(update={"budget": Budget(**limits)})
        return ship(Workspace(night), self.course)

    def names(self, ids):
        results = (self.first, self.second)
        judged = [
            one for result in results for one in self.workspace.get(result.judgements, Judgements).judgements
        ]
        return {one.repair.pattern for one in judged if one.repair.id in ids}

    def git(self, *arguments):
        command = ["git", f"--git-dir={self.workspace.store.folder}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


FILES = {"shop.py": SHOP, "tests/test_shop.py": TESTS, "pytest.ini": INI}
