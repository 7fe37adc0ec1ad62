"""What several agents kept becomes one snapshot, proved as a whole; what clashes there is dropped."""

import subprocess

import pytest

import nightmend.repairs.settle as settling
from nightmend.evidence import Evidence, Judgement
from nightmend.patterns.loader import load_patterns
from nightmend.proof.baseline import establish_baseline
from nightmend.proof.suite import run_suite
from nightmend.repairs.settle import commit_patterns, settle

pytestmark = pytest.mark.integration

SHOP = """\
def width():
    return 10


def height():
    return 10


def describe(name, price, currency):
    return f"{name} costs {price} {currency} each, as it always has cost"
"""
TESTS = """\
import pathlib

import shop


def test_area():
    assert shop.width() * shop.height() <= 200


def test_describe():
    assert "tea" in shop.describe("tea", 1, "EUR")


def test_weather():
    assert not pathlib.Path("storm").exists()
"""
INI = "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio\n"
WIDER = ("def width():\n    return 10", "def width():\n    return 20")
HIGHER = ("def height():\n    return 10", "def height():\n    return 20")


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of({"shop.py": SHOP, "test_shop.py": TESTS, "pytest.ini": INI})


@pytest.fixture(scope="module")
def baseline(workspace):
    return establish_baseline(workspace, workspace.night.base)


@pytest.fixture
def kept(workspace, repair_in):
    """Make judgements of repairs that their agents kept."""

    def judge(**changes):
        return [
            Judgement(
                repair=repair_in(workspace, "shop.py", old, new, pattern=name),
                verdict="kept", reason="kept", grade="C", evidence=Evidence(lines_reached=True),
            )
            for name, (old, new) in changes.items()
        ]  # fmt: skip

    return judge


@pytest.fixture
def settled(workspace, baseline):
    def run(judgements):
        result = settle(workspace, workspace.night.base, judgements, baseline)
        return result, {one.repair.pattern: one for one in result.judgements}

    return run


def test_what_tests_reach_is_known_of_the_new_tree_without_recording_it(settled, kept, monkeypatch):
    asked = []

    def noted(*arguments, **options):
        asked.append(options.get("coverage", False))
        return run_suite(*arguments, **options)

    monkeypatch.setattr(settling, "run_suite", noted)
    result, _ = settled(kept(one=("def width():\n", "def width():\n    # in metres\n    # not feet\n")))
    spectrum = result.baseline.suite.spectrum
    line = SHOP[: SHOP.index("    return f")].count("\n") + 3
    assert spectrum.named(spectrum.running("shop.py", line, line)) == {"test_shop.py::test_describe"}
    assert asked == [False]


def shop_of(workspace, snapshot):
    return workspace.store.read(snapshot, "shop.py").decode()


def test_what_is_green_together_becomes_the_snapshot(workspace, kept, settled):
    result, verdicts = settled(kept(wider=WIDER, words=("each", "a piece")))
    assert shop_of(workspace, result.snapshot) == SHOP.replace(*WIDER).replace("each", "a piece")
    assert {one.verdict for one in verdicts.values()} == {"kept"}
    assert (result.broken, result.new_high) == ((), ())
    assert result.baseline.suite.outcomes == dict.fromkeys(
        ("test_shop.py::test_area", "test_shop.py::test_describe", "test_shop.py::test_weather"), "passed"
    )
    assert result.baseline.suite.spectrum.reached["shop.py"], (
        "the next phase is graded by what these tests reached"
    )


def test_what_breaks_only_together_loses_one_and_the_rest_is_green(workspace, baseline, kept, settled):
    result, verdicts = settled(kept(wider=WIDER, higher=HIGHER, words=("each", "a piece")))
    assert sorted(one.verdict for one in verdicts.values()) == ["kept", "kept", "rolled_back"]
    assert verdicts["words"].verdict == "kept"
    [fallen] = [one for one in verdicts.values() if one.verdict == "rolled_back"]
    assert "breaks test_shop.py::test_area, beside" in fallen.reason
    assert fallen.evidence.tests_broken == ("test_shop.py::test_area",)
    assert fallen.evidence.lines_reached is True, "what its agent had shown is not lost"
    assert result.broken == ()
    assert shop_of(workspace, result.snapshot).count("return 20") == 1
    assert result.baseline.suite.outcomes["test_shop.py::test_area"] == "passed"


