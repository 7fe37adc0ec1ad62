"""Modules of the target that import each other in a circle, read from the syntax trees in this process."""

from collections.abc import Sequence

from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.diagnosis.import_graph import ImportGraph, import_graph
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "imports"
per_file = False

SHOWN = 6


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return one finding for each group of modules that need each other, at an import that is part of it."""
    graph = import_graph(tree.files)
    return [_finding(graph, cycle) for cycle in graph.cycles]


def _finding(graph: ImportGraph, cycle: Sequence[str]) -> Finding:
    """Stand where the first module of the group imports another one, so that the place is a stable one."""
    inside = [one for one in graph.imports if one.importer == cycle[0] and one.imported in cycle]
    first = min((one for one in inside if not one.deferred), key=lambda one: (one.imported, one.line))
    more = f" and {len(cycle) - SHOWN} more" if len(cycle) > SHOWN else ""
    return Finding(
        detector=name,
        rule="import-cycle",
        path=graph.modules[cycle[0]],
        line=first.line,
        message=f"these modules import each other: {', '.join(cycle[:SHOWN])}{more}",
    )
