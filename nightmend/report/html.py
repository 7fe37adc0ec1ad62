"""The report as one page: no script, nothing loaded, and nothing of the target that could be markup."""

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
    """Return the page of a report."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            themes=story.themes(report),
            gates=[gate for phase in report.phases for gate in phase.gates],
            declined=story.declined(report),
            diffs={repair: diff_lines(diff) for repair, diff in diffs.items()},
            commands=commands(report, folder),
            longest=max((agent.seconds for phase in report.phases for agent in phase.agents), default=0) or 1,
            style=Markup(_resource("page.css")),  # noqa: S704 -- our own file
        )
    )


def commands(report: Report, folder: Path) -> tuple[tuple[str, str], ...]:
    """Return what to type to look at the result, to take it over, and to take it back."""
    if report.branch is None:
        return ()
    git = f"git -C {shlex.quote(report.target)}"
    branch = shlex.quote(report.branch)
    return (
        ("Look at it", f"{git} log --patch {report.base_commit[:12]}..{branch}"),
        ("Take it over", f"{git} merge --ff-only {branch}"),
        ("Take one theme back, on the branch", f"{git} revert COMMIT"),
        ("Take one repair back: save its diff from below", f"{git} apply --reverse FILE"),
        ("Forget all of it", f"{git} branch -D {branch}"),
    )


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
    for function in (story.percent, story.value, story.duration, story.words, story.claims, story.count):
        environment.filters[function.__name__] = function
    environment.globals |= {
        "headline": story.headline,
        "tests_sentence": story.tests_sentence,
        "branch_sentence": story.branch_sentence,
        "grades": story.GRADES,
    }
    return environment


def _finalize(value: object) -> object:
    """Make every piece of text that the page shows harmless for the eye; escaping comes behind."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _resource(name: str) -> str:
    return (files("nightmend.report") / name).read_text(encoding="utf-8")
