"""Whether changes bring errors of mypy where the target uses mypy itself: its checks would fail on them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from nightmend.detectors import mypy
from nightmend.diagnosis.survey import wide_choices
from nightmend.patterns.loader import load_patterns
from nightmend.sandboxes.protocol import Sandbox
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.targets.trees import checkout_view, python_sources
from nightmend.workspace import Workspace

Errors = Counter[tuple[str, str]]
"""How often mypy reports a code in a file."""


def new_type_errors(
    workspace: Workspace, snapshot: Snapshot, variants: Sequence[Mapping[str, bytes]]
) -> list[dict[str, tuple[str, ...]]]:
    """Return for each variant of the tree the codes of errors that become more in a file, by path.

    Empty where the target does not configure mypy. ToolError where mypy cannot say.
    """
    config = target_config(workspace.store, snapshot)
    codes = [{path: new for path, new in one.items() if path.endswith(".py")} for one in variants]
    if config.mypy is None or not any(codes):
        return [{} for _ in variants]
    paths = sorted({path for code in codes for path in code})
    base = workspace.store.read_many(snapshot, paths)
    before = _before(workspace, snapshot)
    with workspace.sandbox(snapshot, "typed") as box:
        return [_risen(before, _errors(_laid(box, {**base, **code}), workspace, snapshot)) for code in codes]


@lru_cache(maxsize=4)
def _before(workspace: Workspace, snapshot: Snapshot) -> Errors:
    """Return the errors of a snapshot, asked for once."""
    with workspace.sandbox(snapshot, "typed") as box:
        return _errors(box, workspace, snapshot)


def _laid(box: Sandbox, contents: Mapping[str, bytes]) -> Sandbox:
    """Write files into a box, over those of the variant before."""
    for path, content in contents.items():
        box.write(path, content)
    return box


def _risen(before: Errors, after: Errors) -> dict[str, tuple[str, ...]]:
    risen = sorted(after - before)
    return {path: tuple(f"mypy:{rule}" for place, rule in risen if place == path) for path, _ in risen}


def _errors(box: Sandbox, workspace: Workspace, snapshot: Snapshot) -> Errors:
    config = target_config(workspace.store, snapshot)
    view = checkout_view(workspace, snapshot, python_sources(workspace, snapshot))
    wide = wide_choices([mypy], load_patterns().values())[mypy.name]
    return Counter(
        (found.path, found.rule) for found in mypy.detect(box, view, config, wide) if found.enabled
    )
