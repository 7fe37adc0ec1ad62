from nightmend.frozen import Frozen
from nightmend.proof.compare import broken_tests
from nightmend.proof.suite import SuiteRun, run_suite
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace


class Baseline(Frozen):
    """The tests of a snapshot before anything is judged by them."""

    suite: SuiteRun
    unsteady: tuple[str, ...] = ()
    """Tests that passed in one run and not in the other; no repair is judged by them."""


def establish_baseline(workspace: Workspace, snapshot: Snapshot) -> Baseline:
    """Run the suite twice, once with coverage and once without: what differs is not steady."""
    measured = run_suite(workspace, snapshot, coverage=True)
    if not measured.usable:
        return Baseline(suite=measured)
    plain = run_suite(workspace, snapshot)
    unsteady = {*broken_tests(measured, plain), *broken_tests(plain, measured)}
    return Baseline(suite=measured, unsteady=tuple(sorted(unsteady)))
