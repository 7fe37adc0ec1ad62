import pytest

from nightmend.environments.declared import declared_in
from nightmend.environments.names import Chosen
from nightmend.errors import UsageError

PROJECT = '[project]\nname="shop"\n'
POETRY = '[tool.poetry]\nname="shop"\n[tool.poetry.dependencies]\npython="^3.8"\n'
SETUP = "from setuptools import setup\n"
FILES = {
    "pep-621": {"pyproject.toml": PROJECT + 'dependencies=["glass>=2"]\n'},
    "poetry": {"pyproject.toml": POETRY + 'glass="^2"\n'},
    "setup.cfg": {"setup.cfg": "[options]\ninstall_requires =\n  glass>=2  # a comment\n"},
    "setup.py": {"setup.py": SETUP + "NEEDS = ['glass>=2']\nsetup(name='shop', install_requires=NEEDS)"},
    "requirements.txt": {
        "requirements.txt": "glass>=2  # why\n--index-url https://x.invalid\n",
        "setup.py": "",
    },
}


def texts(files, wish=None):
    contents = {path: text.encode() for path, text in files.items()}
    return [one.text for one in declared_in(contents, wish or Chosen()).requirements]


@pytest.mark.parametrize("kind", FILES)
def test_its_own_dependencies_are_found(kind):
    assert texts(FILES[kind]) in (["glass>=2"], ["glass>=2,<3"])


EXTRAS = PROJECT + "[project.optional-dependencies]\n"
GROUPS = "[dependency-groups]\n"
POETRY_GROUP = "[tool.poetry.group.{}.dependencies]\n"
TESTS = {
    "extra": {"pyproject.toml": EXTRAS + 'test=["ruler"]\ndocs=["ink"]\n'},
    "extra-of-extras": {"pyproject.toml": EXTRAS + 'base=["ruler"]\ndev=["shop[base]"]\ndocs=["ink"]\n'},
    "group": {"pyproject.toml": GROUPS + 'dev=[{include-group="unit"}]\nunit=["ruler"]\ndocs=["ink"]\n'},
    "poetry-group": {
        "pyproject.toml": POETRY_GROUP.format("test")
        + 'ruler="*"\n'
        + POETRY_GROUP.format("docs")
        + 'ink="*"\n'
    },
    "poetry-old": {"pyproject.toml": '[tool.poetry.dev-dependencies]\nruler="*"\n'},
    "pdm": {"pyproject.toml": '[tool.pdm.dev-dependencies]\ntest=["ruler"]\ndocs=["ink"]\n'},
    "hatch": {"pyproject.toml": '[tool.hatch.envs.test]\nextra-dependencies=["ruler"]\n'},
    "setup.cfg": {"setup.cfg": "[options.extras_require]\ntesting =\n  ruler\ndocs =\n  ink\n"},
    "setup.py": {"setup.py": SETUP + "setup(extras_require={'tests': ['ruler'], 'docs': ['ink']})"},
    "tests_require": {"setup.py": SETUP + "setup(tests_require=['ruler'])"},
    "file": {"requirements-dev.txt": "ruler\n", "requirements-docs.txt": "ink\n"},
    "file-first": {"test_requirements.txt": "ruler\n"},
    "folder": {
        "requirements/tests.txt": "-r ../more.txt\n",
        "more.txt": "ruler\n",
        "requirements/docs.txt": "ink\n",
    },
    "in-and-txt": {"requirements-test.in": "ruler\n", "requirements-test.txt": "ruler==1\nsand==2\n"},
    "tox": {
        "tox.ini": "[testenv]\ndeps =\n  ruler\n  dj42: django\n  {[base]deps}\n[testenv:docs]\ndeps = ink\n"
    },
    "tox-file": {"tox.ini": "[testenv]\ndeps = -rneeds.txt\n", "needs.txt": "ruler\n"},
    "tox-extra": {
        "tox.ini": "[testenv]\nextras = fast\n",
        "setup.cfg": "[options.extras_require]\nfast = ruler\n",
    },
    "tox-toml": {"pyproject.toml": '[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ndeps = ruler\n"""\n'},
}


@pytest.mark.parametrize("kind", TESTS)
def test_what_its_tests_need_is_found_and_what_its_documents_need_is_not(kind):
    assert texts(TESTS[kind]) == ["ruler"]


def test_compiled_requirements_and_locks_are_pins():
    files = {name: text.encode() for name, text in TESTS["in-and-txt"].items()}
    lock = '[[package]]\nname = "glass"\nversion = "2.1"\n[[package]]\nname = "fork"\nversion = "1"\n'
    lock += '[[package]]\nname = "fork"\nversion = "2"\n'
    found = declared_in({**files, "poetry.lock": lock.encode()}, Chosen())
    assert found.pins == ("glass==2.1", "ruler==1", "sand==2")


