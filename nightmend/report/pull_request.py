"""The night as the text of a pull request: Markdown in which nothing of the target is markup."""

import re

from nightmend.gate import Gate
from nightmend.report import story
from nightmend.report.model import Report
from nightmend.report.text import visible

LONGEST = 60_000
"""Characters; GitHub refuses more than 65,536."""
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&$])")
_MENTION = re.compile(r"@(?=\w)")
_THEMES = 60
_REASONS = 20


def pull_request(report: Report) -> str:
    """Return the body of a pull request for the branch of a night."""
    parts = [
        f"## {story.headline(report)}",
        plain(story.tests_sentence(report)),
        *(plain(sentence) for sentence in story.first_sentences(report)),
        _failure(report),
        plain(story.branch_sentence(report)),
        plain(story.time_sentence(report)),
        _changes(report),
        _waiting(report),
        _evidence(report),
        _left_alone(report),
        _taking_back(report),
        f"Night {code(report.run)} from {code(report.base_commit[:12])}, {story.duration(report.seconds)}, "
        f"profile {report.profile}. Every repair with its diff and evidence is in `report.html`.",
    ]
    body = "\n\n".join(part for part in parts if part) + "\n"
    return body if len(body) <= LONGEST else body[:LONGEST].rsplit("\n", 1)[0] + "\n\n(cut here)\n"


def plain(text: str) -> str:
    """Write text so that Markdown shows it as it is, on one line, and nobody is notified by it."""
    line = visible(" ".join(text.split()))
    return _MENTION.sub("@\N{ZERO WIDTH SPACE}", _MARKUP.sub(r"\\\1", line)).replace(
        "://", ":\N{ZERO WIDTH SPACE}//"
    )


def code(text: str) -> str:
    """Write text as a code span that it cannot leave, also inside of a table."""
    line = visible(" ".join(text.split())).replace("|", "\N{BROKEN BAR}")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _failure(report: Report) -> str:
    return f"**The night failed.** {plain(report.error)}" if report.error else ""


def _changes(report: Report) -> str:
    themes = story.themes(report)
    if not themes:
        return ""
    rows = [
        f"| {plain(theme.title)} | {len(theme.repairs)} | {theme.files} | {theme.grades} "
        f"| {' '.join(code(commit[:12]) for commit in theme.commits)} |"
        for theme in themes[:_THEMES]
    ]
    more = [f"| and {len(themes) - _THEMES} more | | | | |"] if len(themes) > _THEMES else []
    return "\n".join(
        ["| theme | repairs | files | grades | commit |", "| --- | --: | --: | --- | --- |", *rows, *more]
    )


def _waiting(report: Report) -> str:
    groups = story.waiting(report)
    if not groups:
        return ""
    lines = [
        f"- {story.count(len(group.repairs), 'repair')} of {plain(group.title)}: {plain(group.reason)}"
        for group in groups[:_REASONS]
    ]
    more = [f"- and {len(groups) - _REASONS} more, in `report.html`"] if len(groups) > _REASONS else []
    return "\n".join(["### What waits", "", plain(story.budget_sentence(report)), "", *lines, *more])


def _evidence(report: Report) -> str:
    used = {repair.grade for repair in story.kept(report)}
    lines = [f"- **{grade}**: {meaning}" for grade, meaning in story.GRADES.items() if grade in used]
    gates = [gate for phase in report.phases for gate in phase.gates if gate.passed is not True]
    lines += dict.fromkeys(f"- {_gate(gate)}" for gate in gates)
    return "\n".join(["### Why believe it", "", *lines]) if lines else ""


def _gate(gate: Gate) -> str:
    """Say how a gate stands, with its name, which is ours, as code."""
    return plain(story.gate_sentence(gate)).replace(f"\\`{plain(gate.name)}\\`", code(gate.name))


def _left_alone(report: Report) -> str:
    groups = story.declined(report)
    if not groups:
        return ""
    lines = [
        f"- {group.verdict}, {story.count(len(group.repairs), 'repair')} of "
        f"{plain(group.title)}: {plain(group.reason)}"
        for group in groups[:_REASONS]
    ]
    more = [f"- and {len(groups) - _REASONS} more, in `report.html`"] if len(groups) > _REASONS else []
    return "\n".join(["### What was left alone", "", *lines, *more])


def _taking_back(report: Report) -> str:
    if report.branch is None:
        return ""
    return (
        "### How to take it back\n\n"
        f"One commit a theme: `git revert COMMIT` on {code(report.branch)} takes a theme out, "
        f"{code(f'git branch -D {report.branch}')} all of it. One repair alone: "
        f"{code('git apply --reverse patches/ID.patch')}, from the folder of the report."
    )
