import pytest

from nightmend.configured.files import parse_files
from nightmend.configured.mypy import MypySelection, mypy_selection

TRAPS = (
    "plugins = evil.py\npython_executable = evil\ncustom_typeshed_dir = evil\ncache_dir = here\n"
    "junit_xml = here\nhtml_report = here\nquickstart_file = here\nwarn_unused_ignores = true\n"
)


def selection(path: str, text: str) -> MypySelection | None:
    return mypy_selection(parse_files({path: text.encode()}))


def test_options_that_run_code_write_or_need_the_dependencies_never_pass():
    chosen = selection("mypy.ini", f"[mypy]\n{TRAPS}strict = true\n[mypy-a.*]\n{TRAPS}ignore_errors = yes\n")
    assert chosen is not None
    assert chosen.options == {"strict": "true"}
    assert chosen.overrides == ((("a.*",), {"ignore_errors": "yes"}),)


def test_the_first_file_that_mypy_itself_would_read_counts():
    files = {"setup.cfg": b"[mypy]\nstrict = no\n", "pyproject.toml": b"[tool.mypy]\nstrict = true\n"}
    chosen = mypy_selection(parse_files(files))
    assert chosen is not None
    assert (chosen.path, chosen.options) == ("pyproject.toml", {"strict": True})
    assert selection("pyproject.toml", "[tool.ruff]\n") is None


@pytest.mark.parametrize(
    ("text", "chosen", "left"),
    [
        ("files = src, tools/*.py", ("src/a.py", "tools/b.py"), ("tests/a.py", "srcs/a.py")),
        ("packages = pkg.sub", ("pkg/sub/a.py", "src/pkg/sub/a.py"), ("pkg/a.py",)),
        ("modules = pkg.one", ("pkg/one.py",), ("pkg/two.py",)),
        ("files = .", ("a.py", "tests/b.py"), ()),
        ("files = ./src/", ("src/a.py",), ("a.py",)),
        ("strict = true", ("a.py",), ()),
    ],
)
def test_files_packages_and_modules_say_what_is_checked(text, chosen, left):
    found = selection("mypy.ini", f"[mypy]\n{text}\n")
    assert found is not None
    assert all(map(found.chooses, chosen))
    assert not any(map(found.chooses, left))


def test_folders_of_imports_and_the_python_are_read():
    found = selection(
        "setup.cfg", "[mypy]\nmypy_path = $MYPY_CONFIG_FILE_DIR/src:stubs\npython_version = 3.9\n"
    )
    assert found is not None
    assert (found.roots, found.python) == (("src", "stubs"), (3, 9))
