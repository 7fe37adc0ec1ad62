"""The ladder as a whole: which rung comes before which."""

from nightmend.proof.baseline import Baseline
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
