"""A repository with a branch of last night on it, whose repairs are made by hand."""

import os
import subprocess
from pathlib import Path

import pytest

from nightmend.evidence import Evidence, Judgement
from nightmend.ledger.ledger import Ledger
from nightmend.ledger.recording import record_night
from nightmend.phases import beginning
from nightmend.repairs.repair import apply_repairs
from nightmend.repairs.settle import commit_patterns
from nightmend.results import Course, Judgements, PhaseResult
from nightmend.review.publication import publish

LINES = [f"line {number}\n" for number in range(30)]
FILES = {"a.py": "".join(LINES), "b.py": "".join(LINES)}
REPAIRS = {
    "taken-out": ("a.py", "line 3\n", ""),
    "put-in": ("a.py", "line 20\n", "line 20\nnew\n"),
    "written-anew": ("b.py", "line 7\n", "other\n"),
}


def judged(repair, verdict="kept"):
    return Judgement(repair=repair, verdict=verdict, reason="by hand", grade="C", evidence=Evidence())


class Story:
    """A target with the branch of one night, and what people then do with it."""

    def __init__(self, workspace, repair_in):
        self.workspace, self.target = workspace, workspace.target
        self.home = Path(workspace.night.home)
        self.repairs = {
            pattern: repair_in(workspace, path, old, new, pattern=pattern, faults=(f"{pattern}-fault",))
            for pattern, (path, old, new) in REPAIRS.items()
        }
        self.published = self.night("test")

    def night(self, run):
        """Publish all the repairs as the branch of a night, and write it down."""
        workspace = self.workspace
        judgements = tuple(map(judged, self.repairs.values()))
        start = beginning(workspace.night)
        contents = workspace.store.read_many(workspace.night.base, FILES)
        commit, commits = commit_patterns(
            workspace, workspace.night.base, workspace.night.base_commit, judgements, {}
        )
        self.commits = {pattern: commits[repair.id] for pattern, repair in self.repairs.items()}
        result = PhaseResult(
            phase="repairs",
            snapshot=workspace.store.write(
                workspace.night.base, apply_repairs(self.repairs.values(), contents)
            ),
            commit=commit,
            judgements=workspace.put(Judgements(judgements=judgements, commits=commits)),
        )
        course = Course(beginning=start, validated=(result,), records=())
        published = publish(workspace, commit)
        record_night(workspace, course, published, 1.0)
        return published

    @property
    def ledger(self):
        return Ledger.open(self.workspace.folder)

    def refused(self):
        """The patterns of what is not proposed again, each with the reason."""
        return {key.split()[0]: why for key, why in self.ledger.refused().items()}

    def merged(self):
        return {one.id for one in self.ledger.shipped() if one.merged}

    def git(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", "-C", str(self.target.path), "-c", "user.name=A", "-c", "user.email=a@b"]
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=True
        ).stdout

    def commit(self, path, content):
        (self.target.path / path).write_text(content)
        self.git("commit", "-qam", f"change {path}")


@pytest.fixture
def story(workspace_of, repair_in):
    return Story(workspace_of(FILES), repair_in)
