import pytest

from nightmend.targets.config import TargetConfig, target_config


def read(workspace_of, files) -> TargetConfig:
    workspace = workspace_of(files)
    return target_config(workspace.store, workspace.night.base)


def test_a_target_that_configures_nothing_enables_nothing(workspace_of):
    config = read(workspace_of, {"a.py": "x = 1\n"})
    assert config == TargetConfig()
    assert config.max_line_length == 79


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, 100),
        ({"pyproject.toml": "[tool.ruff.lint]\nselect = ['F']\n"}, 88),
        ({"ruff.toml": "line-length = 100\n[lint.pycodestyle]\nmax-line-length = 110\n"}, 110),
        (
            {
                "pyproject.toml": "[tool.black]\nline-length = 90\n",
                ".flake8": "[flake8]\nmax-line-length = 95\n",
            },
            95,
        ),
        ({"pyproject.toml": "[tool.black]\n"}, 88),
        ({"setup.cfg": "[pycodestyle]\nmax-line-length = 81\n[flake8]\nmax-line-length = 82\n"}, 81),
        ({".pylintrc": "[FORMAT]\nmax-line-length=120\n"}, 120),
        ({"sub/ruff.toml": "line-length = 100\n"}, 79),
    ],
)
def test_the_line_length_is_the_targets_own(workspace_of, files, length):
    assert read(workspace_of, files).max_line_length == length


def test_broken_files_are_reported_and_the_rest_counts(workspace_of):
    config = read(
        workspace_of, {"pyproject.toml": "[tool.ruff\n", ".flake8": "[flake8]\n", "tests/pyproject.toml": "["}
    )
    assert [finding.path for finding in config.broken] == ["pyproject.toml"]
    assert config.flake8 is not None
    assert config.ruff == ()


def test_formatter_convention_and_pythons_are_told(workspace_of):
    config = read(
        workspace_of,
        {
            "pyproject.toml": "[project]\nrequires-python = '>=3.10'\n[tool.ruff.format]\n"
            "[tool.ruff.lint.pydocstyle]\nconvention = 'google'\n"
        },
    )
    assert (config.formatter, config.docstring_convention) == ("ruff", "google")
    assert (config.requires_python, config.python_floor) == (">=3.10", (3, 10))
