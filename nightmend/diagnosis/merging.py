"""From findings to issues: a fault found by three tools is one issue, under one name."""

import ast
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from nightmend.configured.declined import Declined
from nightmend.detectors.taxonomy import Meaning, Taxonomy
from nightmend.frozen import Frozen
from nightmend.issue import Finding, Issue, Severity
from nightmend.parsing import parse_source
from nightmend.patterns.pattern import Pattern
from nightmend.targets.protected import is_test

RANK: dict[Severity, int] = {"low": 0, "medium": 1, "high": 2}


class Cluster(Frozen):
    """The findings that are one fault, the one that speaks for them first, and what they mean together."""

    fault: str
    findings: tuple[Finding, ...]
    severity: Severity
    layout: bool
    enabled: bool


class Names:
    """Gives findings their meaning: by the patterns' names and aliases, else by the detectors' taxonomies."""

    def __init__(
        self,
        taxonomies: Mapping[str, Taxonomy],
        patterns: Mapping[str, Pattern],
        declined: Declined = Declined(),  # noqa: B008 -- frozen
    ) -> None:
        self._taxonomies = taxonomies
        self._declined = declined
        self.patterns = patterns
        self._owners = {rule: pattern.name for pattern in patterns.values() for rule in pattern.rules}
        self._meanings: dict[tuple[str, str], Meaning] = {}

    def meaning(self, finding: Finding) -> Meaning:
        """Return the entry of the detector's taxonomy."""
        rule = (finding.detector, finding.rule)
        if rule not in self._meanings:
            self._meanings[rule] = self._taxonomies[finding.detector].meaning(finding.rule)
        return self._meanings[rule]

    def fault(self, finding: Finding) -> str:
        """Return the name of the fault: the pattern's where one owns the rule."""
        if finding.detector == "nightmend" and finding.rule in self.patterns:
            return finding.rule
        rule = f"{finding.detector}:{finding.rule}"
        shared = self._taxonomies[finding.detector].fault(finding.detector, finding.rule)
        return self._owners.get(rule) or self._owners.get(shared) or shared

    def wanted(self, cluster: Cluster) -> bool:
        """Say whether the target enables a rule of a fault, or leaves the fault to our patterns."""
        pattern = self.patterns.get(cluster.fault)
        path = cluster.findings[0].path
        return cluster.enabled or (pattern is not None and not self._declined.covers(pattern.rules, path))

    def shown(self, finding: Finding) -> bool:
        """Say whether a finding makes an issue, or is only counted."""
        return (
            finding.enabled or not self.meaning(finding).only_enabled or self.fault(finding) in self.patterns
        )

    def severity(self, finding: Finding, fault: str) -> Severity:
        """Grade a finding; what lies in a test is never high, for it does not ship."""
        pattern = self.patterns.get(fault)
        grades = [
            finding.severity or self.meaning(finding).severity,
            *([pattern.severity] if pattern else []),
        ]
        grade = max(grades, key=RANK.__getitem__)
        return "medium" if grade == "high" and is_test(finding.path) else grade


def clusters(findings: Iterable[Finding], names: Names) -> list[Cluster]:
    """Group findings into faults, sorted by path, line and fault."""
    by_fault: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        by_fault[finding.path, names.fault(finding)].append(finding)
    found = [
        _cluster(fault, group, names)
        for (_, fault), members in by_fault.items()
        for group in _grouped(members)
    ]
    return sorted(found, key=lambda one: (one.findings[0].path, one.findings[0].line, one.fault))


def issues(found: Sequence[Cluster], names: Names, contents: Mapping[str, bytes]) -> tuple[Issue, ...]:
    """Return one issue for each cluster that is shown; fingerprints rest on the lines in `contents`."""
    shown = [cluster for cluster in found if any(names.shown(finding) for finding in cluster.findings)]
    marks = _fingerprints(shown, contents)
    return tuple(_issue(cluster, mark, names) for cluster, mark in zip(shown, marks, strict=True))


def _grouped(findings: Iterable[Finding]) -> Iterator[tuple[Finding, ...]]:
    """Match the findings of one fault in one file: first by line, then by lines that overlap.

    Two findings of one rule never match each other, so that two faults on a line stay two.
    """
    by_rule: dict[tuple[str, str], dict[tuple[int, int], Finding]] = defaultdict(dict)
    for finding in findings:
        by_rule[finding.detector, finding.rule][finding.line, finding.column] = finding
    groups: list[list[Finding]] = []
    for members in sorted(by_rule.values(), key=_precedence):
        left = [members[place] for place in sorted(members)]
        free = list(groups)
        for close in (_same_line, _overlapping):
            left = _matched(left, free, close)
        groups += [[finding] for finding in left]
    return map(tuple, groups)


