"""What other tools change, and which part of that is proved: `python benchmarks/peers.py [NAME ...]`.

Each works on a copy of a project, as its users run it, from an environment of its own; the suite judges what
it leaves. The same difference is then given to the ladder, edit by edit, as `nightmend prove` does.
"""

import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import page
from proof import Subject
from real_projects import engine
from sources import listed

from nightmend.diffs.proposing import propose_diff
from nightmend.diffs.reading import read_diff
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.home import state_folder
from nightmend.proof.compare import broken_tests
from nightmend.proof.suite import run_suite
from nightmend.repairs.recheck import FaultCounts, Variant, recheck
from nightmend.repairs.settle import settle
from nightmend.targets.protected import is_test

RESULTS = page.ROWS / "peers"
CHOSEN = ("boltons", "python-engineio")
NEEDS = ("ruff==0.17.6", "pyupgrade==3.22.0", "autoflake==2.4.0")
TOOLS = {
    "ruff, safe fixes": ("ruff", "check", "--isolated", "--no-cache", "--fix", "--exit-zero", "."),
    "ruff, unsafe fixes too": (
        "ruff", "check", "--isolated", "--no-cache", "--fix", "--unsafe-fixes", "--exit-zero", ".",
    ),
    "pyupgrade": ("pyupgrade", "--py310-plus", "--exit-zero-even-if-changed"),
    "autoflake": ("autoflake", "--in-place", "--remove-all-unused-imports", "--remove-unused-variables"),
}  # fmt: skip
WHY = {
    "is a test": "in tests",
    "no test runs": "no test runs it",
    "brings new issues": "brings a finding",
    "with it comes more": "brings a finding",
    "it breaks the public interface": "breaks the interface",
    "it breaks": "breaks a test",
    "would need Python": "needs a newer Python",
    "is read and nothing has bound it": "reads an unbound name",
    "that asks whether it is there": "asks no more for an import",
}
"""What a reason contains, in the order in which it is looked for, and what the table says for it."""
TAKES_FILES = ("pyupgrade", "autoflake")


class Left(Frozen):
    """What a tree is worth beside the one before."""

    resolved: int
    """Faults that are gone from the code that ships, by all our per-file detectors."""
    in_tests: int
    """The same of tests, which a proof leaves alone unless nothing could tell."""
    brought: int
    """Faults that came."""
    broken: int
    """Tests that passed before and do not pass now; all of them where the suite cannot be collected."""


class Peer(Frozen):
    """One tool on one project, and the part of its work that was proved."""

    tool: str
    seconds: float
    alone: Left
    edits: int
    kept: int
    refused: dict[str, int]
    """Why edits were not kept, the most frequent first."""
    proved: Left
    proof_seconds: float


class Figures(Frozen):
    """All tools on one project."""

    project: str
    tests: int
    peers: tuple[Peer, ...]
    engine: str


def main(names: Sequence[str]) -> None:
    """Try every tool on the named projects, or on those of the table, and draw it."""
    tools()  # their installation is no part of their time
    for name in names or CHOSEN:
        project = listed()[name]
        subject = Subject(project, long_lines=True)
        tried = (peer(subject, tool) for tool in TOOLS)
        figures = Figures(
            project=project.label,
            tests=subject.baseline.suite.count("passed"),
            peers=tuple(one for one in tried if one),
            engine=engine(),
        )
        page.keep(RESULTS, name, figures)
        draw()


def peer(subject: Subject, tool: str) -> Peer | None:
    """Let a tool work, and prove what it did; None where it changed nothing."""
    clock = time.perf_counter()
    diff = difference(subject.workspace.target.path, TOOLS[tool])
    seconds = time.perf_counter() - clock
    if not diff:
        return None
    changes = {one.path: one.after for one in read_diff(subject.workspace.store, subject.base, diff).changes}
    alone = left(subject, changes)
    clock = time.perf_counter()
    proposal = propose_diff(subject.workspace, diff)
    judged = (*subject.judged(proposal.repairs), *proposal.refused)
    settled = settle(subject.workspace, subject.base, judged, subject.baseline)
    proof_seconds = time.perf_counter() - clock
    unkept = [one for one in settled.judgements if one.verdict != "kept"]
    proved = subject.workspace.store.read_many(settled.snapshot, sorted(changes))
    figures = Peer(
        tool=tool,
        seconds=round(seconds, 1),
        alone=alone,
        edits=len(judged),
        kept=sum(one.verdict == "kept" for one in settled.judgements),
        refused=dict(Counter(map(why, unkept)).most_common()),
        proved=left(subject, proved),
        proof_seconds=round(proof_seconds, 1),
    )
    print(figures, flush=True)
    return figures


