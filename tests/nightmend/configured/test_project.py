import pytest

from nightmend.configured.files import parse_files
from nightmend.configured.project import black_line_length, formatter, python_floor, requires_python


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", '[project]\nrequires-python = ">=3.9"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = ">=3.9"\n'),
        ("setup.cfg", "[options]\npython_requires = >=3.9\n"),
    ],
)
def test_the_declared_pythons_are_found_wherever_they_stand(path: str, text: str):
    assert requires_python(parse_files({path: text.encode()}), None) == ">=3.9"


def test_setup_py_is_read_and_never_run():
    setup = b"open('/nonexistent/mark', 'w')\nfrom setuptools import setup\nsetup(python_requires='>=3.8')\n"
    assert requires_python(parse_files({}), setup) == ">=3.8"
    assert requires_python(parse_files({}), b"setup(") is None
    assert requires_python(parse_files({}), b"setup(python_requires=compute())") is None


@pytest.mark.parametrize(
    ("declared", "floor"),
    [
        (">=3.9", (3, 9)),
        ("^3.10", (3, 10)),
        ("~=3.11.2", (3, 11)),
        (">3.7", (3, 8)),
        ("==3.12.*", (3, 12)),
        (">=2.7, !=3.0.*, !=3.1.*", (2, 7)),
        (">=2.7, >=3.6", (3, 6)),
        ("^2.7 || ^3.6", (2, 7)),
        ("^3.9 || ^3.8", (3, 8)),
        (">=3.8,<4", (3, 8)),
        ("", None),
        (None, None),
    ],
)
def test_the_floor_is_the_least_python_that_is_admitted(declared: str | None, floor: tuple[int, int] | None):
    assert python_floor(declared) == floor


LISTED = [f"Programming Language :: Python{version}" for version in ("", " :: 3", " :: 2.7", " :: 3.10")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", f"[project]\nclassifiers = {LISTED}\n"),
        ("setup.cfg", "[metadata]\nclassifiers =\n  " + "\n  ".join(LISTED)),
        ("setup.py", f"setup(classifiers={LISTED})"),
        ("setup.py", f"LISTED = {chr(10).join(LISTED)!r}\nsetup(classifiers=LISTED.splitlines())"),
    ],
)
def test_versions_listed_for_the_index_declare_the_least_of_them(path: str, text: str):
    setup = text.encode() if path == "setup.py" else None
    declared = requires_python(parse_files({} if setup else {path: text.encode()}), setup)
    assert (declared, python_floor(declared)) == (">=2.7", (2, 7))


def test_what_is_required_outweighs_what_is_listed():
    text = f"[project]\nrequires-python = '>=3.9'\nclassifiers = {LISTED}\n"
    assert requires_python(parse_files({"pyproject.toml": text.encode()}), None) == ">=3.9"


def test_a_formatter_is_one_that_the_target_configures():
    black = parse_files({"pyproject.toml": b"[tool.black]\n"})
    assert formatter(black, False) == "black"
    assert formatter(black, True) == "ruff"
    assert formatter(parse_files({}), False) is None
    assert black_line_length(black) == 88
    assert black_line_length(parse_files({"pyproject.toml": b"[tool.black]\nline-length = 100\n"})) == 100
    assert black_line_length(parse_files({})) is None
