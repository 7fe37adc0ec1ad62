from collections.abc import Callable, Mapping

import pytest

from nightmend.detectors.registry import detectors
from nightmend.diagnosis.survey import wide_choices
from nightmend.issue import Finding
from nightmend.patterns.loader import load_patterns
from nightmend.targets.config import target_config
from nightmend.targets.trees import checkout_view, python_sources
from nightmend.workspace import Workspace

Look = Callable[[str, Mapping[str, str | bytes]], list[Finding]]


@pytest.fixture
def look(workspace_of: Callable[[Mapping[str, str | bytes]], Workspace]) -> Look:
    """Run one detector over a tree, in a sandbox."""

    def run(name: str, files: Mapping[str, str | bytes]) -> list[Finding]:
        workspace = workspace_of(files)
        base = workspace.night.base
        view = checkout_view(workspace, base, python_sources(workspace, base))
        detector = detectors()[name]
        wide = wide_choices([detector], load_patterns().values())[name]
        with workspace.sandbox(base, "test") as box:
            return detector.detect(box, view, target_config(workspace.store, base), wide)

    return run
