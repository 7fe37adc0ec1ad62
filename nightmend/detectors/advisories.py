"""Known vulnerabilities of what the target declares and locks, from a database on this machine alone."""

from collections.abc import Iterator

from nightmend.advisories.database import Database, Vulnerability, advisories_folder
from nightmend.advisories.dependency import dependencies, dependency_paths
from nightmend.detectors.running import ToolError
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.errors import SandboxError
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "advisories"
per_file = False


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return one finding for each vulnerability of each dependency; ToolError where there is no database."""
    wanted = dependencies(dict(_contents(box, tree)))
    if not wanted:
        return []
    folder = advisories_folder()
    try:
        return [_finding(one) for one in Database(folder).vulnerabilities(wanted)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolError(
            f"known vulnerabilities are not measurable here: {folder} has no advisories that can be read; "
            "run `nightmend advisories update`"
        ) from error


def _contents(box: Sandbox, tree: TreeView) -> Iterator[tuple[str, bytes]]:
    for path in dependency_paths(tree.all_paths):
        try:
            yield path, box.read(path)
        except (OSError, SandboxError):
            continue


def _finding(found: Vulnerability) -> Finding:
    dependency = found.dependency
    version = dependency.version or f"within {dependency.specifier}"
    cure = f"fixed in {found.fixed}" if found.fixed else "no version without it is known"
    return Finding(
        detector=name,
        rule=found.id,
        path=dependency.path,
        line=dependency.line,
        message=f"{dependency.name} {version} has a known vulnerability: {found.summary} ({cure})",
        severity=found.severity,
    )
