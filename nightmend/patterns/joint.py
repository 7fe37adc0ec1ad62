"""Two repairs of one place that cannot both be applied become one that does what both do."""

from collections.abc import Iterable, Mapping, Sequence

from nightmend.issue import Issue
from nightmend.patterns.leftover import WEAKEST_FIRST
from nightmend.patterns.pattern import Pattern
from nightmend.patterns.propose import propose
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit, Repair, apply_edits, clash, repair_id


def join_clashing(
    module: Module, repairs: Iterable[Repair], patterns: Mapping[str, Pattern], issues: Sequence[Issue]
) -> list[Repair]:
    """Return the repairs with each clashing pair of two patterns joined.

    Of a pair, one that is safer alone than together stays as well, for where the evidence is too weak.
    """
    result: list[Repair] = []
    for repair in repairs:
        rival = next((one for one in result if one.pattern != repair.pattern and clash(one, repair)), None)
        joined = rival and _joined(module, rival, repair, patterns, issues)
        if not rival or not joined:
            result.append(repair)
            continue
        parts = [one for one in (rival, repair) if one.safety != joined.safety]
        place = result.index(rival)
        result[place : place + 1] = [joined, *parts]
    return result


def _joined(
    module: Module, one: Repair, other: Repair, patterns: Mapping[str, Pattern], issues: Sequence[Issue]
) -> Repair | None:
    for first, second in ((one, other), (other, one)):
        pattern = patterns.get(second.pattern)
        if pattern is None or pattern.code is None or _moves_lines(module, first):
            continue
        between = module.with_content(apply_edits(module.content, first.edits))
        claimed = [issue for issue in issues if issue.fingerprint in second.issues]
        again = propose(between, pattern, claimed) if between else []
        if len(again) == 1 and set(again[0].issues) == set(second.issues):
            final = apply_edits(between.content, again[0].edits) if between else b""
            return _both(first, again[0], difference(module.path, module.content, final))
    return None


def _moves_lines(module: Module, repair: Repair) -> bool:
    return any("\n" in edit.text + module.between(edit.start, edit.end) for edit in repair.edits)


def _both(first: Repair, second: Repair, edit: Edit) -> Repair:
    return second.model_copy(
        update={
            "id": repair_id(second.pattern, [edit]),
            "safety": min((first.safety, second.safety), key=WEAKEST_FIRST.index),
            "issues": (*second.issues, *first.issues),
            "faults": (*second.faults, *first.faults),
            "edits": (edit,),
            "line": min(first.line, second.line),
            "summary": f"{second.summary}; {first.summary}",
            "gives_way_to": (*second.gives_way_to, *first.gives_way_to),
            "claims_speed": first.claims_speed or second.claims_speed,
        }
    )


def difference(path: str, before: bytes, after: bytes) -> Edit:
    """Return the one edit that makes `after` of `before`, at whole characters."""
    shorter = min(len(before), len(after))
    start = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    while start and before[start : start + 1] and before[start] & 0xC0 == 0x80:
        start -= 1
    rest = shorter - start
    same = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    end = len(before) - same
    while end < len(before) and before[end] & 0xC0 == 0x80:
        end += 1
    return Edit(
        path=path, start=start, end=end, text=after[start : len(after) - (len(before) - end)].decode()
    )
