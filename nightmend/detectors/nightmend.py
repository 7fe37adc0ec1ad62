"""Our own patterns, which read the syntax tree in this process; nothing of the target runs for that."""

import tokenize
from collections.abc import Iterator
from io import BytesIO

from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.documents.documents import is_readable
from nightmend.documents.places import Places
from nightmend.issue import Finding
from nightmend.monitoring.pulse import beat
from nightmend.patterns.document import Document
from nightmend.patterns.loader import load_patterns
from nightmend.patterns.pattern import Pattern
from nightmend.patterns.propose import find_faults
from nightmend.patterns.source import Module
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "nightmend"
per_file = True


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return what the patterns find, and one finding for each file that nobody can read."""
    patterns = load_patterns()
    found = [finding for path in tree.paths for finding in _in_file(tree, config, path, patterns)]
    places = Places(tree.all_paths, tree.links)
    return found + [
        finding for path in tree.documents for finding in _in_document(tree, places, path, patterns)
    ]


def _in_file(
    tree: TreeView, config: TargetConfig, path: str, patterns: dict[str, Pattern]
) -> Iterator[Finding]:
    content = tree.files[path]
    beat("a file that patterns look at")
    module = Module.parse(tree.true_path(path), content, python=config.python_floor, files=tree.all_paths)
    if module is None:
        problem = unreadable(content)
        rule = "unreadable-file" if problem else "unread"
        yield Finding(detector=name, rule=rule, path=path, line=1, message=problem or "it does not parse")
        if problem is None and (encoding := _encoding(content)) != "utf-8":
            yield left_out(path, f"written in {encoding}, and repairs are written in UTF-8")
    else:
        for finding in find_faults(module, patterns):
            yield finding.model_copy(update={"path": path})


def _in_document(
    tree: TreeView, places: Places, path: str, patterns: dict[str, Pattern]
) -> Iterator[Finding]:
    content = tree.documents[path]
    if is_readable(content):
        for finding in find_faults(Document(tree.true_path(path), content, places), patterns):
            yield finding.model_copy(update={"path": path})


def _encoding(content: bytes) -> str:
    return tokenize.detect_encoding(BytesIO(content).readline)[0].removesuffix("-sig")


def left_out(path: str, reason: str) -> Finding:
    """Report a file that no tool looks at, which its people may not expect."""
    message = f"nobody looked at this file: {reason}"
    return Finding(detector=name, rule="left-out", path=path, line=1, message=message)


def unreadable(content: bytes) -> str | None:
    """Say why Python itself cannot decode a file, None when it can."""
    if b"\0" in content:
        return "the file contains NUL bytes; no tool can read it"
    try:
        content.decode(_encoding(content))
    except (SyntaxError, ValueError, LookupError):
        return "the file is not in the encoding that it declares (UTF-8 where it declares none)"
    return None
