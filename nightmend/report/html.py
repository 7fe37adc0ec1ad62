"""The report as one page: no script, nothing loaded, and nothing of the target that could be markup."""

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from nightmend.files import write_atomically
from nightmend.report import story
from nightmend.report.model import Report, Told
from nightmend.report.pull_request import pull_request
from nightmend.report.text import diff_lines, visible


def write_report(told: Told, folder: Path) -> None:
    """Write the report into a folder: as data, page and pull request, with SARIF and a patch for each repair.

    Patches of an earlier report there are removed.
    """
    pages = {
        "report.json": json.dumps(told.report.model_dump(), indent=2, ensure_ascii=False) + "\n",
        "report.html": render(told.report, told.diffs, folder),
        "pull-request.md": pull_request(told.report),
        **told.sarif,
    }
    for name, text in pages.items():
        write_atomically(folder / name, text.encode(errors="replace"), 0o644)
    _write_patches(told.patches, folder / "patches")


def _write_patches(patches: Mapping[str, str], folder: Path) -> None:
    for old in folder.glob(f"{'[0-9a-f]' * 12}.patch"):
        old.unlink()
    if patches:
        folder.mkdir(exist_ok=True)
    for repair, patch in patches.items():
        (folder / f"{repair}.patch").write_bytes(patch.encode(errors="surrogateescape"))


def render(report: Report, diffs: Mapping[str, str], folder: Path = Path()) -> str:
    """Return the page of a report that stands in a folder."""
    agents = list(dict.fromkeys(repair.agent for repair in report.repairs))
    style = _resource("page.css") + _filters(len(agents))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            name=Path(report.target).name or report.target,
            themes=story.themes(report),
            gates=[gate for phase in report.phases for gate in phase.gates],
            declined=story.declined(report),
            waiting=story.waiting(report),
            diffs={repair: diff_lines(diff) for repair, diff in diffs.items()},
            commands=commands(report, folder),
            git=_git(report),
            undo_command=lambda repair: undo_command(report, repair.patch, folder),
            agents=agents,
            longest=max((agent.seconds for phase in report.phases for agent in phase.agents), default=0) or 1,
            style=Markup(style),  # noqa: S704 -- our own file
            style_hash=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
        )
    )


def commands(report: Report, folder: Path) -> tuple[tuple[str, str], ...]:
    """Return what to type to look at the result, to take it over, and to take it back, wholly last."""
    if report.branch is None:
        return ()
    git, branch = _git(report), shlex.quote(report.branch)
    first = report.base_commit[:12]
    return (
        ("Look at it", f"{git} log --patch {first}..{branch}"),
        ("Take it over", f"{git} merge --ff-only {branch}"),
        ("Take one theme back, on the branch or once merged", f"{git} revert COMMIT"),
        (
            "Take one repair back, on the branch or once merged",
            undo_command(report, "patches/ID.patch", folder),
        ),
        ("Take all of it back, once merged", f"{git} revert --no-edit {first}..{branch}"),
        ("Forget all of it", f"{git} branch -D {branch}"),
    )


def undo_command(report: Report, patch: str, folder: Path) -> str:
    """Return what to type to take one repair back."""
    return f"{_git(report)} apply --reverse {shlex.quote(str(folder.absolute() / patch))}"


def _git(report: Report) -> str:
    return f"git -C {shlex.quote(report.target)}"


def _filters(agents: int) -> str:
    """Return the style that shows only what was chosen, for pages run no script."""
    rules = [
        f'body:has(#by-{field} option[value="{value}"]:checked) .entry:not([data-{field}="{value}"])'
        for field, values in (
            ("verdict", ("kept", "rolled_back", "refused")),
            ("agent", range(agents)),
        )
        for value in values
    ]
    for grade in story.GRADES:
        chosen = f'body:has(#by-grade option[value="{grade}"]:checked)'
        rules += [f"{chosen} .entry:not(.has-{grade})", f'{chosen} .repair:not([data-grade="{grade}"])']
    return "".join(f"{rule} {{ display: none; }}\n" for rule in rules)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=DictLoader({"page.html.j2": _resource("page.html.j2")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    for function in (
        story.percent,
        story.value,
        story.duration,
        story.words,
        story.claims,
        story.count,
        story.evidence,
    ):
        environment.filters[function.__name__] = function
    environment.globals |= {
        "headline": story.headline,
        "tests_sentence": story.tests_sentence,
        "steadiness_sentence": story.steadiness_sentence,
        "quarantine_reason": story.quarantine_reason,
        "branch_sentence": story.branch_sentence,
        "first_sentences": story.first_sentences,
        "budget_sentence": story.budget_sentence,
        "time_sentence": story.time_sentence,
        "grades": story.GRADES,
    }
    return environment


def _finalize(value: object) -> object:
    """Make every piece of text that the page shows harmless for the eye; escaping comes behind."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _resource(name: str) -> str:
    return (files("nightmend.report") / name).read_text(encoding="utf-8")