def test_of_two_agents_that_want_the_same_place_the_first_gets_it(workspace, kept, settled):
    result, verdicts = settled(kept(first=WIDER, second=(WIDER[0], WIDER[0].replace("10", "15"))))
    assert [verdicts[name].verdict for name in ("first", "second")] == ["kept", "refused"]
    assert "overlaps repair" in verdicts["second"].reason
    assert shop_of(workspace, result.snapshot) == SHOP.replace(*WIDER)


def test_of_repairs_that_only_together_make_a_line_too_long_the_later_is_dropped(workspace, kept, settled):
    money, words = ("{price} {currency}", "{price:.2f} {currency}"), ("always has cost", "always has been so")
    alone = [len(max(SHOP.replace(*change).splitlines(), key=len)) for change in (money, words)]
    assert max(alone) <= 79 < len(max(SHOP.replace(*money).replace(*words).splitlines(), key=len))
    long = kept(money=money, words=words)
    result, verdicts = settled(long)
    assert result.new_high == ()
    assert shop_of(workspace, result.snapshot) == SHOP.replace(*money)
    assert [verdicts[name].verdict for name in ("money", "words")] == ["kept", "rolled_back"]
    assert "pep8" in verdicts["words"].reason


def test_a_test_that_fails_once_in_the_last_run_is_unsteady_and_breaks_nothing(
    workspace, kept, settled, monkeypatch
):
    storm = workspace.checkout(workspace.night.base) / "storm"

    def stormy(*arguments, **options):
        storm.touch()
        try:
            return run_suite(*arguments, **options)
        finally:
            storm.unlink()

    monkeypatch.setattr(settling, "run_suite", stormy)
    result, verdicts = settled(kept(wider=WIDER))
    assert verdicts["wider"].verdict == "kept"
    assert result.baseline.suite.outcomes["test_shop.py::test_weather"] == "failed"
    assert result.broken == (), "a gate that only flickered must not close"
    assert "test_shop.py::test_weather" in result.baseline.unsteady


def test_what_the_agents_did_not_keep_stays_as_they_left_it(workspace, kept, settled):
    [refused] = kept(words=("each", "a piece"))
    refused = refused.model_copy(update={"verdict": "refused", "reason": "of old"})
    result, verdicts = settled([refused])
    assert result.snapshot == workspace.night.base
    assert (verdicts["words"].verdict, verdicts["words"].reason) == ("refused", "of old")


def test_the_commit_of_a_later_round_says_so(workspace, kept):
    """A branch has no two commits of one name."""
    again = [
        one.model_copy(update={"repair": one.repair.model_copy(update={"round": 2})})
        for one in kept(words=("each", "a piece"))
    ]
    base = workspace.night.base_commit
    last, _ = commit_patterns(workspace, workspace.night.base, base, again, load_patterns())
    assert _git(workspace, "log", "-1", "--format=%s", last) == "Apply the fix of words, round 2"


def test_each_pattern_is_one_commit_whose_trailers_name_its_repairs(workspace, kept):
    [wider, words] = kept(**{"bare-except": WIDER, "words": ("each", "a piece")})
    [higher] = kept(**{"bare-except": HIGHER})
    left_out = kept(no=("costs", "is"))[0].model_copy(update={"verdict": "rolled_back"})
    base = workspace.night.base_commit
    last, commits = commit_patterns(
        workspace, workspace.night.base, base, [wider, words, higher, left_out], load_patterns()
    )
    log = _git(workspace, "log", "--reverse", "--format=%H %s", f"{base}..{last}").splitlines()
    assert [line.split(" ", 1)[1] for line in log] == [
        "Catch Exception where everything was caught (2 places)",
        "Apply the fix of words",
    ]
    first, second = (line.split(" ", 1)[0] for line in log)
    assert commits == {wider.repair.id: first, higher.repair.id: first, words.repair.id: second}
    trailers = _git(workspace, "log", "-1", "--format=%(trailers:only)", first).splitlines()
    assert trailers == [
        "Nightmend-Agent: code_quality",
        f"Nightmend-Repair: {wider.repair.id} shop.py:1 grade=C",
        f"Nightmend-Repair: {higher.repair.id} shop.py:5 grade=C",
    ]
    body = _git(workspace, "log", "-1", "--format=%b", first)
    assert load_patterns()["bare-except"].why in " ".join(body.split())
    assert "\nIn shop.py.\n" in body
    assert max(map(len, body.splitlines())) <= 72
    final = SHOP.replace(*WIDER).replace(*HIGHER)
    assert _git(workspace, "show", f"{first}:shop.py") == final.strip()
    assert _git(workspace, "show", f"{second}:shop.py") == final.replace("each", "a piece").strip()


def _git(workspace, *arguments):
    command = ["git", f"--git-dir={workspace.store.folder}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
