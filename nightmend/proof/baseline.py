from nightmend.frozen import Frozen
from nightmend.proof.compare import broken_tests
from nightmend.proof.packages import packages_of
from nightmend.proof.records import HANGING
from nightmend.proof.suite import SuiteRun, run_suite
from nightmend.proof.unrunnable import Unrunnable, unrunnable
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

HANGING_TESTS = 4
"""So many are left out; where more hang, it is the suite that does."""


class Baseline(Frozen):
    """The tests of a snapshot before anything is judged by them."""

    suite: SuiteRun
    unsteady: tuple[str, ...] = ()
    """Tests that passed in one run and not in the other; no repair is judged by them."""
    unrunnable: Unrunnable = Unrunnable()
    """Those that want what a sandbox does not have."""


def establish_baseline(workspace: Workspace, snapshot: Snapshot) -> Baseline:
    """Run the suite twice, once with coverage and once without: what differs is not steady."""
    measured = _without_hanging(workspace, snapshot)
    if not measured.usable:
        return Baseline(suite=measured, unrunnable=_unrunnable(workspace, snapshot, measured))
    plain = run_suite(workspace, snapshot, without=measured.left_out)
    unsteady = {*broken_tests(measured, plain), *broken_tests(plain, measured)}
    return Baseline(
        suite=measured,
        unsteady=tuple(sorted(unsteady)),
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
