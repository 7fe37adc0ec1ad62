"""A person drops repairs of a run: its branch moves to what is left, proved, and they do not come back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nightmend.errors import UsageError, ValidationError
from nightmend.ledger.ledger import FILE, Ledger
from nightmend.nights import night_key, open_night
from nightmend.proof.judge import judge
from nightmend.report.build import build_report
from nightmend.report.html import write_report
from nightmend.results import Judgements
from nightmend.review.dropping import EVERYTHING, drop, drop_repairs
from nightmend.review.drops import drop_keys
from nightmend.review.publication import Branch, Branches, publish
from nightmend.review.runs import Run, Runs, find_run
from nightmend.settings import Budget
from nightmend.workspace import Workspace
from tests.nightmend.review.shop_night import FILES, SHOP, Night

pytestmark = pytest.mark.integration


class Place:
    """A night on a shop whose branch can be published again and again."""

    def __init__(self, workspace, report):
        self.night = Night(workspace)
        self.workspace = workspace = self.night.workspace
        self.report = report
        judged = [
            one
            for result in (self.night.first, self.night.second)
            for one in workspace.get(result.judgements, Judgements).judgements
        ]
        self.ids = {one.repair.pattern: one.repair.id for one in judged}
        self.repairs = {one.repair.pattern: one.repair for one in judged}

    def publish(self, course=None, budget=None):
        """Give the target the branch of the night as if nothing had been before."""
        course = course or self.night.course
        for name in self.git("for-each-ref", "--format=%(refname)", "refs/heads/nightmend").split():
            self.git("update-ref", "-d", name)
        for record in ("branches.json", FILE):
            (self.workspace.folder / record).unlink(missing_ok=True)
        published = publish(self.workspace, course.shipped.commit)
        night = self.workspace.night.model_copy(update={"budget": budget or Budget()})
        run = Run(night=night, course=course, published=published, report=str(self.report), seconds=1)
        Runs(self.workspace.folder).write(run)
        write_report(build_report(run.night, run.course, published, 1), self.report)
        return run

    def git(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", "-C", str(self.workspace.target.path), "-c", "user.name=A", "-c", "user.email=a@b"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout.strip()

    def shop(self):
        return self.git("show", "nightmend/test:shop.py") + "\n"


@pytest.fixture(scope="module")
def place(shared_workspace_of, tmp_path_factory):
    return Place(shared_workspace_of(FILES), tmp_path_factory.mktemp("told") / "report")


WHOLE = SHOP.replace("width():\n", "width():\n    # wide\n").replace("return 10", "return 20", 1)
WHOLE = WHOLE.replace("height():\n    return 10", "height():\n    return 5").replace('"bye"', '"good bye"')
WHOLE = WHOLE.replace("hello {name}", "a long good evening to you, {name}")


def test_a_repair_goes_and_what_builds_on_it_goes_along(place):
    run = place.publish()
    assert place.shop() == WHOLE
    left = drop(place.workspace, run, [place.ids["greeting"]])
    assert place.shop() == WHOLE.replace("a long good evening to you, {name}", "hello {name}")
    reasons = {name: left.course.shipment.dropped[place.ids[name]] for name in ("greeting", "morning")}
    assert reasons["greeting"].startswith("a person dropped it on 20")
    assert reasons["morning"] == "it builds on what a person dropped"
    subjects = place.git("log", "--format=%s", "main..nightmend/test").splitlines()
    assert sorted(subjects) == [
        "Apply the fix of lower",
        "Apply the fix of parting",
        "Apply the fix of wider",
    ]
    assert place.git("rev-parse", "nightmend/test") == left.published.result_commit
    assert Branches(place.workspace.folder).read() == (
        Branch(name="nightmend/test", commit=left.published.result_commit),
    )


def test_a_later_one_goes_alone_and_one_after_the_other(place):
    run = place.publish()
    left = drop(place.workspace, run, [place.ids["morning"]])
    assert place.shop() == WHOLE.replace("evening", "morning")
    left = drop(place.workspace, left, [place.ids["parting"]])
    assert place.shop() == WHOLE.replace("evening", "morning").replace('"good bye"', '"bye"')
    assert left.course.shipment.dropped.keys() == {place.ids["morning"], place.ids["parting"]}
    with pytest.raises(UsageError, match=f"the branch has no repair {place.ids['parting']}"):
        drop(place.workspace, left, [place.ids["parting"]])


def test_what_is_left_must_be_proved_or_nothing_moves(place):
    run = place.publish()
    with pytest.raises(ValidationError, match=r"nothing was dropped: .*tests/test_shop.py::test_area"):
        drop(place.workspace, run, [place.ids["lower"]])
    assert place.shop() == WHOLE
    assert Ledger.open(place.workspace.folder).refused() == {}
    drop(place.workspace, run, [place.ids["lower"], place.ids["wider"]])
    assert "return 5" not in place.shop()


def test_without_any_repair_there_is_no_branch(place):
    run = place.publish()
    left = drop(place.workspace, run, list(place.ids.values()))
    assert (left.published.branch, left.published.withheld) == (None, EVERYTHING)
    assert place.git("branch", "--list", "nightmend/*") == ""
    with pytest.raises(UsageError, match="has no branch of run test any more"):
        drop(place.workspace, left, [place.ids["lower"]])


def test_what_a_budget_let_through_can_be_dropped_too(place):
    run = place.publish(place.night.ship(max_commits=2), Budget(max_commits=2))
    left = drop(place.workspace, run, [place.ids["parting"]])
    assert left.published.branch is None
    assert len(left.course.shipment.waits) == 4


def merged(place):
    place.git("merge", "--quiet", "--ff-only", "nightmend/test")
    return "is merged into"


def changed(place):
    place.git("update-ref", "refs/heads/nightmend/test", "nightmend/test~1")
    return "was changed or is checked out"


def gone(place):
    place.git("update-ref", "-d", "refs/heads/nightmend/test")
    return "has no branch of run test any more"


@pytest.mark.parametrize("touch", [changed, gone, merged])
def test_a_branch_that_is_not_as_it_was_left_stays(place, touch):
    main = place.git("rev-parse", "main")
    run = place.publish()
    says = touch(place)
    before = place.git("for-each-ref")
    with pytest.raises(UsageError, match=says):
        drop(place.workspace, run, [place.ids["parting"]])
    assert place.git("for-each-ref") == before
    place.git("reset", "--quiet", "--hard", main)


def test_the_report_tells_what_was_dropped_and_has_no_patch_of_it(place):
    place.publish()
    run = drop_repairs(Path(place.workspace.night.home), "nightmend/test", [place.ids["parting"]])
    told = json.loads((place.report / "report.json").read_bytes())
    verdicts = {repair["pattern"]: (repair["verdict"], repair["reason"]) for repair in told["repairs"]}
    assert verdicts["parting"][0] == "rolled_back"
    assert verdicts["parting"][1].startswith("a person dropped it on 20")
    assert {name for name, (verdict, _) in verdicts.items() if verdict == "kept"} == {
        "wider", "lower", "greeting", "morning"
    }  # fmt: skip
    assert (told["result_commit"], told["shipment"]) == (run.published.result_commit, None)
    assert not (place.report / f"patches/{place.ids['parting']}.patch").exists()
    assert (place.report / f"patches/{place.ids['lower']}.patch").exists()
    assert "a person dropped it on" in (place.report / "report.html").read_text()
    assert find_run(Path(place.workspace.night.home), "test") == run


def test_the_report_of_another_run_is_not_written_over(place):
    place.publish()
    told = json.loads((place.report / "report.json").read_bytes())
    (place.report / "report.json").write_text(json.dumps({**told, "run": "another"}))
    run = drop_repairs(Path(place.workspace.night.home), "test", [place.ids["parting"]])
    assert run.report == str(place.workspace.folder / "reports/test")
    assert json.loads((place.report / "report.json").read_bytes())["run"] == "another"


def test_a_run_that_nobody_knows(place):
    home = Path(place.workspace.night.home)
    for name in ("never", "../test", ""):
        with pytest.raises(UsageError, match="has left a branch"):
            find_run(home, name)
    with pytest.raises(UsageError, match="has left a branch"):
        find_run(home, "test", Path("/elsewhere"))


def test_later_nights_refuse_what_was_dropped_and_only_their_checkpoints_are_made_anew(place):
    run = place.publish()
    home = Path(place.workspace.night.home)
    before = open_night(place.workspace.target.path, sys.executable, home=home)
    drop(place.workspace, run, [place.ids["parting"]])
    night = open_night(place.workspace.target.path, sys.executable, home=home)
    assert night_key(night, "diagnostics") == night_key(before, "diagnostics")
    assert night_key(night, "repairs") != night_key(before, "repairs")
    assert len(night.refused) == 1

    later = Workspace(night)
    content = later.store.read(place.night.first.snapshot, "shop.py")
    (key,) = drop_keys(place.repairs["parting"], {"shop.py": content})
    assert key in night.refused
    baseline = place.night.baseline
    one, other = judge(
        later, place.night.first.snapshot, [place.repairs["parting"], place.repairs["morning"]], baseline
    )
    assert (one.verdict, one.reason) == ("refused", f"a person {night.refused[key]}")
    assert one.reason.startswith("a person dropped it on 20")
    assert "dropped" not in other.reason


def test_a_repair_is_known_by_its_issues_wherever_they_move(place):
    known = place.repairs["parting"].model_copy(update={"issues": ("i1", "i2"), "faults": ("f", "f")})
    moved = known.model_copy(update={"edits": (), "issues": ("i2",)})
    assert set(drop_keys(moved, {})) < set(drop_keys(known, {}))
