"""Good alone and worse together: what tips a file is found, and all the others stay."""

import random

import pytest

import nightmend.repairs.tipping as tipping
from nightmend.proof.bench import Bench
from nightmend.repairs.tipping import drop_worse

LINES = 40
NARROW = "".join(f"v{n:02} = 'first' + 'second'\n" for n in range(LINES))
SOURCE = "def f(x: int) -> int:\n    return x\n\n\ndef g(x: int) -> int:\n    return x + 0\n"


@pytest.fixture(scope="module")
def numbers(shared_workspace_of):
    return shared_workspace_of({"numbers.py": "".join(f"V{n} = {n}\n" for n in range(LINES))})


@pytest.fixture
def bench(numbers, repair_in):
    repairs = [repair_in(numbers, "numbers.py", f"V{n} = {n}\n", f"V{n} = {n} + 0\n") for n in range(LINES)]
    return Bench(numbers, numbers.night.base, repairs)


def search(bench, clashes, ways):
    """Search where repairs, by their numbers, clash in pairs; return who stays, and the number of looks."""
    numbers = {repair.id: number for number, repair in enumerate(bench.repairs)}
    looks = []

    def look(_, begun):
        looks.append(len(begun))
        shown = [{numbers[repair.id] for repair in repairs} for _, repairs in begun]
        return [{"numbers.py": ("pep8",)} if any(pair <= one for pair in clashes) else {} for one in shown]

    tipping._search(bench, Bench.by_file, look, ways)
    return [numbers[repair.id] for repair in bench.open], looks


@pytest.mark.parametrize("ways", [1, 8])
def test_of_each_pair_that_clashes_only_the_later_is_dropped(bench, ways):
    stay, looks = search(bench, [{3, 17}, {17, 30}, {0, 39}], ways)
    assert stay == [number for number in range(LINES) if number not in (17, 39)]
    assert looks[0] == 1, "a file that is fine costs one look at the whole"


@pytest.mark.parametrize("seed", range(20))
def test_whatever_clashes_nothing_worse_is_left_and_no_more_than_needed_is_dropped(bench, seed):
    draw = random.Random(seed)
    ways, most = draw.choice([(1, 3), (8, 8)])  # as many as the rounds are enough for
    clashes = [set(draw.sample(range(LINES), 2)) for _ in range(draw.randrange(most + 1))]
    stay, _ = search(bench, clashes, ways)
    assert not any(pair <= set(stay) for pair in clashes)
    for dropped in set(range(LINES)) - set(stay):
        assert any(pair <= {*stay, dropped} for pair in clashes), "it would do no harm"


def test_a_file_with_more_than_can_be_sought_loses_all_its_repairs(bench):
    stay, looks = search(bench, [{n, n + 1} for n in range(0, LINES, 2)] + [{n} for n in range(LINES)], 2)
    assert stay == []
    assert len(looks) <= tipping._ROUNDS + 1


def test_a_repair_of_two_files_that_falls_for_one_is_sought_no_more_in_the_other(
    shared_workspace_of, repair_in
):
    files = {name: "".join(f"V{n} = {n}\n" for n in range(12)) for name in ("a.py", "b.py")}
    workspace = shared_workspace_of(files)
    *others, last = (repair_in(workspace, "b.py", f"V{n} = {n}\n", f"V{n} = {n} + 0\n") for n in range(12))
    both = repair_in(workspace, "a.py", "V1 = 1\n", "V1 = 2\n")
    both = both.model_copy(update={"edits": (*both.edits, *last.edits)})
    bench = Bench(workspace, workspace.night.base, [both, *others])
    first, fifth = others[0].id, others[4].id

    def look(_, begun):
        shown = [(path, {one.id for one in repairs}) for path, repairs in begun]
        return [
            {path: ("pep8",)} if (path == "a.py" and both.id in ids) or {first, fifth} <= ids else {}
            for path, ids in shown
        ]

    assert tipping._search(bench, Bench.by_file, look, 8)
    assert [one.id for one in bench.open] == [one.id for one in others if one.id != fifth]


