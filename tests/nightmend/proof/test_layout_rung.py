"""What the target's own formatter had laid out stays so, repair by repair and all together."""

import pytest

from nightmend.proof.baseline import establish_baseline
from nightmend.proof.bench import Bench
from nightmend.proof.judge import judge
from nightmend.proof.layout_rung import combined_layout_rung, hunks, layout_rung
from nightmend.repairs.repair import apply_edits
from nightmend.repairs.settle import settle

pytestmark = pytest.mark.integration

NEAT = """\
def pay(amount, currency):
    return format_money(amount, currency, places=2, separator=".")


def ask(amount):
    return pay(amount, "EUR")
"""
UNTIDY = NEAT.replace("(amount, currency)", "(amount,currency)")
FILES = {"neat.py": NEAT, "untidy.py": UNTIDY}
BLACK = "[tool.black]\nline-length = 70\n"
RUFF = "[tool.ruff]\nline-length = 70\n[tool.ruff.format]\nquote-style = 'double'\n"
LONGER = ("places=2", "places=decimal_places")
WRAPPED = """\
    return format_money(
        amount, currency, places=decimal_places, separator="."
    )
"""
PRICES = """\
def tax(amount, percent, least=0):
    return amount * percent / 100 + least - least


def fee(amount, rate, least):
    return min(amount * rate + least, amount, 1000, 20000, 300000)
"""
TESTS = """\
import prices


def test_tax():
    assert prices.tax(100, 20) == 20


def test_fee():
    assert prices.fee(100, 2, 1) == 100
"""
INI = "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio\n"


def formatted(bench):
    return {path: content.decode() for path, content in bench.changed(bench.open).items()}


@pytest.mark.parametrize("configured", [BLACK, RUFF])
def test_a_repair_is_laid_out_as_the_target_formats(workspace_of, repair_in, configured):
    workspace = workspace_of({**FILES, "pyproject.toml": configured})
    repairs = [repair_in(workspace, path, *LONGER) for path in FILES]
    bench = Bench(workspace, workspace.night.base, repairs)
    layout_rung(bench)
    neat, untidy = bench.open
    assert WRAPPED in formatted(bench)["neat.py"]
    assert (neat.id, untidy) == (repairs[0].id, repairs[1]), "a file that was not laid out stays as it is"
    assert NEAT.count("\n") + 2 == formatted(bench)["neat.py"].count("\n")


def test_without_a_formatter_nothing_is_laid_out(workspace_of, repair_in):
    workspace = workspace_of({**FILES, "pyproject.toml": "[tool.ruff]\nline-length = 70\n"})
    repairs = [repair_in(workspace, "neat.py", *LONGER)]
    bench = Bench(workspace, workspace.night.base, repairs)
    layout_rung(bench)
    combined_layout_rung(bench)
    assert bench.open == repairs


def test_what_the_formatter_takes_back_is_refused(workspace_of, repair_in):
    workspace = workspace_of({**FILES, "pyproject.toml": BLACK})
    bench = Bench(workspace, workspace.night.base, [repair_in(workspace, "neat.py", "\n\n\ndef", "\n\ndef")])
    layout_rung(bench)
    (judgement,) = bench.judgements()
    assert (judgement.verdict, judgement.reason) == ("refused", "the target's formatter takes it back")


def test_repairs_that_only_together_need_another_layout_lose_one(workspace_of, repair_in):
    workspace = workspace_of({**FILES, "pyproject.toml": BLACK})
    repairs = [
        repair_in(workspace, "neat.py", "money(amount, currency", "money(amount, code"),
        repair_in(workspace, "neat.py", "places=2", "places=12345"),
        repair_in(workspace, "neat.py", 'separator="."', 'separator="..."'),
        repair_in(workspace, "neat.py", '"EUR"', '"CHF"'),
    ]
    bench = Bench(workspace, workspace.night.base, [*repairs[1:]])
    layout_rung(bench)
    assert bench.open == repairs[1:], "each alone is well laid out"
    combined_layout_rung(bench)
    assert bench.open == [repairs[1], repairs[3]]
    bench = Bench(workspace, workspace.night.base, repairs)
    combined_layout_rung(bench)
    assert bench.open == repairs, "the first makes room for the others"


def test_what_a_phase_ships_is_as_the_target_formats(workspace_of, repair_in):
    files = {"prices.py": PRICES, "test_prices.py": TESTS, "pytest.ini": INI, "pyproject.toml": BLACK}
    workspace = workspace_of(files)
    base = workspace.night.base
    baseline = establish_baseline(workspace, base)
    repairs = [
        repair_in(workspace, "prices.py", "percent / 100", "percent * 100000 * 1000000 / 1000000 / 10000000"),
        repair_in(workspace, "prices.py", " 1000,", " 1000000,"),
        repair_in(workspace, "prices.py", " 20000,", " 20000000,"),
    ]
    judged = judge(workspace, base, repairs, baseline)
    assert [one.verdict for one in judged] == ["kept"] * 3
    settled = settle(workspace, base, judged, baseline)
    assert sorted(one.verdict for one in settled.judgements) == ["kept", "kept", "refused"]
    shipped = workspace.store.read(settled.snapshot, "prices.py").decode()
    assert "    return (\n        amount * percent * 100000 *" in shipped
    assert max(map(len, shipped.splitlines())) <= 70


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        (b"a\nb\nc\n", b"a\nB\nc\n", 1),
        (b"a\nb\nc\nd\n", b"new\na\nb\nc\nD\n", 2),
        (b"a\r\nb\r\n", b"a\r\n", 1),
        ("é = 1\nx\n".encode(), "ë = 1\nx".encode(), 1),
        (b"", b"a\n", 1),
    ],
)
def test_hunks_make_one_content_of_the_other(before, after, count):
    edits = hunks("a.py", before, after)
    assert apply_edits(before, edits) == after
    assert len(edits) == count
