import json

import pytest

from nightmend.advisories.dependency import dependencies, dependency_paths

PYPROJECT = b"""\
[project]
dependencies = ["Left_Pad==1.5", "right-pad>=1,<2", "here @ file:///x"]
[project.optional-dependencies]
extra = ["third[a]==3.0; python_version < '4'"]
[dependency-groups]
dev = ["fourth~=4.0", {include-group = "x"}]
[tool.poetry.dependencies]
python = "^3.10"
fifth = "5.0"
sixth = {version = "^6.0"}
"""


def asked(files: dict[str, bytes]) -> dict[str, tuple[str | None, str, int]]:
    return {one.name: (one.version, one.specifier, one.line) for one in dependencies(files)}


def test_pyproject_declares():
    assert asked({"pyproject.toml": PYPROJECT}) == {
        "left-pad": ("1.5", "==1.5", 2),
        "right-pad": (None, "<2,>=1", 2),
        "third": ("3.0", "==3.0", 4),
        "fourth": (None, "~=4.0", 6),
        "fifth": ("5.0", "==5.0", 9),
        "sixth": (None, "", 10),
    }


def test_requirements_and_setup_cfg_declare():
    text = b"# list\na-b==1.0 \\\n    --hash=sha256:00\n-r other.txt\n\nc>=2 # why\nhttps://x/y.zip\n"
    assert asked({"requirements.txt": text}) == {"a-b": ("1.0", "==1.0", 2), "c": (None, ">=2", 6)}
    setup = b"[options]\ninstall_requires =\n    a.b==1.0\n[options.extras_require]\nmore =\n    c==2.*\n"
    assert asked({"setup.cfg": setup}) == {"a-b": ("1.0", "==1.0", 3), "c": (None, "==2.*", 6)}


@pytest.mark.parametrize("lock", ["poetry.lock", "sub/uv.lock", "pdm.lock"])
def test_locks_pin_but_for_what_comes_from_the_tree(lock):
    content = b'[[package]]\nname = "a-b"\nversion = "1.0"\n\n[[package]]\nname = "mine"\nversion = "0.1"\n'
    content += b'[package.source]\neditable = "."\n'
    assert asked({lock: content}) == {"a-b": ("1.0", "", 2)}


def test_a_pipfile_lock_pins():
    lock = {
        "default": {"a_b": {"version": "==1.0"}},
        "develop": {"c": {"version": "==2.0"}, "d": {"path": "."}},
    }
    pins = asked({"Pipfile.lock": json.dumps(lock, indent=1).encode()})
    assert {name: version for name, (version, _, _) in pins.items()} == {"a-b": "1.0", "c": "2.0"}


def test_a_range_gives_way_to_a_lock_and_a_broken_file_says_nothing():
    lock = b'[[package]]\nname = "right-pad"\nversion = "1.7"\n'
    broken = {"pdm.lock": b"[[", "Pipfile.lock": b"[]", "setup.cfg": b"=["}
    found = asked({"pyproject.toml": PYPROJECT, "uv.lock": lock, **broken})
    assert found["right-pad"] == ("1.7", "", 2)
    assert found["left-pad"][0] == "1.5"


def test_files_are_chosen_by_name():
    chosen = (
        "a/uv.lock",
        "docs/requirements.txt",
        "pyproject.toml",
        "requirements-dev.txt",
        "requirements/x.in",
    )
    left = ("a.py", "notes.txt", "sub/pyproject.toml", "requirements.md")
    assert dependency_paths([*left, *chosen]) == sorted(chosen)
