"""Issues as SARIF 2.1.0, as GitHub's code scanning and editors read it: one run of one tool, nightmend."""

import json
import os
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from urllib.parse import quote

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.diagnosis.merging import RANK
from nightmend.issue import Issue, Severity
from nightmend.patterns.pattern import Pattern
from nightmend.privacy.masking import Masker
from nightmend.report.model import RepairReport
from nightmend.report.text import visible

MOST_RESULTS = 25_000
"""GitHub refuses a run that has more."""
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "nightmend/v1"
"""Not `primaryLocationLineHash`: GitHub's upload computes its own and warns of any other."""
DOCUMENTED = {
    "bandit": "https://bandit.readthedocs.io/en/latest/plugins/",
    "mypy": "https://mypy.readthedocs.io/en/stable/error_code_list.html",
    "pycodestyle": "https://pycodestyle.pycqa.org/en/latest/intro.html#error-codes",
    "pylint": "https://pylint.readthedocs.io/en/stable/user_guide/messages/messages_overview.html",
    "ruff": "https://docs.astral.sh/ruff/rules/",
}
_SECURITY_RULE = re.compile(r"(bandit|advisories):|ruff:S\d")
_LEVELS: dict[Severity, str] = {"low": "note", "medium": "warning", "high": "error"}
_SECURITY: dict[Severity, str] = {"low": "3.0", "medium": "5.5", "high": "8.0"}
"""As GitHub sorts them: below 4 low, below 7 medium, below 9 high."""
_PROBLEM: dict[Severity, str] = {"low": "recommendation", "medium": "warning", "high": "error"}
Json = dict[str, object]


def before_log(
    run: str,
    before: Diagnosis,
    patterns: Mapping[str, Pattern],
    mask: Masker,
    repairs: Iterable[RepairReport] = (),
) -> str:
    """Return the issues that a night began with, each with what came of its repair, and the grade."""
    return _log(run, "before", before, before.issues, patterns, mask, {}, repairs)


def after_log(
    run: str,
    before: Diagnosis,
    after: Diagnosis,
    patterns: Mapping[str, Pattern],
    mask: Masker,
    repairs: Iterable[RepairReport] = (),
) -> str:
    """Return the issues that a night left, each told apart from what is new by its fingerprint.

    What only a tool saw that did not look again is not gone: it stays as it was.
    """
    unseen = before.tool_seconds.keys() - after.tool_seconds.keys() | after.tool_failures.keys()
    kept = [issue for issue in before.issues if {rule.partition(":")[0] for rule in issue.rules} <= unseen]
    left = {issue.fingerprint: issue for issue in (*kept, *after.issues)}
    return _log(run, "after", after, left.values(), patterns, mask, _states(before.issues, left), repairs)


def _states(before: Iterable[Issue], left: Mapping[str, Issue]) -> dict[str, str]:
    """Compare by fingerprints; where a line merely changed, by how often its file has the fault."""
    gone = {issue.fingerprint: issue for issue in before}
    states = {name: "unchanged" for name in left if gone.pop(name, None)}
    moved = Counter((issue.fault, issue.path) for issue in gone.values())
    for name, issue in left.items():
        if name not in states:
            states[name] = "updated" if moved[issue.fault, issue.path] > 0 else "new"
            moved[issue.fault, issue.path] -= 1
    return states


def is_security(issue: Issue) -> bool:
    """Say whether a security rule of any tool reported an issue."""
    return any(map(_SECURITY_RULE.match, issue.rules))


