"""Whether changes bring errors of mypy where the target uses mypy itself: its checks would fail on them."""

from collections import Counter
from collections.abc import Mapping

from nightmend.detectors import mypy
from nightmend.detectors.running import ToolError
from nightmend.detectors.tree import TreeView
from nightmend.diagnosis.survey import wide_choices
from nightmend.patterns.loader import load_patterns
from nightmend.sandboxes.protocol import Sandbox
from nightmend.snapshot import Snapshot
from nightmend.targets.config import TargetConfig, target_config
from nightmend.targets.trees import checkout_view, python_sources
from nightmend.workspace import Workspace


def new_type_errors(
    workspace: Workspace, snapshot: Snapshot, changed: Mapping[str, bytes]
) -> dict[str, tuple[str, ...]]:
    """Return the codes of errors that become more in a changed file, by path.

    Empty where the target does not configure mypy, or where mypy cannot say.
    """
    config = target_config(workspace.store, snapshot)
    code = {path: content for path, content in changed.items() if path.endswith(".py")}
    if config.mypy is None or not code:
        return {}
    view = checkout_view(workspace, snapshot, python_sources(workspace, snapshot))
    try:
        with workspace.sandbox(snapshot, "typed") as box:
            before = _errors(box, view, config)
            for path, content in code.items():
                box.write(path, content)
            risen = _errors(box, view, config) - before
    except ToolError:
        return {}
    paths = sorted({path for path, _ in risen if path in code})
    return {path: tuple(sorted(f"mypy:{rule}" for place, rule in risen if place == path)) for path in paths}


def _errors(box: Sandbox, view: TreeView, config: TargetConfig) -> Counter[tuple[str, str]]:
    wide = wide_choices([mypy], load_patterns().values())[mypy.name]
    return Counter(
        (found.path, found.rule) for found in mypy.detect(box, view, config, wide) if found.enabled
    )