def test_a_constraint_file_only_narrows():
    files = {"requirements-test.txt": b"ruler\n-c bounds.txt\n", "bounds.txt": b"ruler<3\nsand<2\n"}
    found = declared_in(files, Chosen())
    assert [one.text for one in found.requirements] == ["ruler"]
    assert found.constraints == ("ruler<3", "sand<2")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("glass @ git+https://x.invalid/glass", "address or a folder"),
        ("./vendored/glass", "address or a folder"),
        ("-e ../glass", "address or a folder"),
        ("glass >>> 2", "no requirement"),
    ],
)
def test_what_no_index_has_is_told_as_missing(text, why):
    found = declared_in({"requirements-test.txt": text.encode()}, Chosen())
    assert found.requirements == ()
    assert why in found.missing[0].why
    assert found.missing[0].path == "requirements-test.txt"


def test_a_list_that_a_script_computes_is_told_as_missing():
    files = {"setup.py": b"from setuptools import setup\nsetup(name='shop', install_requires=read())"}
    [missing] = declared_in(files, Chosen()).missing
    assert "only running it would tell" in missing.why


@pytest.mark.parametrize("text", [".", "./", ".[extra]", "-e .", "shop", "Shop[extra]"])
def test_the_target_itself_is_nothing_to_install(text):
    files = {"pyproject.toml": '[project]\nname="shop"\n', "requirements-test.txt": text}
    assert texts(files) == []


def test_the_target_may_choose_its_extras_and_groups():
    declared = (
        PROJECT + 'dependencies=["glass"]\n[project.optional-dependencies]\nfast=["speed"]\ntest=["ruler"]\n'
    )
    both = {
        "pyproject.toml": declared + GROUPS + 'lint=["brush"]\ndev=["all"]\n',
        "requirements-test.txt": "more\n",
    }
    assert texts(both, Chosen(extras=("fast",), groups=("lint",))) == ["glass", "speed", "brush"]
    assert texts(both, Chosen(groups=())) == ["glass", "ruler"]
    with pytest.raises(UsageError, match=r"the extras `slow`.*it has fast, test"):
        texts(both, Chosen(extras=("slow",)))


@pytest.mark.parametrize(
    "broken",
    [
        {"pyproject.toml": "[project\n"},
        {"setup.py": "def f(:\n"},
        {"setup.cfg": "no section"},
        {"poetry.lock": "{"},
        {
            "pyproject.toml": "[project]\ndependencies = 3\n"
            "optional-dependencies = [1]\n[dependency-groups]\ntest='x'\n"
        },
        {"requirements-test.txt": "-r requirements-test.txt\n"},
        {"tox.ini": "[testenv]\ndeps\n"},
    ],
)
def test_broken_files_declare_nothing(broken):
    assert texts(broken) == []


def test_commands_and_plugins_are_known():
    files = {
        "pyproject.toml": b'[project]\nname="shop"\nversion="1.5"\n[project.scripts]\nsell="shop:sell"\n'
        b'[project.entry-points.pytest11]\nshop="shop.plugin"\n'
    }
    found = declared_in(files, Chosen())
    assert found.entry_points == {
        "console_scripts": {"sell": "shop:sell"},
        "pytest11": {"shop": "shop.plugin"},
    }
    assert (found.name, found.version) == ("shop", "1.5")
    scripted = declared_in(
        {"setup.py": b"setup(name='shop', entry_points={'console_scripts': ['a = b:c']})"}, Chosen()
    )
    assert scripted.entry_points == {"console_scripts": {"a": "b:c"}}


@pytest.mark.parametrize(
    ("files", "built_by"),
    [
        ({"shop/fast.pyx": ""}, ("hatchling",)),
        ({"shop/fast.c": ""}, ("hatchling",)),
        ({"tests/data/x.c": ""}, ()),
        ({"_vendor/x.c": ""}, ()),
        ({"shop/fast.py": ""}, ()),
    ],
)
def test_a_target_with_modules_to_compile_must_be_built(files, built_by):
    contents = {"pyproject.toml": b'[build-system]\nrequires=["hatchling"]\n'}
    assert declared_in(contents, Chosen(), {"pyproject.toml", *files}).built_by == built_by


@pytest.mark.parametrize(
    "table",
    [
        '[tool.setuptools_scm]\nwrite_to = "shop/_version.py"\n',
        '[tool.hatch.build.hooks.vcs]\nversion-file = "shop/_version.py"\n',
        '[tool.pdm.version]\nwrite_to = "shop/_version.py"\n',
    ],
)
def test_a_module_that_only_a_build_writes_asks_for_one(table):
    contents = {"pyproject.toml": table.encode()}
    there = {"pyproject.toml", "shop/_version.py"}
    assert declared_in(contents, Chosen(), {"pyproject.toml"}).built_by == ("setuptools", "wheel")
    assert declared_in(contents, Chosen(), there).built_by == ()
