"""Each rung on small real repositories: what it lets pass, and what it refuses with which reason."""

import pytest

from nightmend.proof.bench import Bench
from nightmend.proof.records import SuiteRun
from nightmend.proof.redetection_rung import redetection_rung
from nightmend.proof.rungs import (
    equality_rung,
    overlap_rung,
    policy_rung,
    reach_rung,
    syntax_rung,
)
from nightmend.proof.spectrum import Spectrum

SHOP = """\
import json


def load(path):
    try:
        return json.loads(path)
    except ValueError:
        raise RuntimeError("no JSON")


def total(prices):
    result = 0
    for price in prices:
        result += price
    return result
"""
LOST = 'raise RuntimeError("no JSON")'


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of({"shop.py": SHOP, "README.md": "[shop](shop.py)\n"})


def judged(bench):
    """Return the one judgement of a bench."""
    [judgement] = bench.judgements()
    return judgement


def after(rung, workspace, repair, **options):
    bench = Bench(workspace, workspace.night.base, [repair], **options)
    rung(bench)
    return judged(bench)


class TestSyntax:
    def test_what_parses_stays(self, workspace, repair_in):
        one = after(
            syntax_rung, workspace, repair_in(workspace, "shop.py", "result += price", "result -= price")
        )
        assert (one.verdict, one.evidence.parses) == ("kept", True)

    def test_what_does_not_parse_is_refused(self, workspace, repair_in):
        one = after(syntax_rung, workspace, repair_in(workspace, "shop.py", "result = 0", "result = ("))
        assert (one.verdict, one.evidence.parses) == ("refused", False)
        assert one.reason.startswith("shop.py would not parse")

    def test_what_parses_but_does_not_compile_is_refused(self, workspace, repair_in):
        one = after(syntax_rung, workspace, repair_in(workspace, "shop.py", "import json", "return 1"))
        assert one.verdict == "refused"

    @pytest.mark.parametrize(("floor", "verdict"), [((3, 8), "refused"), ((3, 10), "kept"), (None, "kept")])
    def test_the_oldest_python_that_the_target_declares_decides(self, workspace, repair_in, floor, verdict):
        new = "match prices:\n        case _:\n            result = 0"
        repair = repair_in(workspace, "shop.py", "result = 0", new)
        one = after(syntax_rung, workspace, repair, floor=floor)
        assert one.verdict == verdict
        assert verdict == "kept" or "on Python 3.8" in one.reason

    def test_code_that_still_runs_on_python_2_is_left_alone(self, workspace, repair_in):
        code = repair_in(workspace, "shop.py", "result += price", "result -= price")
        one = after(syntax_rung, workspace, code, floor=(2, 7))
        assert (one.verdict, one.evidence.parses) == ("refused", None)
        assert "Python 2" in one.reason
        layout = repair_in(workspace, "shop.py", "result += price", "result  +=  price  # so far")
        assert after(syntax_rung, workspace, layout, floor=(2, 7)).verdict == "kept"
        foreign = repair_in(workspace, "shop.py", "result += price", "result += price  # d\xe9j\xe0")
        assert after(syntax_rung, workspace, foreign, floor=(2, 7)).verdict == "refused", "it needs a coding"
        document = repair_in(workspace, "README.md", "[shop](shop.py)", "[the shop](shop.py)")
        assert after(syntax_rung, workspace, document, floor=(2, 7)).verdict == "kept"

    @pytest.mark.parametrize(
        "silenced",
        [
            "  # noqa: B904",
            "  # type: ignore",
            "  # nosec",
            "  # pylint: disable=W0707",
            "  # pragma: no cover",
        ],
    )
    def test_silencing_an_issue_is_no_repair(self, workspace, repair_in, silenced):
        one = after(syntax_rung, workspace, repair_in(workspace, "shop.py", LOST, LOST + silenced))
        assert (one.verdict, one.reason) == (
            "refused",
            "it silences the issue in shop.py instead of resolving it",
        )

    def test_skipping_a_test_is_no_repair(self, workspace_of, repair_in):
        workspace = workspace_of({"tests/test_a.py": "import pytest\n\n\ndef test_a():\n    assert False\n"})
        skip = "@pytest.mark.skip\ndef test_a"
        one = after(syntax_rung, workspace, repair_in(workspace, "tests/test_a.py", "def test_a", skip))
        assert one.verdict == "refused"
        assert "silences" in one.reason

    def test_a_repair_that_changes_nothing_is_none(self, workspace, repair_in):
        one = after(syntax_rung, workspace, repair_in(workspace, "shop.py", "result = 0", "result = 0"))
        assert (one.verdict, one.reason) == ("refused", "it changes nothing in shop.py")

    def test_documents_need_no_syntax(self, workspace, repair_in):
        one = after(syntax_rung, workspace, repair_in(workspace, "README.md", "(shop.py)", "(./shop.py)"))
        assert one.verdict == "kept"


