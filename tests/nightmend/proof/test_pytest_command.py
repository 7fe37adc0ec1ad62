"""What a target may say of how its tests run, and what is refused by name."""

import pytest

from nightmend.errors import UsageError
from nightmend.proof.pytest_command import PytestCommand, pytest_command

FILES = ("tests/test_a.py", "tests/slow/test_b.py", "pkg/a.py")


@pytest.mark.parametrize(
    ("command", "options", "paths"),
    [
        ("pytest", [], []),
        ("python -m pytest", [], []),
        (["py.test", "tests"], [], ["tests"]),
        ("pytest tests/ ./pkg", [], ["tests", "pkg"]),
        ("pytest tests/test_a.py::test_x -m 'not slow'", ["-m", "not slow"], ["tests/test_a.py"]),
        ("pytest -k 'a or b' --ignore tests/slow", ["-k", "a or b", "--ignore", "tests/slow"], []),
        ("pytest --import-mode=importlib -p no:cacheprovider tests",
         ["--import-mode=importlib", "-p", "no:cacheprovider"], ["tests"]),
        ("pytest -xvs -n auto --cov pkg --cov-report=xml --maxfail 3 tests", ["-v", "-s"], ["tests"]),
        ("pytest -n4 -p xdist --randomly-seed=1", [], []),
    ],
)  # fmt: skip
def test_options_and_paths_are_taken_and_what_makes_no_difference_is_left_out(command, options, paths):
    assert pytest_command(command, FILES) == PytestCommand(options=tuple(options), paths=tuple(paths))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("make test", ("make", "test")),
        ("python -m unittest", ("python", "-m", "unittest")),
        (["tests/run.sh", "a b"], ("tests/run.sh", "a b")),
    ],
)
def test_another_command_is_kept_as_it_is(command, words):
    assert pytest_command(command, FILES) == PytestCommand(other=words)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("make test && rm x", "has `&&`, which only a shell understands"),
        ("make $TESTS", r"has `\$TESTS`"),
        ("CI=1 pytest", "begins with `CI=1`"),
        ("coverage run -m pytest", "begins with `coverage`"),
        ("/usr/bin/pytest", "begins with `/usr/bin/pytest`"),
        ("", "is empty"),
        ([], "is empty"),
        ("pytest 'tests", "cannot be split"),
        ("pytest tests && rm x", "names `&&`"),
        ("pytest > out", "names `>`"),
        ("pytest -- tests", "has `--`"),
        ("pytest tets", "names `tets`"),
        ("pytest /etc", "names `/etc`"),
        ("pytest ../other", r"names `\.\./other`"),
        ("pytest --unknown value", "names `value`, .* by `=`"),
        ("pytest --lf", "has `--lf`"),
        ("pytest --collect-only", "has `--collect-only`"),
        ("pytest -c other.ini", "has `-c`"),
        ("pytest --rootdir=/", "has `--rootdir`"),
        ("pytest --pdb", "has `--pdb`"),
        ("pytest -o addopts=-x", "has `-o`"),
    ],
)
def test_the_rest_is_refused_by_name(command, says):
    with pytest.raises(UsageError, match=says) as refused:
        pytest_command(command, FILES)
    assert "write `pytest` or `python -m pytest`" in str(refused.value)
    assert "\n" not in str(refused.value)
