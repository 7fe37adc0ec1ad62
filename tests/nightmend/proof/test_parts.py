"""Tests in parts that may run at once: of about the same time, with files whole, and everybody in one."""

from hypothesis import given
from hypothesis import strategies as st

from nightmend.proof.parts import PART_SECONDS, PARTS, file_of, parts_of
from nightmend.proof.records import SuiteRun


def suite(seconds, files=4, tests=3):
    """A run of a suite in which each test took the same."""
    names = [f"test_{file}.py::test_{number}" for file in range(files) for number in range(tests)]
    each = seconds / len(names)
    return SuiteRun(
        outcomes=dict.fromkeys(names, "passed"),
        call_seconds=dict.fromkeys(names, each / 2),
        seconds=seconds,
        usable=True,
    )


def test_a_short_suite_is_one_part():
    run = suite(2 * PART_SECONDS - 1)
    assert parts_of(run, set(run.outcomes)) == [list(run.outcomes)]


def test_a_long_one_falls_into_parts_of_the_same_time():
    run = suite(100 * PART_SECONDS)
    parts = parts_of(run, set(run.outcomes))
    assert [len(part) for part in parts] == [3] * PARTS


def test_one_file_is_one_part_however_long_it_takes():
    run = suite(100 * PART_SECONDS, files=1)
    assert len(parts_of(run, set(run.outcomes))) == 1


def test_few_tests_of_a_long_suite_are_one_part():
    run = suite(100, files=50)
    assert len(parts_of(run, set(list(run.outcomes)[:4]))) == 1


@given(st.floats(0, 1000, allow_nan=False), st.integers(1, 9), st.integers(1, 4), st.sets(st.integers(0, 35)))
def test_everybody_is_in_one_part_with_the_tests_of_the_same_file(seconds, files, tests, numbers):
    run = suite(seconds, files, tests)
    asked = {name for at, name in enumerate(run.outcomes) if at in numbers}
    parts = parts_of(run, asked)
    assert [test for part in parts for test in part] == [test for test in run.outcomes if test in asked]
    holders = [{file_of(test) for test in part} for part in parts]
    assert sum(map(len, holders)) == len(set().union(*holders))
    assert len(parts) <= PARTS