class TestEquality:
    @pytest.mark.parametrize(
        ("old", "new", "grade"),
        [("result = 0", "result = (0)", "A"), ("result = 0", "result = 0  # so far", "A"),
         ("    return result\n", "    return result\n    return\n", "A"), ("result = 0", "result = 1", None),
         ("result = 0", "result = 0.0", None), ("import json", "import json as json", None)],
    )  # fmt: skip
    def test_only_the_same_program_is_equal_by_construction(self, workspace, repair_in, old, new, grade):
        one = after(equality_rung, workspace, repair_in(workspace, "shop.py", old, new))
        assert one.grade == grade
        assert one.evidence.equal_by_construction is (grade == "A")

    def test_instructions_say_nothing_to_who_reads_the_source(self, shared_workspace_of, repair_in):
        reader = f"import inspect\n\nTEXT = inspect.getsource(inspect)\n\n\n{SHOP}"
        space = shared_workspace_of({"shop.py": reader})
        one = after(
            equality_rung, space, repair_in(space, "shop.py", "return result", "return result\n    return")
        )
        assert one.grade is None

    def test_a_document_has_no_syntax_tree_that_could_be_equal(self, workspace, repair_in):
        one = after(equality_rung, workspace, repair_in(workspace, "README.md", "[shop]", "[the shop]"))
        assert one.grade is None


class TestRedetection:
    """The detectors look again; all repairs of one bench share the runs of the tools."""

    @pytest.fixture
    def verdicts(self, workspace, repair_in):
        cause = LOST + " from error"
        gone = repair_in(
            workspace, "shop.py", f"except ValueError:\n        {LOST}",
            f"except ValueError as error:\n        {cause}", pattern="gone", faults=("raise-without-cause",),
        )  # fmt: skip
        repairs = {
            "gone": gone,
            "still": repair_in(
                workspace, "shop.py", '"no JSON"', '"not JSON"',
                pattern="still", faults=("raise-without-cause",),
            ),
            "twice": repair_in(
                workspace, "shop.py", f"except ValueError:\n        {LOST}",
                f"except ValueError as error:\n        {cause}",
                pattern="twice", faults=("raise-without-cause", "raise-without-cause"),
            ),
            "new": repair_in(
                workspace, "shop.py", f"except ValueError:\n        {LOST}", "except:\n        return None",
                pattern="new", faults=("raise-without-cause",),
            ),
            "lighter": repair_in(
                workspace, "shop.py", f"except ValueError:\n        {LOST}", "except:\n        return None",
                pattern="lighter", faults=("raise-without-cause",),
                gives_way_to=("bare-except", "broad-except"),
            ),
            "untidy": repair_in(
                workspace, "shop.py", "result += price", "result += price ", pattern="untidy"
            ),
        }  # fmt: skip
        bench = Bench(workspace, workspace.night.base, repairs.values())
        redetection_rung(bench)
        return {one.repair.pattern: one for one in bench.judgements()}

    @pytest.mark.parametrize("enables", ["F401", "E722"])
    def test_what_the_target_itself_asks_for_may_not_take_the_place_of_an_issue(
        self, workspace_of, repair_in, enables
    ):
        source = (
            "def read(text):\n    try:\n        return int(text)\n    except ValueError:\n        return 0\n"
        )
        workspace = workspace_of({"a.py": source, "ruff.toml": f"lint.select = ['{enables}']\n"})
        lighter = ("bare-except", "broad-except")
        repair = repair_in(workspace, "a.py", "except ValueError:", "except:", gives_way_to=lighter)
        one = after(redetection_rung, workspace, repair)
        refused = ("refused", ("ruff:E722",)) if enables == "E722" else ("kept", ())
        assert (one.verdict, one.evidence.new_issues) == refused

    @pytest.mark.parametrize(
        ("new", "selects", "verdict"),
        [
            (f"x = '{'a' * 90}'", "F401", "kept"),
            (f"x = '{'a' * 90}'", "E501", "refused"),
            ("x = 1 ", "F401", "refused"),
        ],
    )
    def test_others_may_write_long_lines_where_the_target_asks_for_none(
        self, workspace_of, repair_in, new, selects, verdict
    ):
        workspace = workspace_of({"a.py": "x = 1\n", "ruff.toml": f"lint.select = ['{selects}']\n"})
        others = type(workspace)(workspace.night.model_copy(update={"long_lines": True}))
        repair = repair_in(workspace, "a.py", "x = 1", new)
        assert after(redetection_rung, workspace, repair).verdict == "refused"
        assert after(redetection_rung, others, repair).verdict == verdict

    def test_an_issue_must_be_gone_and_nothing_new_there(self, verdicts):
        assert verdicts["gone"].verdict == "kept"
        assert verdicts["gone"].evidence.issue_gone is True

        assert verdicts["still"].verdict == "refused"
        assert verdicts["still"].reason == "its issue is still there afterwards: raise-without-cause"
        assert verdicts["still"].evidence.issue_gone is False

        assert verdicts["twice"].verdict == "refused", "it claims two issues and resolves one"

        assert verdicts["new"].verdict == "refused"
        assert "bare-except" in verdicts["new"].reason
        assert "bare-except" in verdicts["new"].evidence.new_issues
        assert "bare-except" not in verdicts["lighter"].evidence.new_issues

        assert verdicts["untidy"].verdict == "refused", "layout counts, whatever the target thinks of it"

    def test_each_repair_is_judged_as_if_it_stood_alone(self, shared_workspace_of, repair_in):
        uses = "import os\n\n\ndef a():\n    return os.a\n\n\ndef b():\n    return os.b\n"
        workspace = shared_workspace_of({"a.py": uses, "b.py": uses.replace("os.b", "1")})
        repairs = [
            repair_in(workspace, "a.py", "os.a", "1", pattern="one"),
            repair_in(workspace, "a.py", "os.b", "1", pattern="other"),
            repair_in(workspace, "b.py", "os.a", "1", pattern="last"),
            repair_in(workspace, "b.py", "return 1", "return os.b", pattern="hides it"),
        ]
        bench = Bench(workspace, workspace.night.base, repairs)
        redetection_rung(bench)
        verdicts = {one.repair.pattern: one for one in bench.judgements()}
        assert verdicts["one"].verdict == verdicts["other"].verdict == "kept", "only together are they bad"
        assert verdicts["last"].reason == "it brings new issues: unused-import", "whatever another adds"
        assert verdicts["hides it"].verdict == "kept"