def difference(repository: Path, command: Sequence[str]) -> bytes:
    """Return what a tool changes in a copy of a repository."""
    with tempfile.TemporaryDirectory(prefix="nightmend-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(repository, copy, symlinks=True)
        files = sorted(str(path.relative_to(copy)) for path in copy.rglob("*.py"))
        given = files if command[0] in TAKES_FILES else []
        subprocess.run(
            [str(tools() / command[0]), *command[1:], *given], cwd=copy, check=True, capture_output=True
        )
        told = subprocess.run(["git", "-C", str(copy), "diff"], check=True, capture_output=True)
        return told.stdout


def tools() -> Path:
    """Return the folder with the tools' commands, in an environment of their own."""
    home = state_folder() / "benchmarks" / "peers"
    if not (home / ".done").exists():
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        subprocess.run([str(home / "bin" / "python"), "-m", "pip", "install", "-q", *NEEDS], check=True)
        (home / ".done").touch()
    return home / "bin"


def left(subject: Subject, changes: Mapping[str, bytes]) -> Left:
    """Say what a tree with these contents is worth."""
    before = counted(subject, subject.workspace.store.read_many(subject.base, sorted(changes)))
    after = counted(subject, changes)
    moves = {
        (path, fault): after[path].counts.get(fault, 0) - before[path].counts.get(fault, 0)
        for path in changes
        for fault in after[path].counts.keys() | before[path].counts.keys()
    }
    run = run_suite(subject.workspace, subject.base, changes=changes, without=subject.baseline.suite.left_out)
    broken = set(broken_tests(subject.baseline.suite, run)) - set(subject.baseline.unsteady)
    return Left(
        resolved=-sum(move for (path, _), move in moves.items() if move < 0 and not is_test(path)),
        in_tests=-sum(move for (path, _), move in moves.items() if move < 0 and is_test(path)),
        brought=sum(move for move in moves.values() if move > 0),
        broken=len(broken),
    )


def why(judgement: Judgement) -> str:
    """Return the kind of reason for which an edit was not kept, in a few words."""
    said = judgement.reason
    return next((short for words, short in WHY.items() if words in said), "another reason")


def counted(subject: Subject, contents: Mapping[str, bytes]) -> dict[str, FaultCounts]:
    variants = [Variant(id=path, path=path, content=content) for path, content in contents.items()]
    return recheck(subject.workspace, subject.base, variants)


def draw() -> None:
    """Write the table of all figures that are kept into the page."""
    kept = page.kept(RESULTS, Figures)
    head = [
        "project", "tool", "faults resolved in code, in tests, brought", "tests broken", "time",
        "edits proved", "faults resolved in code, in tests, brought", "tests broken", "time",
        "edits that were not kept",
    ]  # fmt: skip
    page.put("peers", page.grid(head, [_line(figures, one) for figures in kept for one in figures.peers]))


def _line(figures: Figures, one: Peer) -> list[str]:
    return [
        figures.project,
        one.tool,
        *_left(figures, one.alone),
        f"{one.seconds:.1f} s",
        f"{one.kept} of {one.edits}",
        *_left(figures, one.proved),
        f"{one.proof_seconds:.0f} s",
        ", ".join(f"{number} {reason}" for reason, number in one.refused.items()),
    ]


def _left(figures: Figures, one: Left) -> tuple[str, str]:
    return f"{one.resolved}, {one.in_tests}, {one.brought}", f"{one.broken} of {figures.tests}"


if __name__ == "__main__":
    main(sys.argv[1:])
