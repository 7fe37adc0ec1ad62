import pytest

from nightmend.proof.plan import unknown_options
from nightmend.proof.pytest_config import pytest_config, split_options
from nightmend.sandboxes.protocol import CommandResult

INI = "[pytest]\naddopts = --from-ini\n"
FILES = {
    "pytest.toml": '[pytest]\naddopts = ["--from-toml"]\n',
    "pytest.ini": INI,
    ".pytest.ini": INI.replace("ini", "hidden"),
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--from-pyproject"\n',
    "tox.ini": INI.replace("ini", "tox"),
    "setup.cfg": "[tool:pytest]\naddopts = --from-cfg\n",
}
OLD, NEW = (8, 3), (9, 0)


def read(files: dict[str, str], version: tuple[int, ...]) -> tuple[str | None, tuple[str, ...]]:
    config = pytest_config(lambda path: files[path].encode() if path in files else None, version)
    return config.file, config.addopts


def test_the_first_file_in_pytests_own_order_counts() -> None:
    files = dict(FILES)
    seen = []
    while files:
        file, addopts = read(files, NEW)
        assert file is not None
        seen.append(addopts[0].removeprefix("--from-"))
        del files[file]
    assert seen == ["toml", "ini", "hidden", "pyproject", "tox", "cfg"]
    assert read(FILES, OLD)[0] == "pytest.ini"


@pytest.mark.parametrize(
    ("files", "version", "expected"),
    [
        ({"pytest.ini": "", "pyproject.toml": FILES["pyproject.toml"]}, OLD, ("pytest.ini", ())),
        ({"tox.ini": "[tox]\n", "setup.cfg": FILES["setup.cfg"]}, OLD, ("setup.cfg", ("--from-cfg",))),
        ({"pyproject.toml": '[tool.pytest]\naddopts = ["-q"]\n'}, NEW, ("pyproject.toml", ("-q",))),
        ({"pyproject.toml": '[tool.pytest]\naddopts = ["-q"]\n'}, OLD, (None, ())),
        ({"pyproject.toml": "[tool.ruff]\n"}, NEW, (None, ())),
        ({"pyproject.toml": "not toml ["}, NEW, (None, ())),
        ({"setup.cfg": "not ini"}, NEW, (None, ())),
        ({"pytest.ini": "[pytest]\naddopts = -m 'a b'\n  -ra\n"}, OLD, ("pytest.ini", ("-m", "a b", "-ra"))),
        ({"tox.ini": "[pytest]\naddopts = 'open\n"}, OLD, ("tox.ini", ())),
    ],
    ids=["empty", "no section", "native", "too new", "other tool", "bad toml", "bad ini", "words", "quote"],
)  # fmt: skip
def test_files_that_say_nothing_are_passed_over(
    files: dict[str, str], version: tuple[int, ...], expected: tuple[str | None, tuple[str, ...]]
) -> None:
    assert read(files, version) == expected


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ("-xvs", "-v -s"),
        ("-n 4 -q", "-q"),
        ("-n4 --dist=loadscope --dist load tests", "tests"),
        ("--cov --cov-report term -ra", "-ra"),
        ("--cov pkg --cov=other --no-cov-on-fail docs", "docs"),
        ("-vn auto -rA", "-v -rA"),
        ("-k x -m unit -p no:doctest -p xdist -o a=1", "-k x -m unit -p no:doctest -o a=1"),
        ("--maxfail 3 --lf --sw --pdb --strict-markers", "--strict-markers"),
        ("--import-mode=importlib --tb=short", "--import-mode=importlib --tb=short"),
    ],
)  # fmt: skip
def test_only_what_spoils_a_measured_run_is_dropped(options: str, kept: str) -> None:
    assert " ".join(split_options(options.split())[0]) == kept


def test_a_dropped_option_takes_its_value_along() -> None:
    assert split_options(["--maxfail", "3", "-q"]) == (["-q"], ["--maxfail", "3"])


def test_options_that_pytest_refuses_are_found_with_their_values() -> None:
    said = b'error: unrecognized arguments: --timeout --reruns=3\nError importing plugin "gone": No module\n'
    result = CommandResult(
        return_code=4, stdout=b"", stderr=said, wall_seconds=0, cpu_seconds=0, peak_memory=None, limit=None,
        truncated=False,
    )  # fmt: skip
    addopts = ["--timeout", "60", "-q", "--reruns=3", "tests", "-p", "gone", "-p", "here"]
    assert sorted(unknown_options(result, addopts)) == [0, 1, 3, 5, 6]
