"""Documents on their way through a night: found, mended from history, looked at again."""

import re
import subprocess
from pathlib import Path

import pytest

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.patterns.loader import load_patterns
from nightmend.repairs.proposing import propose_all
from nightmend.repairs.recheck import Variant, recheck
from nightmend.repairs.repair import apply_repairs

FAULT = "broken-relative-link"
GUIDE = (
    "# Guide\n\nThe [code](../app.py), [again](../app.py), the [plan](plan.md) and [what is gone](gone.md).\n"
)
FILES = {
    "app.py": "X = 1\n",
    "docs/guide.md": GUIDE,
    "docs/plan.md": "# Plan\n",
    "vendor/x/README.md": "[x](gone.md)\n",
    "docs/generated.md": "<!-- @generated -->\n[x](gone.md)\n",
    "docs/tests/case.md": "[x](gone.md)\n",
    "docs/link.md": "[x](current/plan.md)\n",
}


@pytest.fixture
def workspace(workspace_of):
    """A repository whose guide moved down a folder, and whose plan got another name."""
    first = workspace_of(FILES)
    root = Path(first.night.target)
    (root / "docs/user").mkdir()
    (root / "docs/current").symlink_to("user")
    commands = ("mv docs/guide.md docs/user/guide.md", "mv docs/plan.md docs/user/outlook.md", "add --all")
    for command in (
        *map(str.split, commands),
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "2"],
    ):
        subprocess.run(["git", "-C", root, *command], check=True)
    commit = first.target.head()
    night = first.night.model_copy(update={"base_commit": commit, "base": first.store.snapshot(commit)})
    return type(first)(night)


@pytest.fixture
def issues(workspace):
    found = diagnose(workspace, workspace.night.base, deep=False).issues
    return [issue for issue in found if issue.fault == FAULT]


def test_links_are_found_in_what_people_write_and_nowhere_else(issues):
    columns = [match.start(1) + 1 for match in re.finditer(r"\]\((.*?)\)", GUIDE.splitlines()[2])]
    places = [(issue.path, issue.line, issue.column) for issue in issues]
    assert places == [("docs/user/guide.md", 3, column) for column in columns]
    assert {(issue.agent, issue.category, issue.actionable) for issue in issues} == {
        ("documentation_update", "documentation", True)
    }
    assert len({issue.fingerprint for issue in issues}) == 4


def test_history_mends_each_alone_and_all_together(workspace, issues):
    base = workspace.night.base
    repairs = propose_all(workspace, base, issues, load_patterns())
    assert [(len(repair.edits), repair.safety, repair.faults) for repair in repairs] == [
        (1, "safe", (FAULT,))
    ] * 3
    contents = workspace.store.read_many(base, ["docs/user/guide.md"])
    mended = apply_repairs(repairs, contents)["docs/user/guide.md"].decode()
    assert mended == GUIDE.replace("../app.py", "../../app.py").replace("plan.md", "outlook.md")

    variants = [Variant(id="before", path="docs/user/guide.md", content=GUIDE.encode())]
    for repair in repairs:
        content = apply_repairs([repair], contents)["docs/user/guide.md"]
        variants.append(Variant(id=repair.id, path="docs/user/guide.md", content=content))
    counts = recheck(workspace, base, variants)
    assert counts["before"].counts == {FAULT: 4}
    for repair in repairs:
        assert counts[repair.id].counts == {FAULT: 3}
        assert counts[repair.id].more_than(counts["before"]) == ()


def test_code_and_documents_are_looked_at_together(workspace):
    variants = [
        Variant(id="code", path="app.py", content=b"import os\n"),
        Variant(id="page", path="docs/user/guide.md", content=b"[x](nothing.md)\n"),
        Variant(id="more", path="app.py", content=b"X = 1\n"),
    ]
    counts = recheck(workspace, workspace.night.base, variants)
    assert counts["page"].counts == {FAULT: 1}
    assert "unused-import" in counts["code"].counts
    assert FAULT not in counts["code"].counts
    assert counts["page"].undocumented == 0
