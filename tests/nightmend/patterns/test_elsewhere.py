"""A name that is unused in its own file may be meant for another one."""

import pytest

from nightmend.patterns.elsewhere import is_taken, names_taken


@pytest.mark.parametrize(
    "source",
    [
        b"from pipeline.readers import parse",
        b"from .readers import (\n    other,  # a comment\n    parse as p,\n)",
        b"from pipeline.readers import *",
        b"import pipeline.readers\npipeline.readers.parse()",
        b"patch('pipeline.readers.parse')",
    ],
)
def test_a_name_that_another_file_takes_is_known(source: bytes) -> None:
    assert is_taken("pipeline/readers.py", "parse", names_taken([b"import os", source]))


@pytest.mark.parametrize("source", [b"from pipeline.writers import parse", b"from readers import x as parse"])
def test_a_name_of_another_module_is_not_taken(source: bytes) -> None:
    assert not is_taken("pipeline/readers.py", "parse", names_taken([source]))


def test_what_no_person_wrote_is_read_in_one_pass() -> None:
    taken = names_taken([b"x" * 2_000_000, b"from a import (" * 100_000])
    assert taken == {"a.from", "a.a", "a.import"}
