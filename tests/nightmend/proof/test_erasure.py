"""What differs only in words that nothing reads is equal by construction, and whatever is read is not."""

import pytest

from nightmend.proof.bench import Bench
from nightmend.proof.erasure import Erasure
from nightmend.proof.rungs import equality_rung
from nightmend.repairs.repair import Edit
from nightmend.sequences import common_prefix

SHOP = '''\
"""A shop."""


class Shop:
    def is_open(self, hour: int):
        """Say wether it is open."""
        return 8 <= hour
'''
UNDOCUMENTED = SHOP.replace('        """Say wether it is open."""\n', "")
ANNOTATED = SHOP.replace("hour: int):", "hour: int) -> bool:")
CORRECTED = SHOP.replace("wether", "whether")


def same(before, after, *others):
    """Ask with the edit that leads there and without: the answer is one."""
    contents = before.encode(), after.encode()
    erasure = Erasure([before.encode(), *(other.encode() for other in others)])
    start = common_prefix(*contents)
    end = common_prefix(contents[0][start:][::-1], contents[1][start:][::-1])
    text = after[start : len(after) - end]
    edit = Edit(path="shop.py", start=start, end=len(before) - end, text=text)
    alone = erasure.same("shop.py", *contents, [edit])
    assert alone == erasure.same("shop.py", *contents)
    return alone


@pytest.mark.parametrize("after", [ANNOTATED, CORRECTED])
def test_annotations_and_docstrings_do_not_count(after):
    assert same(SHOP, after)
    assert same(SHOP, after, "shop.is_open(9)\n")


@pytest.mark.parametrize(
    "after",
    [
        SHOP.replace("8 <=", "9 <="),
        ANNOTATED.replace("8 <=", "9 <="),
        SHOP.replace('        """Say wether it is open."""\n', ""),
        SHOP.replace("hour: int):", "hour: int) -> Hours:"),
        SHOP.replace("hour: int)", "hour: int = 8)"),
        SHOP.replace("is_open(", "is_open_at("),
    ],
    ids=["body", "body too", "docstring gone", "a name that may not exist", "default", "name"],
)
def test_everything_else_counts(after):
    assert not same(SHOP, after)


@pytest.mark.parametrize(
    ("other", "annotated", "corrected"),
    [
        ("import typing\ntyping.get_type_hints(f)\n", False, True),
        ("inspect.signature(f)\n", False, True),
        ("print(shop.__doc__)\n", True, False),
        ("inspect.getsource(f)\n", False, False),
        ("import typer\n", False, False),
        ("from fastapi import FastAPI\n", False, False),
        ("register(Shop.is_open)\n", False, False),
    ],
)
def test_words_count_where_the_target_reads_them(other, annotated, corrected):
    assert same(SHOP, ANNOTATED, other) is annotated
    assert same(SHOP, CORRECTED, other) is corrected
    assert same(UNDOCUMENTED, SHOP, other) is corrected


def test_a_docstring_that_a_function_gets_does_not_count():
    assert same(UNDOCUMENTED, SHOP)
    assert not same(UNDOCUMENTED, SHOP.replace("8 <=", "9 <="))
    assert not same(SHOP, UNDOCUMENTED), "one that goes does"
    doctest = SHOP.replace("it is open.", ">>> Shop().is_open(9)")
    assert not same(UNDOCUMENTED, doctest)
    assert not same(SHOP, SHOP.replace("Shop:\n", 'Shop:\n    """It sells."""\n')), "a class has it as a name"


def test_a_decorator_may_read_them():
    decorated = SHOP.replace("    def is_open", "    @command\n    def is_open")
    assert not same(decorated, decorated.replace("hour: int):", "hour: int) -> bool:"))
    plain = SHOP.replace("    def is_open", "    @property\n    def is_open")
    assert same(plain, plain.replace("hour: int):", "hour: int) -> bool:"), "print(shop.is_open)\n")


def test_a_doctest_is_code():
    tested = SHOP.replace("it is open.", "it is open.\n\n        >>> Shop().is_open(9)\n")
    assert not same(tested, tested.replace("wether", "whether"))


def test_a_name_that_the_module_binds_is_not_the_builtin():
    shadowed = "bool = 3\n" + SHOP
    assert not same(shadowed, shadowed.replace("hour: int):", "hour: int) -> bool:"))


def test_the_rung_gives_the_best_grade(workspace_of, repair_in):
    workspace = workspace_of({"shop.py": SHOP, "test_shop.py": "import shop\n"})
    repair = repair_in(workspace, "shop.py", "hour: int):", "hour: int) -> bool:")
    bench = Bench(workspace, workspace.night.base, [repair])
    equality_rung(bench)
    assert bench.grades[repair.id] == "A"
    reading = workspace_of(
        {"shop.py": SHOP, "test_shop.py": "import shop\nshop.Shop.is_open.__annotations__\n"}
    )
    bench = Bench(reading, reading.night.base, [repair])
    equality_rung(bench)
    assert repair.id not in bench.grades
