"""Whether the faults that repairs claim are gone and none is new, as every per-file detector says."""

from collections import Counter
from collections.abc import Sequence

from nightmend.proof.bench import Bench
from nightmend.proof.together import spared
from nightmend.repairs.recheck import LONG_LINE, Shift, change, compare
from nightmend.repairs.repair import Repair


def redetection_rung(bench: Bench) -> None:
    """Look again with every per-file detector: each repair's issue is gone and none is new.

    A repair that claims no issue only has to bring none. What it may leave behind in place of its issue is no
    finding that the target's own configuration asks for. What a look at many at once leaves in doubt is
    looked at alone, and so is first what changes several files.
    """
    _look_alone(bench, [repair for repair in bench.open if len(repair.paths) > 1])
    clear = spared(bench)
    for repair in bench.open:
        if repair.id in clear:
            bench.note(repair, issue_gone=True if repair.faults else None, new_issues=())
    _look_alone(bench, _in_doubt(bench, clear))


def combined_redetection_rung(bench: Bench) -> None:
    """Look once more at all that were kept, and alone at those that are in doubt and never were.

    What one brings may have been hidden by another that has fallen since, and so may what it leaves.
    """
    standing = frozenset(one.id for one in bench.open)
    if bench.looked_at_together != standing:
        bench.looked_at_together = standing
        _look_alone(bench, _in_doubt(bench, spared(bench)))


def _in_doubt(bench: Bench, clear: frozenset[str]) -> list[Repair]:
    return [one for one in bench.open if one.id not in clear | bench.looked_at_alone]


def _look_alone(bench: Bench, repairs: Sequence[Repair]) -> None:
    """Note of each repair whether its issue goes and what comes with it, and refuse what is not good."""
    if not repairs:
        return
    bench.looked_at_alone |= {one.id for one in repairs}
    changes = [change(path, bench.contents[path], [one]) for one in repairs for path in one.paths]
    shifts = iter(compare(bench.workspace, bench.snapshot, changes))
    for repair in repairs:
        pairs = [next(shifts) for _ in repair.paths]
        still = _still_there(repair, pairs)
        risen = {fault for before, after in pairs for fault in after.more_than(before)}
        own = sorted({rule for before, after in pairs for rule in after.own_more_than(before)})
        allowed = set(repair.gives_way_to)
        if bench.workspace.night.long_lines:
            allowed.add(LONG_LINE)
        new = sorted(risen - allowed) or own
        bench.note(repair, issue_gone=not still if repair.faults else None, new_issues=tuple(new))
        silent = sorted({tool for _, after in pairs for tool in after.tool_failures})
        if silent:
            bench.drop(repair, "refused", f"{', '.join(silent)} could not look again, so nothing is known")
        elif still:
            bench.drop(repair, "refused", f"its issue is still there afterwards: {', '.join(still)}")
        elif new:
            bench.drop(repair, "refused", f"it brings new issues: {', '.join(new)}")


def _still_there(repair: Repair, pairs: Sequence[Shift]) -> list[str]:
    claimed = Counter(repair.faults)
    return sorted(
        fault
        for fault, claims in claimed.items()
        if sum(before.counts.get(fault, 0) - after.counts.get(fault, 0) for before, after in pairs) < claims
    )
