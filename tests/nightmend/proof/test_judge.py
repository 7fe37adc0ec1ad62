"""The ladder as a whole: which rung comes before which."""

import pytest

from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.judge import judge
from nightmend.proof.records import SuiteRun

SHOP = "def total(prices):\n    result = 0\n    return result + sum(prices)\n"


def test_what_is_refused_anyway_stands_in_nobodys_way(workspace_of, repair_in):
    workspace = workspace_of({"shop.py": SHOP})
    weak = repair_in(workspace, "shop.py", "result = 0", "result = int()", safety="needs-tests", pattern="a")
    safe = repair_in(workspace, "shop.py", "result = 0\n", "result = 0 + 0\n", pattern="b")
    untested = Baseline(suite=SuiteRun(usable=False, reason="no tests"))
    judged = judge(workspace, workspace.night.base, [weak, safe], untested)
    assert [one.verdict for one in judged] == ["refused", "kept"]
    assert "no test" in judged[0].reason


@pytest.mark.integration
def test_lines_that_only_quarantined_tests_run_count_as_not_run(workspace_of, repair_in):
    tests = "import shop\n\n\ndef test_total():\n    assert shop.total([2, 3]) == 5\n"
    workspace = workspace_of({"shop.py": SHOP, "test_shop.py": tests})
    repair = repair_in(workspace, "shop.py", "result = 0", "result = int()", safety="needs-tests")
    baseline = establish_baseline(workspace, workspace.night.base)
    quarantined = baseline.model_copy(update={"unsteady": ("test_shop.py::test_total",)})
    [trusted] = judge(workspace, workspace.night.base, [repair], baseline)
    [unproved] = judge(workspace, workspace.night.base, [repair], quarantined)
    assert (trusted.verdict, trusted.grade) == ("kept", "C")
    assert (unproved.verdict, unproved.reason) == (
        "refused",
        "no test runs the changed lines, and its pattern is not rated safe",
    )
