import pytest

from nightmend.configured.files import parse_files
from nightmend.configured.pylint import PylintSelection, pylint_selection

TRAPS = (
    "init-hook=import os\nload-plugins=evil\noutput-format=evil.Reporter\njobs=0\n"
    "unsafe-load-any-extension=yes\n"
)


def selection(path: str, text: str) -> PylintSelection | None:
    return pylint_selection(parse_files({path: text.encode()}))


def test_options_that_import_write_or_fork_never_pass():
    chosen = selection(".pylintrc", f"[MAIN]\n{TRAPS}extension-pkg-allow-list=evil\nmax-line-length=90\n")
    assert chosen is not None
    assert chosen.options == {"max-line-length": "90"}


def test_only_plugins_that_pylint_brings_along_pass():
    plugins = (
        "pylint.extensions.mccabe,evil,pylint.extensions.evil.more,pylint.extensions/x,xpylint.extensions.a"
    )
    chosen = selection(".pylintrc", f"[MAIN]\nload-plugins={plugins}\n")
    assert chosen is not None
    assert chosen.plugins == ("pylint.extensions.mccabe",)


def test_switches_are_read_from_every_kind_of_file():
    texts = {
        ".pylintrc": "[MESSAGES CONTROL]\ndisable=all\nenable=W0611,\n    bare-except\n",
        "pyproject.toml": '[tool.pylint."messages control"]\ndisable = ["all"]\n'
        'enable = ["W0611", "bare-except"]\n',
        "setup.cfg": "[pylint.messages_control]\ndisable=all\nenable=W0611,bare-except\n",
        "pylintrc.toml": '[tool.pylint.main]\ndisable = "all"\nenable = "W0611,bare-except"\n',
    }
    for path, text in texts.items():
        chosen = selection(path, text)
        assert chosen is not None, path
        assert (chosen.disable, chosen.enable) == (("all",), ("W0611", "bare-except")), path


def test_values_become_what_the_command_line_takes():
    chosen = selection(
        "pyproject.toml", '[tool.pylint.main]\ngood_names = ["i", "_"]\nallow-wildcard-with-all = true\n'
    )
    assert chosen is not None
    assert chosen.options == {"allow-wildcard-with-all": "yes", "good-names": "i,_"}


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (".pylintrc", "[FORMAT]\nindent-string='    '\n", "'    '"),
        ("pyproject.toml", '[tool.pylint.format]\nindent-string = "    "\n', "    "),
        (".pylintrc", "[BASIC]\ngood-names=i,\n    j\n", "i, j"),
    ],
)
def test_blanks_stay_and_lines_are_joined(path, text, told):
    chosen = selection(path, text)
    assert chosen is not None
    assert [*chosen.options.values()] == [told]


def test_a_target_without_a_word_on_pylint_has_no_selection():
    assert selection("setup.cfg", "[metadata]\nname = x\n") is None
    assert selection("pyproject.toml", "[tool.ruff]\n") is None
