"""What a person told a linter to leave alone, our patterns leave alone too."""

import pytest

from nightmend.patterns.loader import load_patterns
from nightmend.patterns.propose import find_faults
from nightmend.patterns.source import Module

PATTERN = load_patterns()["raise-without-cause"]
SOURCE = """\
# {file}
def f():
    # {block}
    try:
        f()
    except OSError:
        # {own}
        # {next}
        raise ValueError(
            1  # {inside}
        )  # {line}
"""


def faults(place: str, comment: str) -> int:
    places = dict.fromkeys(("file", "block", "own", "next", "inside", "line"), "nothing") | {place: comment}
    module = Module.parse("example.py", SOURCE.format(**places).encode())
    assert module is not None
    return len(find_faults(module, [PATTERN]))


@pytest.mark.parametrize(
    ("place", "comment"),
    [
        ("line", "noqa"),
        ("inside", "noqa: B904"),
        ("line", "NOQA:E501,B904"),
        ("line", "noqa: B9"),
        ("line", "type: ignore  # noqa : B904"),
        ("line", "nosec"),
        ("line", "pylint: disable=raise-missing-from"),
        ("inside", "pylint: disable=C0301,W0707"),
        ("own", "pylint: disable=W0707"),
        ("block", "pylint: disable=W0707"),
        ("file", "pylint: disable=W0707"),
        ("file", "pylint: skip-file"),
        ("next", "pylint: disable-next=W0707"),
        ("file", "ruff: noqa"),
        ("file", "ruff: noqa: B904"),
        ("file", "flake8: noqa"),
    ],
)
def test_a_comment_silences_its_place(place: str, comment: str) -> None:
    assert faults(place, comment) == 0


@pytest.mark.parametrize(
    ("place", "comment"),
    [
        ("line", "noqa: E501"),
        ("line", "nosec B101"),
        ("own", "noqa"),
        ("file", "noqa"),
        ("line", "pylint: disable=line-too-long"),
        ("own", "pylint: disable-next=W0707"),
        ("own", "pylint: enable=W0707"),
        ("file", "ruff: noqa: F401"),
    ],
)
def test_a_comment_for_something_else_silences_nothing(place: str, comment: str) -> None:
    assert faults(place, comment) == 1


def test_pylint_takes_up_again_where_it_is_told_to() -> None:
    both = "pylint: disable=W0707\n    # pylint: enable=W0707"
    assert faults("block", both) == 1


def test_a_block_ends_with_its_indentation() -> None:
    source = SOURCE.format(file="", block="", own="", next="", inside="", line="")
    before = "def g():\n    # pylint: disable=W0707\n    pass\n"
    module = Module.parse("example.py", (before + source).encode())
    assert module is not None
    assert len(find_faults(module, [PATTERN])) == 1
