"""What tests reach behind repairs: told without a run, and compared with what a run records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmend.proof.carried import carried
from nightmend.proof.spectrum import Spectrum
from nightmend.proof.suite import run_suite
from nightmend.repairs.repair import Edit, apply_edits

LINES = 20
PLAIN = b"".join(b"name_%d = %d\n" % (line, line) for line in range(1, LINES + 1))
SPECTRUM = Spectrum(
    tests=("", *(f"t{line}" for line in range(1, LINES + 1))),
    lines={"a.py": tuple((hex(1 << line), (line,)) for line in range(1, LINES + 1))},
)
"""One test for each line."""


def reached(spectrum: Spectrum, line: int) -> set[str]:
    return set(spectrum.named(spectrum.running("a.py", line, line)))


@given(
    st.lists(st.integers(0, len(PLAIN)), unique=True, max_size=8),
    st.lists(st.sampled_from(["", "x", "x = 0\n", "x = 0\n\n", "y\nz"]), min_size=4, max_size=4),
)
def test_lines_that_stay_keep_their_tests_wherever_they_go(places, texts):
    ends = zip(sorted(places)[::2], sorted(places)[1::2], strict=False)
    edits = [
        Edit(path="a.py", start=start, end=end, text=text)
        for (start, end), text in zip(ends, texts, strict=False)
    ]
    after = apply_edits(PLAIN, edits)
    spectrum = carried(SPECTRUM, edits, {"a.py": PLAIN})
    old = PLAIN.splitlines(keepends=True)
    for number, text in enumerate(after.splitlines(keepends=True), 1):
        whole = [line for line in old if line == text]
        if whole:
            here = reached(spectrum, number)
            assert f"t{old.index(whole[0]) + 1}" in here
    last = max((line for _, lines in spectrum.lines["a.py"] for line in lines), default=0)
    assert last <= after.count(b"\n") + 1


SHOP = """\
import json


def load(path, times):
    try:
        text = open(path).read()
        return json.loads(text)
    except ValueError:
        raise RuntimeError("no JSON")
    finally:
        times.append(1)


def total(prices):
    found = 0
    for price in prices:
        if price == None:
            continue
        found = found + price
    return found


def unused(prices):
    found = 0
    return found
"""
TESTS = """\
import pytest

import shop


def test_load(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    assert shop.load(tmp_path / "a.json", []) == {}


def test_bad(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(RuntimeError):
        shop.load(tmp_path / "a.json", [])


def test_total():
    assert shop.total([1, None, 2]) == 3


def test_nothing():
    assert shop.total([]) == 0
"""
REPAIRS = {
    "a line for two": (
        "        text = open(path).read()\n        return json.loads(text)",
        "        return json.loads(open(path).read())",
    ),
    "two lines for one": (
        '    except ValueError:\n        raise RuntimeError("no JSON")',
        '    except ValueError as e:\n        text = "no JSON"\n        raise RuntimeError(text) from e',
    ),
    "words of a line": ("price == None", "price is None"),
    "a line more": ("            continue\n", "            # nothing\n            continue\n"),
    "one before another": ("    found = 0\n    for", "    found = 0\n    prices = list(prices)\n    for"),
    "one that ends a block": ("found + price\n", "found + price\n        price = 0\n"),
    "a line less": ("import json\n\n\n", "import json\n\n"),
    "in what no test runs": ("    found = 0\n    return found\n", "    return 0\n"),
}


@pytest.mark.integration
@pytest.mark.parametrize("name", [*REPAIRS, "all"])
def test_it_tells_what_a_run_would_record(workspace_of, repair_in, name):
    workspace = workspace_of(
        {"shop.py": SHOP, "test_shop.py": TESTS, "pytest.ini": "[pytest]\npythonpath = .\n"}
    )
    base = workspace.night.base
    chosen = REPAIRS.values() if name == "all" else [REPAIRS[name]]
    edits = [edit for pair in chosen for edit in repair_in(workspace, "shop.py", *pair).edits]
    changed = apply_edits(SHOP.encode(), edits)
    before = run_suite(workspace, base, coverage=True)
    after = run_suite(workspace, base, coverage=True, changes={"shop.py": changed})
    told = carried(before.spectrum, edits, {"shop.py": SHOP.encode()})
    assert len(told.tests) == len(after.spectrum.tests) == 5
    recorded = 0
    for line in range(1, changed.count(b"\n") + 1):
        tests = after.spectrum.named(after.spectrum.running("shop.py", line, line))
        recorded += len(tests)
        assert tests <= told.named(told.running("shop.py", line, line)), line
    assert recorded > 15