def _log(
    run: str,
    name: str,
    diagnosis: Diagnosis,
    issues: Iterable[Issue],
    patterns: Mapping[str, Pattern],
    mask: Masker,
    states: Mapping[str, str],
    repairs: Iterable[RepairReport],
) -> str:
    ranked = sorted(
        issues, key=lambda one: (-RANK[one.severity], not one.actionable, one.path, one.line, one.fingerprint)
    )
    shown = ranked[:MOST_RESULTS]
    faults = {issue.fault: issue for issue in reversed(shown)}
    tried = _tried(repairs)
    numbers = {fault: number for number, fault in enumerate(sorted(faults))}
    told: Json = {
        "tool": {"driver": _driver([_rule(faults[fault], patterns.get(fault)) for fault in numbers])},
        "automationDetails": {"id": f"nightmend/{name}/{run}", "guid": _guid(run, name)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "invocations": [_invocation(diagnosis, len(ranked) - len(shown), mask)],
        "results": [_result(issue, numbers, mask, states, tried.get(issue.fingerprint)) for issue in shown],
    }
    if states:
        told["baselineGuid"] = _guid(run, "before")
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [told]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _tried(repairs: Iterable[RepairReport]) -> dict[str, RepairReport]:
    """Return the repair of each issue by its fingerprint: the one that was kept, else the last one."""
    ranked = sorted(repairs, key=lambda repair: repair.verdict == "kept")
    return {issue: repair for repair in ranked for issue in repair.issues}


def _repair(repair: RepairReport, mask: Masker) -> Json:
    told: Json = {"id": repair.id, "verdict": repair.verdict, "reason": visible(mask(repair.reason))}
    return told | ({"grade": repair.grade} if repair.grade else {})


def _driver(rules: Sequence[Json]) -> Json:
    return {"name": "nightmend", "semanticVersion": version("nightmend"), "rules": rules}


def _rule(issue: Issue, pattern: Pattern | None) -> Json:
    properties: Json = {
        "tags": [issue.category, issue.agent, *(["security"] if is_security(issue) else [])],
        "precision": "high" if pattern else "medium",
        "problem.severity": _PROBLEM[issue.severity],
    }
    if is_security(issue):
        properties["security-severity"] = _SECURITY[issue.severity]
    tool = issue.rules[0].partition(":")[0]
    address = pattern.references[0] if pattern else DOCUMENTED.get(tool)
    return {
        "id": issue.fault,
        "shortDescription": {"text": _title(issue, pattern)},
        "fullDescription": {"text": pattern.why if pattern else _reported(issue)},
        "help": {"text": _help(issue, pattern)},
        **({"helpUri": address} if address else {}),
        "defaultConfiguration": {"level": _LEVELS[issue.severity]},
        "properties": properties,
    }


def _title(issue: Issue, pattern: Pattern | None) -> str:
    name = issue.fault.replace("-", " ").replace(":", " ") if pattern else issue.fault.replace(":", " ")
    return name[:1].upper() + name[1:] if pattern else name


def _reported(issue: Issue) -> str:
    return f"Reported by {', '.join(rule.replace(':', ' ') for rule in issue.rules)}."


def _help(issue: Issue, pattern: Pattern | None) -> str:
    owner = f"Category {issue.category}, looked after by {issue.agent}."
    if pattern is None:
        return f"{_reported(issue)} {owner}"
    example = pattern.examples[0]
    return (
        f"{pattern.why} {owner}\n\nBefore:\n{example.before}\nAfter:\n{example.after}\n"
        f"A repair of it is {pattern.safety.replace('-', ' ')}. See {', '.join(pattern.references)}"
    )


def _result(
    issue: Issue,
    numbers: Mapping[str, int],
    mask: Masker,
    states: Mapping[str, str],
    repair: RepairReport | None,
) -> Json:
    line = max(1, issue.line)
    region = {"startLine": line, "startColumn": max(1, issue.column), "endLine": max(line, issue.end_line)}
    if region["endLine"] == line:
        del region["endLine"]
    properties: Json = {"rules": list(issue.rules), "actionable": issue.actionable, "agent": issue.agent}
    if repair:
        properties["repair"] = _repair(repair, mask)
    told: Json = {
        "ruleId": issue.fault,
        "ruleIndex": numbers[issue.fault],
        "level": _LEVELS[issue.severity],
        "message": {"text": visible(mask(issue.message)) or "(no message)"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": uri(mask(issue.path)), "uriBaseId": "%SRCROOT%"},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {FINGERPRINT: issue.fingerprint},
        "properties": properties,
    }
    if states:
        told["baselineState"] = states[issue.fingerprint]
    return told


def uri(path: str) -> str:
    """Write a path of a repository as a relative URI."""
    return quote(os.fsencode(path), safe="/")


def _invocation(diagnosis: Diagnosis, left_out: int, mask: Masker) -> Json:
    notes = [f"{tool} could not say anything: {why}" for tool, why in sorted(diagnosis.tool_failures.items())]
    notes += [f"{left_out} more issues are left out, the least severe ones"] if left_out else []
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [
            {"level": "warning", "message": {"text": visible(mask(note))}} for note in notes
        ],
    }


def _guid(run: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"nightmend:{run}:{name}"))
