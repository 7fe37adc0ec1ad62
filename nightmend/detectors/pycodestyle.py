"""PEP 8 by pycodestyle; an issue only where the target itself asks for it, always a measure."""

import os

from nightmend.detectors.running import run_script
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "pycodestyle"
per_file = True

SCRIPT = "pycodestyle_script"
WORTH_A_PROCESS = 20_000
"""Lines; below that, starting one costs more than it saves. The other half of the machine is bandit's."""


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return every E and W finding but the codes that pycodestyle leaves out by default."""
    request = {
        "paths": tree.paths,
        "max_line_length": config.max_line_length,
        "processes": max(1, min((os.cpu_count() or 1) // 2, tree.lines // WORTH_A_PROCESS)),
    }
    return [_finding(tree, config, *found) for found in run_script(box, tree, SCRIPT, request)]


def _finding(
    tree: TreeView, config: TargetConfig, path: str, line: int, column: int, code: str, text: str
) -> Finding:
    selections = (config.flake8, config.pycodestyle)
    return Finding(
        detector=name,
        rule=code,
        path=path,
        line=max(line, 1),
        column=max(column, 1),
        message=text,
        enabled=any(chosen.enables(code, tree.true_path(path)) for chosen in selections if chosen),
    )
