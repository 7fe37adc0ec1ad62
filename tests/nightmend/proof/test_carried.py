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
    after = run_suite(workspace, base, coverage=True, changes={"shop.py": changed}).spectrum
    told = carried(before.spectrum, edits, {"shop.py": SHOP.encode()})
    ran = told.reached["shop.py"]
    for line in range(1, changed.count(b"\n") + 1):
        recorded = after.named(after.running("shop.py", line, line))
        known = told.named(told.running("shop.py", line, line))
        assert recorded <= known, line
        assert recorded == known or line in told.written["shop.py"], line
        assert after.running("shop.py", line, line) or line not in ran, line
    assert len(ran) > 10


def test_lines_that_are_written_anew_are_not_said_to_have_run():
    """The body of an `else` is dedented, and no test ran one of its lines."""
    source = (
        b"def f(a):\n    if a:\n        return 1\n    else:\n        try:\n            return g(a)\n"
        b"        except ValueError:\n            raise\n"
    )
    old = source[source.index(b"    else:") :].decode()
    new = "".join(line[4:] for line in old.splitlines(keepends=True)[1:])
    edit = Edit(path="a.py", start=len(source) - len(old), end=len(source), text=new)
    ran = Spectrum(tests=("", "one", "two"), lines={"a.py": (("0x6", (2,)), ("0x2", (3,)), ("0x4", (5, 6)))})
    told = carried(ran, [edit], {"a.py": source})
    assert told.reached["a.py"] == (2, 3)
    assert told.written["a.py"] == (4, 5, 6, 7)
    assert told.running("a.py", 5, 5) == 4


def test_the_same_words_in_another_place_are_another_line():
    source = b"def f(a):\n    if a in C:\n        return C[a]\n    return None\n"
    text = "    if a is None:\n        return None\n    return C.get(a)\n"
    start = source.index(b"    if")
    edit = Edit(path="a.py", start=start, end=len(source), text=text)
    ran = Spectrum(tests=("", "one"), lines={"a.py": (("0x2", (2, 4)),)})
    assert carried(ran, [edit], {"a.py": source}).reached["a.py"] == ()


def test_a_line_that_runs_now_and_did_not_is_a_guess():
    source = b"def f(a):\n    if a:\n        return 1\n    else:\n        return 2\n"
    start = source.index(b"else:")
    edit = Edit(path="a.py", start=start, end=start + 5, text="elif a is not None:")
    ran = Spectrum(tests=("", "one"), lines={"a.py": (("0x2", (2, 5)),)})
    told = carried(ran, [edit], {"a.py": source})
    assert told.reached["a.py"] == (2, 5)
    assert told.written["a.py"] == (4,)
    assert told.running("a.py", 4, 4) == 2


def test_who_runs_what_is_put_in_is_a_guess_and_proves_nothing():
    edit = Edit(path="a.py", start=11, end=11, text="x = 0\n")
    told = carried(SPECTRUM, [edit], {"a.py": PLAIN})
    assert reached(told, 2) == {"t2"}
    assert told.written["a.py"] == (2,)
    assert told.reached["a.py"] == (1, *range(3, LINES + 2))
    assert told.without(["t1"]).written == told.written
    again = carried(told, [edit], {"a.py": apply_edits(PLAIN, [edit])})
    assert again.written["a.py"] == (2, 3), "and stays one"


def test_a_file_whose_line_ends_are_parted_is_one_piece():
    content = PLAIN.replace(b"\n", b"\r\n")
    edit = Edit(path="a.py", start=7, end=11, text="yy = 2\r")
    told = carried(SPECTRUM, [edit], {"a.py": content})
    after = apply_edits(content, [edit]).replace(b"\r\n", b"\n").split(b"\n")
    assert reached(told, after.index(b"name_20 = 20") + 1) == {"t20"}
