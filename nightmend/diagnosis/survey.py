"""Run detectors at once, each in a sandbox of its own, and keep the failure of one from costing another."""

import time
from collections.abc import Callable, Iterable, Iterator

from nightmend.detectors.registry import Detector, taxonomies
from nightmend.detectors.running import MissingToolError, ToolError
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.frozen import Frozen
from nightmend.issue import Finding
from nightmend.patterns.pattern import Pattern
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig
from nightmend.workers import each, own_threads

SETBACKS = 40
"""Failed runs of a tool after which no half is split any further."""


class Survey(Frozen):
    """What one detector had to say: its findings, or why there are none."""

    findings: tuple[Finding, ...] = ()
    failure: str | None = None
    seconds: float = 0


def survey(
    detectors: Iterable[Detector],
    open_box: Callable[[str], Sandbox],
    tree: TreeView,
    config: TargetConfig,
    patterns: Iterable[Pattern],
    asked: Iterable[str] = (),
) -> dict[str, Survey]:
    """Return what each detector says of a tree; `open_box` gives it a sandbox that holds the tree.

    `asked` names further rules of tools to look for.
    """
    chosen = list(detectors)
    wides = wide_choices(chosen, patterns, asked)

    def ask(detector: Detector) -> Survey:
        return _ask(detector, open_box, tree, config, wides[detector.name])

    with own_threads(len(chosen)):
        answers = list(each(ask, chosen))
    return {detector.name: answer for detector, answer in zip(chosen, answers, strict=True)}


def wide_choices(
    detectors: Iterable[Detector], patterns: Iterable[Pattern], asked: Iterable[str] = ()
) -> dict[str, Wide]:
    """Add the rules that patterns own, and those asked for, to what each detector looks for anyway."""
    owned = [rule for pattern in patterns for rule in pattern.rules]
    owned += asked
    choices = {}
    for detector in detectors:
        wide = taxonomies()[detector.name].wide
        prefix = f"{detector.name}:"
        mine = sorted({alias.removeprefix(prefix) for alias in owned if alias.startswith(prefix)})
        ignore = tuple(code for code in wide.ignore if code not in mine)
        choices[detector.name] = Wide(select=tuple(dict.fromkeys((*wide.select, *mine))), ignore=ignore)
    return choices


def _ask(
    detector: Detector, open_box: Callable[[str], Sandbox], tree: TreeView, config: TargetConfig, wide: Wide
) -> Survey:
    started = time.monotonic()
    try:
        with open_box(detector.name) as box:
            findings = _findings(detector, box, tree, config, wide, iter(range(SETBACKS)))
    except ToolError as failure:
        return Survey(failure=str(failure), seconds=time.monotonic() - started)
    return Survey(findings=tuple(findings), seconds=time.monotonic() - started)


def _findings(
    detector: Detector,
    box: Sandbox,
    tree: TreeView,
    config: TargetConfig,
    wide: Wide,
    setbacks: Iterator[int],
) -> list[Finding]:
    """Ask for a tree as a whole; where that fails, in halves, until what the tool cannot bear is alone.

    So a file that crashes a tool costs the findings of that file. Where no file can be read, it is the tool.
    """
    try:
        return _understood(detector, box, tree, config, wide)
    except MissingToolError:
        raise
    except ToolError:
        if not detector.per_file or len(tree.files) < 2 or next(setbacks, None) is None:
            raise
        answers = [_half(detector, box, half, config, wide, setbacks) for half in tree.halves()]
        if all(lost for _, lost in answers):
            raise
        return [finding for findings, _ in answers for finding in findings]


def _half(
    detector: Detector,
    box: Sandbox,
    tree: TreeView,
    config: TargetConfig,
    wide: Wide,
    setbacks: Iterator[int],
) -> tuple[list[Finding], bool]:
    """Return the findings of a half and whether it is lost: then its files are unread, each for itself."""
    try:
        return _findings(detector, box, tree, config, wide, setbacks), False
    except ToolError as failure:
        said = str(failure)
        return [
            Finding(detector=detector.name, rule="unread", path=path, line=1, message=said)
            for path in tree.paths
        ], True


def _understood(
    detector: Detector, box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide
) -> list[Finding]:
    try:
        return detector.detect(box, tree, config, wide)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, MemoryError) as error:
        kind = type(error).__name__
        raise ToolError(f"{detector.name} cannot be understood ({kind}); its findings are missing") from error
