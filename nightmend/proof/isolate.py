"""Find which repairs of a red batch are guilty, with few test runs."""

from collections.abc import Callable, Sequence

from nightmend.frozen import Frozen
from nightmend.repairs.repair import Repair

Runs = Callable[[Sequence[Repair]], frozenset[str]]
"""Which tests break when exactly these repairs are applied."""


class Accusation(Frozen):
    """A repair that breaks tests: alone, or only together with others that stay."""

    repair: str
    tests: tuple[str, ...]
    together_with: tuple[str, ...] = ()


def isolate(batch: Sequence[Repair], broken: Runs, seen: frozenset[str]) -> list[Accusation]:
    """Name the guilty repairs of a batch that is known to break the tests `seen`.

    Halves that are each green hide an interaction: then the first half stays and the fewest repairs of
    the second are accused that break beside it. At least one repair is always accused, so that a caller
    who removes and repeats comes to an end.
    """
    if len(batch) == 1:
        return [Accusation(repair=batch[0].id, tests=tuple(sorted(seen)))]
    middle = len(batch) // 2
    first, second = batch[:middle], batch[middle:]
    accusations: list[Accusation] = []
    for half in (first, second):
        tests = broken(half)
        if tests:
            accusations += isolate(half, broken, tests)
    return accusations or [_interaction(list(first), list(second), broken, seen)]


def _interaction(stay: list[Repair], rest: list[Repair], broken: Runs, seen: frozenset[str]) -> Accusation:
    while len(rest) > 1:
        middle = len(rest) // 2
        tests = broken([*stay, *rest[:middle]])
        if tests:
            rest, seen = rest[:middle], tests
        else:
            stay, rest = [*stay, *rest[:middle]], rest[middle:]
    partners = tuple(repair.id for repair in stay if set(repair.paths) & set(rest[0].paths)) or tuple(
        repair.id for repair in stay
    )
    return Accusation(repair=rest[0].id, tests=tuple(sorted(seen)), together_with=partners)
