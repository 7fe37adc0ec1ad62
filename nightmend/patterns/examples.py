"""Replay a pattern on its own examples."""

from nightmend.issue import Issue
from nightmend.patterns.document import read_source
from nightmend.patterns.pattern import Pattern, Source
from nightmend.patterns.propose import find_faults, propose
from nightmend.repairs.repair import apply_edits


def replay(pattern: Pattern) -> str | None:
    """Return which example or refusal of the pattern no longer holds, None where all do.

    A pattern without code leans on the linter's own fix and has nothing to replay here.
    """
    if pattern.code is None:
        return None
    for number, example in enumerate(pattern.examples, 1):
        if _mended(pattern, example, example.before) != example.after:
            return f"example {number} is not mended as written"
    for number, unchanged in enumerate(pattern.unchanged, 1):
        if _mended(pattern, unchanged, unchanged.source) != unchanged.source:
            return f"unchanged {number} is changed, although {unchanged.because}"
    return None


def _mended(pattern: Pattern, source: Source, text: str) -> str:
    module = read_source(
        source.path, text.encode(), python=source.floor, files=source.files, moves=source.moves
    )
    if module is None:
        return text
    issues = [
        _issue(pattern, finding.path, finding.line, finding.column)
        for finding in find_faults(module, [pattern])
    ]
    edits = [edit for repair in propose(module, pattern, issues) for edit in repair.edits]
    return apply_edits(text.encode(), edits).decode()


def _issue(pattern: Pattern, path: str, line: int, column: int) -> Issue:
    return Issue(
        fingerprint=f"{line}:{column}",
        fault=pattern.name,
        category=pattern.category,
        severity=pattern.severity,
        agent=pattern.agent,
        path=path,
        line=line,
        column=column,
        end_line=line,
        message=pattern.why,
        rules=(f"nightmend:{pattern.name}",),
        actionable=True,
    )
