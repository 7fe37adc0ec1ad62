"""Ruff, twice: as the target itself configures it, and with a wide choice of rules of ours.

Whatever the first look reports is enabled by the target; ruff itself works out what that means.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from nightmend.configured.files import Table, broken_finding
from nightmend.configured.ruff import RuffTable, table_of
from nightmend.configured.toml import to_toml
from nightmend.detectors.ruff_output import read_findings
from nightmend.detectors.ruff_settings import (
    flake8_settings,
    only_known,
    own_settings,
    wide_settings,
    without_shape,
)
from nightmend.detectors.running import batches, checked, limits_for, parsed
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "ruff"
per_file = True

MODULE = "ruff"
PLACE = "/tmp/ruff.toml"  # noqa: S108 -- of the box, new in each run of a tool
"""Our settings lie outside the tree, where no file of the target can stand in for them."""
WRITE_AND_RUN = 'cat > "$0" && exec "$@"'


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return what the target's rules and ours report; a finding of both is the target's."""
    found: dict[tuple[str, str, int, int], Finding] = {}
    for finding in (*_own(box, tree, config), *_wide(box, tree, config, wide), *_not_utf8(tree)):
        found.setdefault((finding.path, finding.rule, finding.line, finding.column), finding)
    return list(found.values())


def _own(box: Sandbox, tree: TreeView, config: TargetConfig) -> Iterator[Finding]:
    for table, paths in _groups(tree, config):
        if table:
            yield from _own_look(box, tree, paths, own_settings(table, tree, config), table.path)
    if config.flake8:
        settings = flake8_settings(config.flake8, tree, config)
        yield from _own_look(box, tree, tree.paths, settings, config.flake8.path)


def _own_look(
    box: Sandbox, tree: TreeView, paths: Iterable[str], settings: Table, source: str
) -> list[Finding]:
    reported, loss = _look(box, tree, paths, settings, ["--force-exclude"])
    refused = [broken_finding(source, f"ruff does not accept {loss}")] if loss and not tree.variants else []
    return [*read_findings(reported, tree, enabled=True), *refused]


def _wide(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> Iterator[Finding]:
    for table, paths in _groups(tree, config):
        reported, _ = _look(box, tree, paths, wide_settings(table, wide, tree, config), [])
        yield from read_findings(reported, tree, enabled=False)


def _not_utf8(tree: TreeView) -> Iterator[Finding]:
    """Ruff passes over such files and only warns."""
    for path, content in tree.files.items():
        try:
            content.decode()
        except UnicodeDecodeError:
            yield Finding(detector=name, rule="unread", path=path, line=1, message="ruff reads UTF-8 only")


def _groups(tree: TreeView, config: TargetConfig) -> Iterator[tuple[RuffTable | None, list[str]]]:
    """Yield each table with the files that it rules."""
    groups: dict[str, tuple[RuffTable | None, list[str]]] = {}
    for path in tree.paths:
        table = table_of(config.ruff, tree.true_path(path))
        groups.setdefault(table.path if table else "", (table, []))[1].append(path)
    yield from groups.values()


def _look(
    box: Sandbox, tree: TreeView, paths: Iterable[str], settings: Table, options: list[str]
) -> tuple[list[dict[str, Any]], str]:
    """Return ruff's diagnostics, and what of the settings was lost where it does not accept all of them."""
    paths = list(paths)
    reported = _run(box, tree, paths, settings, options)
    if reported is not None:
        return reported, ""
    known = only_known(settings, _known_rules(box, tree))
    for attempt, loss in ((known, ""), (without_shape(known), "what shapes its rules")):
        reported = _run(box, tree, paths, attempt, options)
        if reported is not None:
            return reported, loss
    return [], "any of its settings"


def _run(
    box: Sandbox, tree: TreeView, paths: Iterable[str], settings: Table, options: list[str]
) -> list[dict[str, Any]] | None:
    """Return ruff's diagnostics, None where it does not accept the settings."""
    options = ["check", "--config", PLACE, "--no-cache", "--no-fix", "--output-format", "json", *options]
    reported: list[dict[str, Any]] = []
    for batch in batches(paths):
        command = ["sh", "-c", WRITE_AND_RUN, PLACE, tree.python, "-I", "-m", MODULE, *options, "--", *batch]
        result = box.run(command, stdin=to_toml(settings), limits=limits_for(tree))
        if result.return_code == 2 and result.stderr.startswith(b"ruff failed"):
            return None
        reported += parsed(MODULE, checked(MODULE, result, (0, 1)).stdout)
    return reported


def _known_rules(box: Sandbox, tree: TreeView) -> frozenset[str]:
    result = box.run([tree.python, "-I", "-m", MODULE, "rule", "--all", "--output-format", "json"])
    rules = parsed(MODULE, checked(MODULE, result, (0,)).stdout)
    return frozenset(rule["code"] for rule in rules if rule["code"] and "Removed" not in rule["status"])