class TestOverlap:
    def test_the_first_of_two_rivals_stands_and_the_second_waits(self, workspace, repair_in):
        first = repair_in(workspace, "shop.py", "result += price", "result += 1", pattern="first")
        second = repair_in(workspace, "shop.py", "+= price\n    return", "+= 2\n    return", pattern="second")
        beside = repair_in(workspace, "shop.py", "result = 0", "result = 2", pattern="beside")
        bench = Bench(workspace, workspace.night.base, [first, second, beside])
        overlap_rung(bench)
        verdicts = {one.repair.pattern: one for one in bench.judgements()}
        assert [verdicts[name].verdict for name in ("first", "second", "beside")] == [
            "kept",
            "refused",
            "kept",
        ]
        assert verdicts["second"].reason == f"it overlaps repair {first.id} of first; it can follow later"

    def test_what_overlaps_only_a_fallen_repair_stands(self, workspace, repair_in):
        first = repair_in(workspace, "shop.py", "result += price", "result += 1", pattern="first")
        second = repair_in(workspace, "shop.py", "result += price\n", "result += 2\n", pattern="second")
        bench = Bench(workspace, workspace.night.base, [first, second])
        bench.drop(first, "refused", "for a reason")
        overlap_rung(bench)
        assert [one.verdict for one in bench.judgements()] == ["refused", "kept"]


SPECTRUM = Spectrum(tests=("", "t"), lines={"shop.py": (("0x2", (11, 12, 13, 14, 15)),)})


class TestReachAndPolicy:
    RAN = SuiteRun(outcomes={"t": "passed"}, spectrum=SPECTRUM, usable=True)

    @pytest.mark.parametrize(
        ("old", "safety", "grade", "verdict"),
        [
            ("result += price", "safe", "C", "kept"),
            ("result += price", "needs-tests", "C", "kept"),
            ("result += price", "review", "C", "refused"),
            (LOST, "safe", "D", "kept"),
            (LOST, "needs-tests", "D", "refused"),
            (LOST, "review", "D", "refused"),
        ],
    )
    def test_lines_that_no_test_ran_are_enough_only_for_safe_patterns(
        self, workspace, repair_in, old, safety, grade, verdict
    ):
        bench = Bench(
            workspace, workspace.night.base, [repair_in(workspace, "shop.py", old, "pass", safety=safety)]
        )
        reach_rung(bench, self.RAN)
        policy_rung(bench)
        one = judged(bench)
        assert (one.grade, one.verdict) == (grade, verdict)
        assert one.evidence.lines_reached is (grade == "C")
        if safety == "review":
            assert "a person decides" in one.reason
        elif verdict == "refused":
            assert one.reason == "no test runs the changed lines, and its pattern is not rated safe"

    def test_tests_that_cannot_judge_have_reached_nothing(self, workspace, repair_in):
        bench = Bench(
            workspace, workspace.night.base, [repair_in(workspace, "shop.py", "result += price", "pass")]
        )
        reach_rung(bench, self.RAN.model_copy(update={"usable": False}))
        assert judged(bench).grade == "D"

    def test_what_is_equal_by_construction_keeps_its_grade(self, workspace, repair_in):
        repair = repair_in(workspace, "shop.py", LOST, f"{LOST}  # so", safety="needs-tests")
        bench = Bench(workspace, workspace.night.base, [repair])
        equality_rung(bench)
        reach_rung(bench, self.RAN)
        policy_rung(bench)
        one = judged(bench)
        assert (one.grade, one.verdict, one.evidence.lines_reached) == ("A", "kept", None)
        assert one.reason == "the program is the same; no test could tell"


def test_two_proposals_of_one_edit_are_one_repair(workspace, repair_in):
    repairs = [repair_in(workspace, "shop.py", "result = 0", "result = 1") for _ in range(2)]
    assert len(Bench(workspace, workspace.night.base, repairs).repairs) == 1
