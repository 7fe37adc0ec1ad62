"""Edits that depend on each other are joined: what is proved alone must be able to stand alone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from nightmend.diffs.chunks import Piece, certain, pieces, tree_of
from nightmend.diffs.names import Name, Names, Scope, names_of
from nightmend.diffs.reading import Change
from nightmend.monitoring.pulse import beat
from nightmend.repairs.repair import Edit, apply_edits
from nightmend.targets.protected import is_test

Unit = tuple[Edit, ...]
_MOST_TRIES = 16
"""Neighbours that an edit is tried with before all that do not parse alone in their file become one."""


def units(changes: Sequence[Change]) -> tuple[Unit, ...]:
    """Return the smallest groups of edits that can stand alone, in the order of their places.

    Together they are exactly the changes. An import that only some of them need is in each of these.
    """
    split = {change.path: pieces(change.path, change.before, change.after) for change in changes}
    known = [
        (piece, names)
        for change in changes
        for piece, names in zip(
            split[change.path], names_of(change.before, change.after, split[change.path]), strict=True
        )
    ]
    groups = _Groups(len(known))
    shared = _depend(known, groups)
    for change in changes:
        here = [number for number, (piece, _) in enumerate(known) if piece.edit.path == change.path]
        _parse(change, {number: known[number][0] for number in here}, groups, shared)
    return tuple(_units(known, groups, shared))


class _Groups:
    """Numbers in groups that only grow together."""

    def __init__(self, count: int) -> None:
        self._leads = list(range(count))

    def of(self, number: int) -> int:
        """Return the first number of a group."""
        while self._leads[number] != number:
            number = self._leads[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Make two groups one."""
        first, second = sorted((self.of(one), self.of(other)))
        self._leads[second] = first


def _depend(known: Sequence[tuple[Piece, Names]], groups: _Groups) -> dict[int, set[int]]:
    """Join edits that need each other by a name; returns which imports an edit needs beside."""
    shared: dict[int, set[int]] = defaultdict(set)
    users = _Users(known)
    for number, (_, names) in enumerate(known):
        for new in (True, False):
            for user in (user for name in names.bound(new=new) for user in users.of(number, name, new=new)):
                if new and names.only_imports:
                    shared[user].add(number)
                else:
                    groups.join(number, user)
        for other in users.joined(number, names):
            groups.join(number, other)
    return shared


class _Users:
    """Finds the edits in which a name comes to be used, or is used no more."""

    def __init__(self, known: Sequence[tuple[Piece, Names]]) -> None:
        self._paths = [piece.edit.path for piece, _ in known]
        self._used: dict[tuple[str, bool], set[tuple[int, Name]]] = defaultdict(set)
        self._mentioned: dict[str, set[int]] = defaultdict(set)
        self._bound: dict[tuple[str, str, Scope], set[int]] = defaultdict(set)
        self._values: dict[tuple[str, str, Scope], set[int]] = defaultdict(set)
        for number, (_, names) in enumerate(known):
            for new in (True, False):
                for name in names.used(new=new):
                    self._used[name.text, new].add((number, name))
            for name in names.bound(new=True):
                self._bound[name.text, name.kind, name.scope].add(number)
            for name in names.before | names.after:
                if name.kind == "use":
                    self._mentioned[name.text].add(number)
                if name.kind == "name":
                    self._values[self._paths[number], name.text, name.scope].add(number)

    def of(self, number: int, bound: Name, *, new: bool) -> Iterator[int]:
        """Yield the edits that use what this one binds: in its scope, a definition also from other files."""
        wide = bound.kind == "definition"
        texts = (bound.text, f".{bound.text}") if wide else (bound.text,)
        for text in texts:
            for user, name in sorted(self._used[text, new], key=lambda pair: pair[0]):
                inside = name.scope[: len(bound.scope)] == bound.scope or text != bound.text
                if user != number and self._sees(number, user, inside=inside, wide=wide):
                    yield user

    def joined(self, number: int, names: Names) -> Iterator[int]:
        """Yield the edits without which what this one does to its names is only a part."""
        for name in names.rebound:
            yield from self._values[self._paths[number], name.text, name.scope] - {number}
        for name in names.bound(new=False):
            yield from self._binders(number, name)
        for text in names.called_otherwise:
            yield from self._callers(number, text)

    def _binders(self, number: int, gone: Name) -> Iterator[int]:
        """Yield the edits to which an import or a definition moves that this one takes away."""
        wide = gone.kind == "definition"
        if wide or gone.kind == "import":
            found = sorted(self._bound[gone.text, gone.kind, gone.scope])
            yield from (one for one in found if self._sees(number, one, inside=True, wide=wide))

    def _callers(self, number: int, text: str) -> Iterator[int]:
        """Yield the edits that use a function by its name."""
        found = self._mentioned[text] | self._mentioned[f".{text}"]
        return (
            user
            for user in sorted(found)
            if user != number and self._sees(number, user, inside=True, wide=True)
        )

    def _sees(self, number: int, user: int, *, inside: bool, wide: bool) -> bool:
        here, there = self._paths[number], self._paths[user]
        if here == there:
            return inside
        return wide and not is_test(here) and not is_test(there)


def _parse(
    change: Change, here: Mapping[int, Piece], groups: _Groups, shared: Mapping[int, set[int]]
) -> None:
    """Join what does not parse alone with what stands nearest, until it does."""
    tree = tree_of(change.path, change.before)
    if tree is None or tree_of(change.path, change.after) is None:
        return
    alone = certain(change.before, tree, here.values())

    def parses(lead: int) -> bool:
        members = [number for number in here if groups.of(number) == lead]
        if all(here[number] in alone for number in members):
            return True
        needed = {one for number in members for one in shared.get(number, ()) if one in here}
        edits = [here[number].edit for number in {*members, *needed}]
        return tree_of(change.path, apply_edits(change.before, edits)) is not None

    for number in here:
        beat("an edit of a diff")
        tries = 0
        while not parses(groups.of(number)):
            others = [one for one in here if groups.of(one) != groups.of(number)]
            if not others:
                break
            tries += 1
            nearest = min(others, key=lambda one: _distance(here[one], here[number]))
            for one in others if tries > _MOST_TRIES else [nearest]:
                groups.join(one, number)


def _distance(one: Piece, other: Piece) -> tuple[bool, int, int]:
    """Order the neighbours of an edit: first its own block, then by lines."""
    return one.block != other.block, abs(one.edit.start - other.edit.start), one.edit.start


def _units(
    known: Sequence[tuple[Piece, Names]], groups: _Groups, shared: Mapping[int, set[int]]
) -> Iterator[Unit]:
    members: dict[int, set[int]] = defaultdict(set)
    for number in range(len(known)):
        members[groups.of(number)].add(number)
    lent = {one for needed in shared.values() for one in needed}
    for numbers in members.values():
        if numbers <= lent:
            continue  # each edit that needs it has it
        needed = {one for number in numbers for one in shared.get(number, ())}
        chosen = sorted(numbers | needed)
        yield tuple(known[number][0].edit for number in chosen)
