import shlex
from collections.abc import Sequence

from nightmend.frozen import Frozen
from nightmend.proof.packages import packages_of
from nightmend.proof.plan import plan_suite
from nightmend.proof.quarantine import Quarantined, Way, quarantine
from nightmend.proof.records import HANGING
from nightmend.proof.suite import SuiteRun, limits_beside, run_suite
from nightmend.proof.unrunnable import Unrunnable, unrunnable
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

HANGING_TESTS = 4
"""So many are left out; where more hang, it is the suite that does."""


class Baseline(Frozen):
    """The tests of a snapshot before anything is judged by them."""

    suite: SuiteRun
    """In the suite's own order."""
    unsteady: tuple[str, ...] = ()
    """Tests that passed in one run and not in another; no repair is judged by them."""
    quarantined: tuple[Quarantined, ...] = ()
    """Of the unsteady ones, what was found out at the beginning."""
    runs: int = 0
    """Of the whole suite, that were compared."""
    order_seed: int = 0
    """Of the other order; 0 where there is but one."""
    hash_seed: int = 0
    """PYTHONHASHSEED in that order."""
    random_seed: int | None = None
    """What pytest-randomly began each test with, in every run; None where it is not used."""
    note: str = ""
    """What else the other order showed, as a sentence without a full stop."""
    unrunnable: Unrunnable = Unrunnable()
    """Those that want what a sandbox does not have."""

    @property
    def judging(self) -> SuiteRun:
        """The run, in which only the tests by which repairs are judged reach anything."""
        spectrum = self.suite.spectrum.without(self.unsteady)
        return self.suite.model_copy(update={"spectrum": spectrum}) if self.unsteady else self.suite


def establish_baseline(workspace: Workspace, snapshot: Snapshot, seed: int | None = None) -> Baseline:
    """Run the suite with coverage, and again without it, in another order and with another hash seed.

    What differs is looked at again, and no repair is judged by it. `seed` is by default one of the snapshot:
    the same tree is always looked at in the same orders, another one in others.
    """
    measured = _without_hanging(workspace, snapshot)
    if not measured.usable:
        return Baseline(suite=measured, unrunnable=_unrunnable(workspace, snapshot, measured))
    seed = 1 + int(snapshot.tree[:4], 16) if seed is None else seed
    plan = plan_suite(workspace, snapshot)
    own = Way(None, plan.hash_seed or 0)
    order = None if plan.by_exit_code else seed
    other = Way(order, seed if plan.hash_seed is None else plan.hash_seed)
    limits = limits_beside(measured)

    def run(way: Way, only: Sequence[str] | None) -> SuiteRun:
        return run_suite(
            workspace, snapshot, only=only, without=measured.left_out, limits=limits,
            hash_seed=way.hash_seed, order=way.order,
        )  # fmt: skip

    second = run(other, None)
    ending = f"in another order the tests did not come to their end: {second.reason}"
    by_code = f"judged by the exit code of `{shlex.join(plan.command)}` alone" if plan.by_exit_code else ""
    cut_short = ending if second.cut_short else ""
    looked = quarantine(measured, second, own, other, run)
    return Baseline(
        suite=measured,
        unsteady=tuple(sorted(one.test for one in looked.quarantined)),
        quarantined=looked.quarantined,
        runs=looked.runs,
        order_seed=order or 0,
        random_seed=plan.random_seed,
        hash_seed=other.hash_seed,
        note="; ".join(filter(None, (by_code, plan.brought.note, cut_short))),
        unrunnable=_unrunnable(workspace, snapshot, measured),
    )


def _unrunnable(workspace: Workspace, snapshot: Snapshot, suite: SuiteRun) -> Unrunnable:
    paths = [path for path in workspace.store.files(snapshot) if path.endswith(".py")]
    own = {package.name.partition(".")[0] for package in packages_of(paths)}
    return unrunnable(suite, workspace.store.read_many(snapshot, paths), own)


def _without_hanging(workspace: Workspace, snapshot: Snapshot) -> SuiteRun:
    """Run the suite, and again without each test that hangs, so that one costs only itself."""
    left_out: tuple[str, ...] = ()
    while True:
        run = run_suite(workspace, snapshot, coverage=True, without=left_out)
        if run.limit not in HANGING or not run.stopped_in:
            return run
        if len(left_out) == HANGING_TESTS:
            reason = f"{', '.join(left_out)} and {run.stopped_in} hang: the tests cannot be run to their end"
            return run.model_copy(update={"usable": False, "reason": reason})
        left_out = (*left_out, run.stopped_in)
