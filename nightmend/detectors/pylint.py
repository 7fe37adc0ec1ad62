"""Pylint, in one process and in one order, for some of its messages depend on both."""

from typing import Any

from nightmend.configured.files import broken_finding
from nightmend.detectors.pylint_options import (
    MODULE,
    PylintChoice,
    arguments,
    enabled_messages,
    left_out,
)
from nightmend.detectors.running import ToolError, batches, parsed, run_tool
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "pylint"
per_file = False

BATCH = 1_000_000
"""Bytes of paths; as good as every tree is read by one process."""


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return the messages that the target enables and those of our choice, over all files together."""
    choice, problem = _choice(box, tree, config)
    try:
        return [*_lint(box, tree, config, wide, choice), *problem]
    except ToolError:
        if not (config.pylint and config.pylint.options):
            raise
        refused = broken_finding(config.pylint.path, "pylint does not accept all of it")
        return [*_lint(box, tree, config, wide, choice.model_copy(update={"shaped": False})), refused]


def _choice(box: Sandbox, tree: TreeView, config: TargetConfig) -> tuple[PylintChoice, list[Finding]]:
    if not config.pylint:
        return PylintChoice(), []
    try:
        return PylintChoice(enabled=enabled_messages(box, tree, config.pylint)), []
    except ToolError:
        return PylintChoice(), [broken_finding(config.pylint.path, "pylint knows no such messages")]


def _lint(
    box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide, choice: PylintChoice
) -> list[Finding]:
    findings = []
    for batch in batches(tree.paths, BATCH):
        options = arguments(config, wide, choice)
        output = run_tool(box, tree, MODULE, [*options, "--", *batch], good=(0,)).stdout
        messages = parsed(name, output)["messages"] if output.strip() else []
        found = (_finding(message, tree.relative(message["path"]), choice) for message in messages)
        kept = (finding for finding in found if not left_out(finding.rule, wide))
        findings += [finding for finding in kept if finding.path in tree.files]
    return findings


def _finding(message: dict[str, Any], path: str, choice: PylintChoice) -> Finding:
    return Finding(
        detector=name,
        rule=message["messageId"],
        path=path,
        line=max(message["line"] or 1, 1),
        column=(message["column"] or 0) + 1,
        end_line=message["endLine"],
        message=message["message"].split("\n")[0],
        enabled=message["messageId"] in choice.enabled,
    )
