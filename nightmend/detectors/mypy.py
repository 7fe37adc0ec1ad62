"""Mypy over the whole program; an issue to act on only where the target itself configures mypy.

It sees no installed package of the target: what comes from there is of any type, and nothing is said of it.
"""

from typing import Any

from pydantic import JsonValue

from nightmend.configured.files import Table, broken_finding
from nightmend.configured.toml import to_toml
from nightmend.detectors.running import run_script
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "mypy"
per_file = False

SCRIPT = "mypy_script"
ARGUMENTS = (
    "--no-site-packages", "--ignore-missing-imports", "--output=json", "--no-incremental",
    "--cache-dir=/dev/null", "--no-warn-unused-configs", "--no-color-output",
    "--allow-subclassing-any", "--allow-untyped-decorators", "--no-warn-return-any",
    "--no-warn-unused-ignores",
)  # fmt: skip
UNCONFIGURED: Table = {"check_untyped_defs": True}
"""Where the target says nothing, mypy looks into functions without annotations, too."""


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return mypy's errors in the files of the tree, as the target configures it."""
    request = {
        "arguments": [*ARGUMENTS, *(f"--enable-error-code={code}" for code in wide.select)],
        "settings": to_toml({"tool": {"mypy": _settings(config)}}).decode(),
        "python": (config.mypy and config.mypy.python) or config.python_floor,
        "paths": [f"./{_read(path, tree)}" for path in tree.paths],
    }
    answer = run_script(box, tree, SCRIPT, request)
    excluded = frozenset(map(tree.relative, answer["excluded"]))
    found = [_finding(message, tree, config, excluded) for message in answer["messages"] if _counts(message)]
    found += [_unread(message, tree) for message in answer["unread"]]
    kept = [finding for finding in found if finding.path in tree.files and finding.rule not in wide.ignore]
    return [*kept, *_refused(answer, config)]


def _read(path: str, tree: TreeView) -> str:
    """Return what mypy reads for a file: a stub beside it speaks for it."""
    stub = f"{path}i"
    return stub if stub in tree.all_paths else path


def _settings(config: TargetConfig) -> Table:
    if config.mypy is None:
        return UNCONFIGURED
    overrides: list[JsonValue] = [
        {"module": list(modules), **options} for modules, options in config.mypy.overrides
    ]
    roots: Table = {"mypy_path": list(config.mypy.roots)} if config.mypy.roots else {}
    return {**config.mypy.options, **roots, "overrides": overrides}


def _counts(message: dict[str, Any]) -> bool:
    return message["severity"] == "error" and isinstance(message["file"], str)


def _finding(
    message: dict[str, Any], tree: TreeView, config: TargetConfig, excluded: frozenset[str]
) -> Finding:
    path, rule = tree.relative(message["file"]), message["code"] or "misc"
    chosen = config.mypy is not None and path not in excluded and config.mypy.chooses(path)
    return Finding(
        detector=name,
        rule=rule,
        path=path,
        line=max(message["line"], 1),
        column=max(message["column"] + 1, 1),
        end_line=message["end_line"] if message["end_line"] >= message["line"] else None,
        message=message["message"].split("\n")[0],
        enabled=chosen,
    )


def _unread(message: dict[str, Any], tree: TreeView) -> Finding:
    """Report a file that stops mypy."""
    return Finding(
        detector=name,
        rule="unread",
        path=tree.relative(message["file"]),
        line=max(message["line"], 1),
        message=f"mypy: {message['message']}",
    )


def _refused(answer: dict[str, Any], config: TargetConfig) -> list[Finding]:
    if not (answer["refused"] and config.mypy):
        return []
    return [broken_finding(config.mypy.path, "mypy does not accept all of it")]
