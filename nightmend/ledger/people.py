"""What people did with what earlier nights put on branches: merged it, or merged it and took it back."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from nightmend.git.branches import merged_commits, reverted_commits
from nightmend.git.runner import GitError
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.ledger.entries import ShippedRepair
from nightmend.ledger.ledger import Ledger
from nightmend.workspace import target_folder


def learn(home: Path, target: Target, tell: Callable[[str], None] = lambda _: None) -> None:
    """Note in the ledger what people merged since the last night, and what of it they took back."""
    folder = target_folder(home, target.path)
    ledger, store = Ledger.open(folder, tell), Store(folder / "store.git", target)
    refused = ledger.refused().keys()
    shipped = [one for one in ledger.shipped() if not refused & set(one.keys)]
    head, today = target.head(), datetime.now(UTC).strftime("%Y-%m-%d")
    merged = [one for group in _by_run(shipped) for one in _merged(store, head, group)]
    files = _files(store, head, merged)
    back = [one for group in _by_run(merged) for one in _taken_back(store, head, group, files)]
    ledger.merged((one.id for one in merged), today)
    ledger.decide("reverted", (key for one in back for key in one.keys), today)


def _by_run(repairs: Iterable[ShippedRepair]) -> Iterator[list[ShippedRepair]]:
    for _, group in groupby(sorted(repairs, key=lambda one: one.run), key=lambda one: one.run):
        yield list(group)


def _merged(store: Store, head: str, repairs: list[ShippedRepair]) -> list[ShippedRepair]:
    """Return which repairs of one run were merged; what the store does not have any more says nothing."""
    waiting = {one.commit for one in repairs if not one.merged}
    try:
        found = merged_commits(store.git, head, repairs[0].tip, waiting) if waiting else frozenset()
    except GitError:
        found = frozenset()
    return [one for one in repairs if one.merged or one.commit in found]


def _files(store: Store, head: str, repairs: Iterable[ShippedRepair]) -> dict[str, str]:
    """Return the files of HEAD that merged repairs changed, bytes as Latin-1."""
    snapshot = store.snapshot(head)
    paths = {trace.path for one in repairs for trace in one.traces} & store.files(snapshot).keys()
    contents = store.read_many(snapshot, sorted(paths))
    return {path: content.decode("latin-1") for path, content in contents.items()}


def _taken_back(
    store: Store, head: str, repairs: list[ShippedRepair], files: Mapping[str, str]
) -> list[ShippedRepair]:
    """Return which merged repairs of one run are undone: their lines are as before, or a commit says so."""
    absent = [one for one in repairs if not (one.traces and _stands(one, files))]
    try:
        named = reverted_commits(store.git, repairs[0].base, head) if absent else frozenset()
    except GitError:
        named = frozenset()
    return [one for one in absent if _undone(one, files) or one.commit in named]


def _stands(repair: ShippedRepair, files: Mapping[str, str]) -> bool:
    return all(trace.after in files.get(trace.path, "") for trace in repair.traces)


def _undone(repair: ShippedRepair, files: Mapping[str, str]) -> bool:
    return bool(repair.traces) and all(trace.before in files.get(trace.path, "") for trace in repair.traces)