def _matched(
    findings: Iterable[Finding], free: list[list[Finding]], close: Callable[[Finding, Finding], bool]
) -> list[Finding]:
    """Add each finding to the first free group that is close, which is then taken; return the rest."""
    left = []
    for finding in findings:
        group = next((group for group in free if close(group[0], finding)), None)
        if group is None:
            left.append(finding)
        else:
            group.append(finding)
            free.remove(group)
    return left


def _precedence(members: Mapping[tuple[int, int], Finding]) -> tuple[bool, bool, str, str]:
    """Let our own pattern speak first, for it knows its place best; then whoever offers a fix."""
    first = next(iter(members.values()))
    has_fix = any(finding.fix for finding in members.values())
    return first.detector != "nightmend", not has_fix, first.detector, first.rule


def _same_line(first: Finding, second: Finding) -> bool:
    return first.line == second.line


def _overlapping(first: Finding, second: Finding) -> bool:
    early, late = sorted((first, second), key=lambda finding: finding.line)
    return late.line <= (early.end_line or early.line)


def _cluster(fault: str, findings: tuple[Finding, ...], names: Names) -> Cluster:
    return Cluster(
        fault=fault,
        findings=findings,
        severity=max((names.severity(finding, fault) for finding in findings), key=RANK.__getitem__),
        layout=any(names.meaning(finding).layout for finding in findings),
        enabled=any(finding.enabled for finding in findings),
    )


def _issue(cluster: Cluster, fingerprint: str, names: Names) -> Issue:
    first = cluster.findings[0]
    fixed = next((finding for finding in cluster.findings if finding.fix), first)
    pattern = names.patterns.get(cluster.fault)
    meaning = names.meaning(first)
    return Issue(
        fingerprint=fingerprint,
        fault=cluster.fault,
        category=pattern.category if pattern else meaning.category,
        severity=cluster.severity,
        agent=pattern.agent if pattern else meaning.owner,
        path=first.path,
        line=first.line,
        column=first.column,
        end_line=max(first.end_line or first.line, first.line),
        message=first.message,
        rules=tuple(sorted({f"{finding.detector}:{finding.rule}" for finding in cluster.findings})),
        actionable=names.wanted(cluster) and (cluster.layout or not is_test(first.path)),
        fix=fixed.fix,
        fix_safety=fixed.fix_safety,
    )


def _fingerprints(found: Sequence[Cluster], contents: Mapping[str, bytes]) -> Iterator[str]:
    """Yield names that outlive moved lines: of fault, path, scope, the text of the line, and its number."""
    texts: dict[str, tuple[list[bytes], list[str]]] = {}
    seen: Counter[tuple[str, str, str, bytes]] = Counter()
    for cluster in found:
        path, line = cluster.findings[0].path, cluster.findings[0].line
        if path not in texts:
            content = contents.get(path, b"")
            texts[path] = content.splitlines(), scopes(content)
        lines, around = texts[path]
        text = lines[line - 1].strip() if line <= len(lines) else b""
        scope = around[line] if line < len(around) else ""
        key = (cluster.fault, path, scope, text)
        seen[key] += 1
        parts = [cluster.fault.encode(), path.encode(), scope.encode(), text, str(seen[key]).encode()]
        yield hashlib.sha256(b"\0".join(parts)).hexdigest()[:20]


def scopes(content: bytes) -> list[str]:
    """Return for each line, counted from 1, the dotted name of the innermost class or function around it."""
    around = [""] * (content.count(b"\n") + content.count(b"\r") + 2)
    try:
        tree = parse_source(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return around
    _fill(around, tree, "")
    return around


def _fill(around: list[str], node: ast.AST, outer: str) -> None:
    waiting = [(node, outer)]
    while waiting:
        parent, name = waiting.pop()
        for child in ast.iter_child_nodes(parent):
            inner = name
            if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = f"{name}.{child.name}".lstrip(".")
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                last = child.end_lineno or child.lineno
                around[first : last + 1] = [inner] * (last + 1 - first)
            if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                waiting.append((child, inner))
