"""Take repairs off the branch of a run, and prove what is left as exactly the tree that it then is."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from nightmend.errors import UsageError, ValidationError
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.gates import closed
from nightmend.git.publish import delete_branch, move_branch
from nightmend.ledger.ledger import Ledger
from nightmend.patterns.loader import load_patterns
from nightmend.proof.baseline import Baseline
from nightmend.proof.compare import broken_tests
from nightmend.proof.suite import limits_beside, run_suite
from nightmend.proof.syntax import syntax_problem
from nightmend.recovery.lock import alone
from nightmend.repairs.repair import apply_repairs
from nightmend.repairs.settle import Settled, commit_patterns
from nightmend.report.build import build_report
from nightmend.report.html import write_report
from nightmend.results import Course, Judgements, Shipment, ShippedStep
from nightmend.review.budget import changed_lines, looked_at
from nightmend.review.drops import drop_keys
from nightmend.review.holes import Hole, moved, through
from nightmend.review.links import Links, links
from nightmend.review.publication import Branch, Branches, Published, standing
from nightmend.review.runs import Run, Runs, find_run
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.workspace import Workspace

EVERYTHING = "a person dropped every repair of it"


class Left(Frozen):
    """What is left of a branch without some repairs."""

    snapshot: Snapshot
    steps: tuple[ShippedStep, ...]
    """Each with the snapshot that its repairs are then made to."""
    dropped: dict[str, str]
    """Why each other one is gone."""
    keys: tuple[str, ...]
    """By what later nights know those again that a person named."""
    lines: int


def drop_repairs(home: Path, name: str, ids: Sequence[str], target: Path | None = None) -> Run:
    """Drop repairs of a run of that name, and tell it anew in the folder of its report."""
    found = find_run(home, name, target)
    workspace = Workspace(found.night)
    with alone(home, workspace.target, "drop") as note_run:
        note_run(found.night.run)
        run = drop(workspace, found, ids).model_copy(update={"report": _folder(workspace, found)})
        Runs(workspace.folder).write(run)
    told = build_report(run.night, run.course, run.published, run.seconds, run.monitoring)
    write_report(told, Path(run.report))
    return run


def _folder(workspace: Workspace, run: Run) -> str:
    """Return where the report of a run is told anew: where it was, unless another run's is there now."""
    try:
        there = json.loads((Path(run.report) / "report.json").read_bytes())["run"]
    except (OSError, ValueError, KeyError, TypeError):
        there = run.night.run
    return run.report if there == run.night.run else str(workspace.folder / "reports" / run.night.run)


def drop(workspace: Workspace, run: Run, ids: Sequence[str]) -> Run:
    """Return the run without the repairs; its branch has moved, and later nights refuse them.

    What builds on one of them goes with it, and may come again. UsageError where the branch is no more as it
    was left or has no such repair; ValidationError, and nothing has changed, where the rest is not proved.
    """
    branch = _branch(workspace, run.published)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    left = without(workspace, run.course, frozenset(ids), today)
    course = _proved(workspace, run.course, left)
    published = _moved(workspace, branch, run.published, course.shipped.commit)
    Ledger.open(workspace.folder).decide("dropped", left.keys, today)
    return run.model_copy(update={"course": course, "published": published})


def _branch(workspace: Workspace, published: Published) -> Branch:
    """Return the branch of a run, where it waits as it was left."""
    name = published.branch
    known = (one for one in Branches(workspace.folder).read() if one.name == name)
    branch = next((one for one in known if one.commit == published.result_commit), None)
    stands = standing(workspace, branch) if branch else "gone" if name is None else "changed"
    path = workspace.target.path
    problems = {
        "gone": f"{path} has no branch of run {published.run} any more: there is nothing to drop from",
        "merged": f"{name} is merged into {path}: take a repair back by its patch, as the report says",
        "changed": f"{name} in {path} was changed or is checked out: take a repair back by its patch",
    }
    if branch is None or stands in problems:
        raise UsageError(problems[stands])
    return branch


def without(workspace: Workspace, course: Course, ids: frozenset[str], today: str) -> Left:
    """Return the steps to a branch without some repairs, made anew in the store of ours.

    UsageError where no repair of the branch has such an id.
    """
    judged = [workspace.get(step.judgements, Judgements).judgements for step in course.shipped_steps]
    kept = [[one for one in judgements if one.verdict == "kept"] for judgements in judged]
    for name in sorted(ids - {one.repair.id for judgements in kept for one in judgements}):
        raise UsageError(f"the branch has no repair {name}: the report lists those that it has")
    snapshot = workspace.night.base
    dropped = dict.fromkeys(ids, f"a person dropped it on {today}")
    holes: tuple[Hole, ...] = ()
    owed: list[Links] = []
    steps: list[ShippedStep] = []
    keys: list[str] = []
    lines = 0
    for step, judgements in zip(course.shipped_steps, kept, strict=True):
        before = _contents(workspace, step.snapshot, judgements)
        stays, gone = _sorted(judgements, before, holes, owed, dropped)
        keys += [key for one in gone if one.repair.id in ids for key in drop_keys(one.repair, before)]
        edits = [edit for one in judgements if one.repair.id in stays for edit in one.repair.edits]
        out = [edit for one in gone for edit in one.repair.edits if edit not in edits]
        holes = through(holes, edits, out)
        contents = _contents(workspace, snapshot, stays.values())
        after = [apply_repairs([one.repair], contents) for one in stays.values()]
        lines += sum(changed_lines(contents[path], new[path]) for new in after for path in new)
        held = tuple(stays.values())
        steps.append(ShippedStep(snapshot=snapshot, judgements=workspace.put(Judgements(judgements=held))))
        snapshot = workspace.store.write(snapshot, apply_repairs([one.repair for one in held], contents))
    return Left(snapshot=snapshot, steps=tuple(steps), dropped=dropped, keys=tuple(keys), lines=lines)