@pytest.mark.integration
def test_an_error_of_mypy_in_a_file_that_nobody_changes_is_laid_to_its_cause(workspace_of, repair_in):
    files = {
        "pkg/__init__.py": "", "pkg/a.py": SOURCE, "pkg/c.py": SOURCE,
        "pkg/b.py": "from pkg.a import f\n\nx: int = f(1)\ny = 1\n",
        "pyproject.toml": "[tool.mypy]\nfiles = ['pkg']\n",
    }  # fmt: skip
    workspace = workspace_of(files)
    told = ("def f(x: int) -> int:\n    return x\n", "def f(x: int) -> str:\n    return str(x)\n")
    guilty = repair_in(workspace, "pkg/a.py", *told)
    harmless = [
        repair_in(workspace, "pkg/b.py", "y = 1", "y = 2"), repair_in(workspace, "pkg/c.py", "x + 0", "x"),
    ]  # fmt: skip
    bench = Bench(workspace, workspace.night.base, [guilty, *harmless])
    assert drop_worse(bench) == ()
    assert bench.open == harmless
    alone = Bench(workspace, workspace.night.base, [guilty])
    assert drop_worse(alone) == ()
    assert alone.open == []


@pytest.mark.integration
def test_lines_that_two_repairs_make_too_long_keep_one_and_the_file_all_others(workspace_of, repair_in):
    workspace = workspace_of({"narrow.py": NARROW, "other.py": NARROW})
    repairs = [
        repair_in(workspace, path, f"v{n:02} = 'first'", f"v{n:02} = '{'f' * 40}'")
        for path, lines in (("narrow.py", range(LINES)), ("other.py", range(5)))
        for n in lines
    ]
    seconds = {}
    for n in (7, 30):
        line = f"v{n:02} = 'first' + 'second'"
        [edit] = repair_in(workspace, "narrow.py", line, line).edits
        long = edit.model_copy(update={"start": edit.end - len("'second'"), "text": f"'{'s' * 40}'"})
        seconds[n] = repair_in(workspace, "narrow.py", line, "").model_copy(
            update={"id": f"second{n}", "edits": (long,)}
        )
    everything = [*repairs, *seconds.values()]
    others = type(workspace)(workspace.night.model_copy(update={"long_lines": True}))
    bench = Bench(others, workspace.night.base, everything)
    assert drop_worse(bench) == ()
    assert bench.open == everything, "others may write such lines where nobody asks for shorter ones"
    bench = Bench(workspace, workspace.night.base, everything)
    assert drop_worse(bench) == ()
    assert bench.open == repairs
    reasons = {one.repair.id: one.reason for one in bench.judgements() if one.verdict == "rolled_back"}
    assert reasons == dict.fromkeys(("second7", "second30"), "with it comes more of: pep8")


@pytest.mark.integration
def test_of_a_file_that_mypy_checks_only_what_brings_its_error_is_dropped(workspace_of, repair_in):
    declared = "[tool.mypy]\nfiles = ['pkg']\n"
    files = {"pkg/__init__.py": "", "pkg/a.py": SOURCE, "pkg/b.py": SOURCE, "pyproject.toml": declared}
    workspace = workspace_of(files)
    right, wrong, after, elsewhere = (
        repair_in(workspace, path, old, new)
        for path, old, new in (
            ("pkg/a.py", "def f(x: int)", "def f(x: int, y: int = 0)"),
            ("pkg/a.py", "    return x\n", "    return str(x)\n"),
            ("pkg/a.py", "x + 0", "x"),
            ("pkg/b.py", "x + 0", "x"),
        )
    )
    bench = Bench(workspace, workspace.night.base, [right, wrong, after, elsewhere])
    assert drop_worse(bench) == ()
    assert bench.open == [right, after, elsewhere]
    assert bench.judgements()[1].reason == "with it comes more of: mypy:return-value"
