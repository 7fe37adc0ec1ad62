"""The documentation agent on a target that has as much to mend as the specification asks for."""

import subprocess

import pytest

from nightmend.nights import open_night
from tasks.documentation_update import DocumentationUpdateAgent

pytestmark = pytest.mark.night

PAGES = 26
MODULE = '''\
"""Readers of one format."""


def read(path, limit):
    """Read the the file.

    :param path: where it is
    :param limits: rows at most
    """
    return path, limit
'''
PAGE = """\
# Page {number}

[Where to start](#start-here), [the guide](shop-guide.md), [the next page](page-{next}.md)

## Where to start

Read the the index first.
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Let the agent loose on a generated repository whose pages moved and lost their links."""
    root = tmp_path_factory.mktemp("docs") / "target"
    files = {f"docs/old/page-{n}.md": PAGE.format(number=n, next=(n + 1) % PAGES) for n in range(PAGES)}
    files |= {
        "docs/shop-guide.md": "# Guide\n",
        "readers.py": MODULE,
        "pyproject.toml": '[project]\nname = "a"\nversion = "1"\n',
    }
    files |= {f"formats/reader_{n}.py": MODULE for n in range(3)}
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=A", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    agent = DocumentationUpdateAgent(open_night(root, home=tmp_path_factory.mktemp("home")))
    agent.initialize_doc_tools()
    return agent.update_all_documentation()


def test_as_many_links_and_words_are_mended_as_the_specification_asks_for(report):
    assert report.broken_links_fixed >= 50
    assert report.consistency_improvements >= 30
    assert report.completeness_score >= 90


def test_what_is_counted_is_what_was_found(report):
    assert report.broken_links == report.broken_links_fixed == 2 * PAGES
    assert report.inconsistencies == report.consistency_improvements == PAGES + 2 * 4
