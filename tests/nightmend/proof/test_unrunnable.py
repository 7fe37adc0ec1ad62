"""The tests that want what a sandbox does not have are counted, and too many of them speak for nothing."""

import pytest

from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.bench import Bench
from nightmend.proof.judge import judge
from nightmend.proof.records import SuiteRun
from nightmend.proof.rungs import equality_rung, runnable_rung
from nightmend.proof.unrunnable import Unrunnable, unrunnable

THREE = b"""
def test_a(): pass
class TestB:
    def test_b(self): pass
    async def test_c(self): pass
def helper(): pass
"""


def run_of(messages=(), collection_errors=(), passed=0, reason=""):
    failed = {f"test_x.py::test_{at}": message for at, message in enumerate(messages)}
    outcomes = dict.fromkeys(failed, "failed") | {f"test_y.py::test_{at}": "passed" for at in range(passed)}
    return SuiteRun(
        outcomes=outcomes,
        messages=failed,
        collection_errors=dict(collection_errors),
        usable=not reason,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("message", "want"),
    [
        ("ModuleNotFoundError: No module named 'requests'", "the module requests"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "a network"),
        ("OSError: [Errno 101] Network is unreachable", "a network"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "a service"),
        ("KeyError: 'STRIPE_API_KEY'", "a secret"),
        ("Failed: async def functions are not natively supported.", "the package pytest-asyncio"),
        ("Unknown pytest.mark.asyncio - is this a typo?", "the package pytest-asyncio"),
        ("fixture 'mocker' not found", "the package pytest-mock"),
        ("RuntimeError: environment variable DB_PASSWORD is not set", "a secret"),
    ],
)
def test_what_a_test_wants_is_read_from_how_it_failed(message, want):
    found = unrunnable(run_of([message], passed=9), {}, {"shop"})
    assert (found.count, found.total, found.wants) == (1, 10, {want: 1})
    assert found.sentence == f"1 of 10 tests could not run here: 1 want {want}"
    assert not found.too_many


@pytest.mark.parametrize(
    "message",
    [
        "assert 1 == 2",
        "KeyError: 'tea'",
        "fixture 'tea' not found",
        "ModuleNotFoundError: No module named 'shop.tea'",
        "FileNotFoundError: x",
    ],
)
def test_a_test_that_fails_for_another_reason_ran(message):
    assert unrunnable(run_of([message]), {}, {"shop"}) == Unrunnable(count=0, total=1)


def test_the_tests_of_a_file_that_was_not_collected_are_counted_by_its_source():
    errors = {"tests/test_a.py": "E   ModuleNotFoundError: No module named 'requests'"}
    found = unrunnable(run_of(collection_errors=errors, passed=5), {"tests/test_a.py": THREE}, {"shop"})
    assert (found.count, found.total) == (3, 8)
    assert found.too_many
    assert found.sentence.endswith("; that is more than 20%, so only repairs that need no test are kept")


def test_where_pytest_did_not_start_none_of_the_tests_could_run():
    reason = "pytest did not start: ModuleNotFoundError: No module named 'pkg_resources'"
    found = unrunnable(run_of(reason=reason), {"tests/test_a.py": THREE, "shop.py": THREE}, {"shop"})
    assert (found.count, found.total, found.wants) == (3, 3, {"the module pkg_resources": 3})


@pytest.mark.parametrize(("count", "verdicts"), [(2, ["kept", "kept"]), (3, ["kept", "refused"])])
def test_too_many_leave_only_what_needs_no_test(shared_workspace_of, repair_in, count, verdicts):
    workspace = shared_workspace_of({"shop.py": "PRICE = 1\nTAX = 2  \n"})
    same = repair_in(workspace, "shop.py", "TAX = 2  ", "TAX = 2")
    other = repair_in(workspace, "shop.py", "PRICE = 1", "PRICE = 2")
    bench = Bench(workspace, workspace.night.base, [same, other])
    equality_rung(bench)
    runnable_rung(bench, Unrunnable(count=count, total=10, wants={"a network": count}))
    judged = bench.judgements()
    assert [one.verdict for one in judged] == verdicts
    if count == 3:
        assert judged[1].reason == "it needs the tests, and 3 of 10 tests could not run here"


@pytest.mark.integration
def test_a_suite_that_wants_a_network_is_not_believed(make_target, open_workspace, repair_in):
    asks = "import socket\n\n\ndef test_far():\n    socket.create_connection(('far.invalid', 80))\n"
    target = make_target({
        "shop.py": "def price():\n    return int(2)\n", "test_far.py": asks,
        "test_near.py": "import shop\n\n\ndef test_near():\n    assert shop.price() == 2\n",
    })  # fmt: skip
    workspace = open_workspace(target)
    baseline = establish_baseline(workspace, workspace.night.base)
    assert (baseline.unrunnable.count, baseline.unrunnable.total) == (1, 2)
    repair = repair_in(workspace, "shop.py", "int(2)", "2")
    [judged] = judge(workspace, workspace.night.base, [repair], baseline)
    assert judged.reason.startswith("it needs the tests")
    [believed] = judge(workspace, workspace.night.base, [repair], Baseline(suite=baseline.suite))
    assert not believed.reason.startswith("it needs the tests")
