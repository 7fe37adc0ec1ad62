"""The small readers: poetry's versions, `requires-python`, the wheel that stands for the target."""

import io
import zipfile

import pytest

from nightmend.environments.declared import Declaration, Missing
from nightmend.environments.environment import Environment
from nightmend.environments.interpreter import Interpreter
from nightmend.environments.own_wheel import own_wheel, version_in
from nightmend.environments.poetry import poetry_requirements, specifier
from nightmend.environments.pythons import admits


@pytest.mark.parametrize(
    ("poetry", "pep440"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^1", ">=1,<2"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("1.4", "==1.4"),
        ("*", ""),
        (">=1,<2", ">=1,<2"),
        (">=1 <2", ">=1,<2"),
        ("~=1.4", "~=1.4"),
        ("^2.7 || ^3.6", ">=3.6,<4"),
        ("1.*", "==1.*"),
    ],
)
def test_versions_of_poetry(poetry, pep440):
    assert specifier(poetry) == pep440


def test_details_of_poetry():
    table = {
        "python": "^3.8",
        "glass": {"version": "^2", "extras": ["blue"], "markers": "python_version > '3'"},
        "cup": {"version": "*", "optional": True},
        "plate": {"git": "https://x.invalid/plate"},
        "fork": [{"version": "^1"}, {"version": "^2"}],
    }
    assert list(poetry_requirements(table)) == [
        "glass[blue]>=2,<3 ; python_version > '3'",
        "plate @ https://x.invalid/plate",
        "fork>=1,<2",
        "fork>=2,<3",
    ]


@pytest.mark.parametrize(
    ("declared", "version", "admitted"),
    [
        (">=3.8", (3, 11), True),
        (">=3.12", (3, 11), False),
        ("<3.11", (3, 11), False),
        (">=3.11.4", (3, 11), True),
        ("==3.11.*", (3, 11), True),
        ("^3.8", (3, 11), True),
        ("^3.12", (3, 11), False),
        ("^2.7 || ^3.6", (3, 11), True),
        (None, (3, 11), True),
        ("nonsense", (3, 11), True),
        (">=2.7, !=3.0.*", (3, 11), True),
    ],
)
def test_which_pythons_a_declaration_admits(declared, version, admitted):
    assert admits(declared, version) is admitted


def test_the_wheel_of_the_target_names_every_file_that_it_holds():
    declared = Declaration(name="My-Shop", entry_points={"console_scripts": {"sell": "shop:sell"}})
    name, content, *_ = own_wheel(declared, "1.0", ["/srv/shop/src"])
    assert name == "my_shop-1.0-py3-none-any.whl"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        record = archive.read("my_shop-1.0.dist-info/RECORD").decode()
        assert sorted(line.split(",")[0] for line in record.splitlines()) == sorted(archive.namelist())
        assert archive.read("__editable__.my_shop-1.0.pth") == b"/srv/shop/src\n"
    assert own_wheel(declared, "1.0", ["/srv/shop/src"]).content == content


@pytest.mark.parametrize(
    ("source", "version"),
    [
        (b'__version__ = "1.2"\n', "1.2"),
        (b"VERSION: str = '3'\n", "3"),
        (b"version = (1, 2)\n", "0"),
        (b"", "0"),
    ],
)
def test_a_version_is_read_from_the_sources(source, version):
    assert version_in([source]) == version


def test_what_could_not_be_had_is_found_where_it_is_asked_for():
    missing = (
        Missing(requirement="glass>=2", path="pyproject.toml", why="nobody has it"),
        Missing(requirement="sand==1", path="", why="its index is gone"),
    )
    contents = {"pyproject.toml": b'[project]\ndependencies = [\n  "cup",\n  "glass>=2",\n]\n'}
    [finding] = Environment(missing=missing).findings(contents)
    assert (finding.rule, finding.path, finding.line) == ("missing-dependency", "pyproject.toml", 4)
    assert finding.message == "the dependency glass>=2 could not be had: nobody has it"


def test_the_python_of_an_environment_is_described_and_never_asked(tmp_path):
    base = Interpreter(
        executable="/usr/bin/python3", prefix="/usr", base_prefix="/usr", version=(3, 11), binds=()
    )
    assert Environment(base=base).interpreter is None
    built = Environment(prefix=str(tmp_path), base=base).interpreter
    assert built is not None
    assert (built.executable, built.version) == (f"{tmp_path}/bin/python", (3, 11))
    assert [bind.inside for bind in built.binds] == [str(tmp_path)]