def _sorted(
    judgements: Iterable[Judgement],
    contents: dict[str, bytes],
    holes: Sequence[Hole],
    owed: list[Links],
    dropped: dict[str, str],
) -> tuple[dict[str, Judgement], list[Judgement]]:
    """Return the repairs that stay, where they then are, and those that go, noting why and what is owed."""
    known = tuple(judgements)
    asked = [one for one in known if one.repair.id not in dropped]
    places = moved((edit for one in asked for edit in one.repair.edits), holes)
    stays: dict[str, Judgement] = {}
    gone: list[Judgement] = []
    freed: list[Links] = []
    for one in known:
        mine = links(one.repair, contents)
        builds = not places.keys() >= set(one.repair.edits) or any(mine.builds_on(other) for other in owed)
        if one.repair.id in dropped or builds:
            dropped.setdefault(one.repair.id, "it builds on what a person dropped")
            gone.append(one)
            freed.append(mine)
        else:
            edits = tuple(places[edit] for edit in one.repair.edits)
            repair = one.repair.model_copy(update={"edits": edits})
            stays[one.repair.id] = one.model_copy(update={"repair": repair})
    owed += freed
    return stays, gone


def _contents(workspace: Workspace, snapshot: Snapshot, judgements: Iterable[Judgement]) -> dict[str, bytes]:
    paths = sorted({path for one in judgements for path in one.repair.paths})
    return workspace.store.read_many(snapshot, paths)


def _proved(workspace: Workspace, course: Course, left: Left) -> Course:
    """Return the course with what is left as what ships, once exactly that tree is proved."""
    _refuse_unparsed(workspace, left)
    baseline = workspace.get(course.origin_baseline or "", Baseline)
    settled = _tested(workspace, left.snapshot, baseline)
    result = looked_at(workspace, course, settled, baseline)
    if shut := closed(result.gates, "ratchet"):
        sentences = "; ".join(gate.sentence for gate in shut)
        raise ValidationError(f"what is left is not proved by itself, and nothing was dropped: {sentences}")
    before = course.shipment
    commit, commits = _committed(workspace, left)
    return course.model_copy(
        update={
            "shipment": Shipment(
                result=result.model_copy(update={"commit": commit}),
                steps=left.steps,
                commits=commits,
                waits=before.waits if before else {},
                dropped={**(before.dropped if before else {}), **left.dropped},
                lines=left.lines,
            )
        }
    )


def _committed(workspace: Workspace, left: Left) -> tuple[str, dict[str, str]]:
    """Commit what is left, and return the last commit, and that of each repair by its id."""
    commit = workspace.night.base_commit
    commits: dict[str, str] = {}
    patterns = load_patterns()
    for step in left.steps:
        held = workspace.get(step.judgements, Judgements).judgements
        commit, made = commit_patterns(workspace, step.snapshot, commit, held, patterns)
        commits |= made
    return commit, commits


def _refuse_unparsed(workspace: Workspace, left: Left) -> None:
    floor = target_config(workspace.store, left.snapshot).python_floor
    for step in left.steps:
        judgements = workspace.get(step.judgements, Judgements).judgements
        for path, content in _contents(workspace, left.snapshot, judgements).items():
            if problem := syntax_problem(path, content, floor):
                raise ValidationError(f"without these repairs {problem}: drop those beside them, too")


def _tested(workspace: Workspace, snapshot: Snapshot, baseline: Baseline) -> Settled:
    """Run the whole suite on a tree, and again what broke: what does so only once flickers."""
    if not baseline.suite.usable:
        return Settled(snapshot=snapshot, judgements=(), baseline=baseline, broken=(), new_high=())
    limits, left_out = limits_beside(baseline.suite), baseline.suite.left_out
    suite = run_suite(workspace, snapshot, coverage=True, without=left_out, limits=limits)
    broken = set(broken_tests(baseline.suite, suite)) - set(baseline.unsteady)
    if broken:
        again = run_suite(workspace, snapshot, only=sorted(broken), limits=limits)
        broken &= set(broken_tests(baseline.suite, again))
    proved = baseline.model_copy(update={"suite": suite})
    return Settled(
        snapshot=snapshot, judgements=(), baseline=proved, broken=tuple(sorted(broken)), new_high=()
    )


def _moved(workspace: Workspace, branch: Branch, published: Published, commit: str) -> Published:
    """Point the branch at what is left in one ref transaction, or delete it where nothing is."""
    target, branches = workspace.target, Branches(workspace.folder)
    others = [one for one in branches.read() if one.name != branch.name]
    now = branch.model_copy(update={"commit": commit})
    branches.write(*others, branch, now)  # a drop that dies here must not lose sight of either
    if commit == workspace.night.base_commit:
        delete_branch(target, branch.name, branch.commit)
        branches.write(*others)
        return published.model_copy(update={"branch": None, "result_commit": commit, "withheld": EVERYTHING})
    workspace.store.send(target, commit)
    move_branch(target, branch.name, commit, expected=[branch.commit], message="nightmend: drop")
    branches.write(*others, now)
    return published.model_copy(update={"result_commit": commit})
