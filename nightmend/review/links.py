"""What a later repair owes to an earlier one in the same file but for its bytes: names of imports."""

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from nightmend.patterns.imports import local_name
from nightmend.proof.syntax import is_python, read_tree
from nightmend.repairs.repair import Edit, Repair, apply_repairs

LONGEST = 200
"""Bytes beside an edit that are searched for the rest of a word."""
_WORD = re.compile(r"[^\W\d]\w*")
_END, _START = re.compile(r"\w+\Z"), re.compile(r"\w+")
Names = frozenset[tuple[str, str]]
"""Names, each with the file that it stands in."""


class Links(NamedTuple):
    """What a repair does to names."""

    imports: Names = frozenset()
    """Those that are imported with it, and were not before."""
    drops: Names = frozenset()
    """Those that are no more imported with it."""
    writes: Names = frozenset()
    """Words that an edit of it brings to its place."""
    clears: Names = frozenset()
    """Words that an edit of it takes from its place."""

    def builds_on(self, earlier: "Links") -> bool:
        """Say whether a repair needs a name that the other imports, or that it took a use of one out."""
        return bool(self.writes & earlier.imports or self.drops & earlier.clears)


def links(repair: Repair, contents: Mapping[str, bytes]) -> Links:
    """Read what a repair of files with these contents does to names."""
    after = apply_repairs([repair], dict(contents))
    before = _imported({path: contents[path] for path in after})
    now = _imported(after)
    words = [(edit.path, *_words(edit, contents[edit.path])) for edit in repair.edits]
    return Links(
        imports=now - before,
        drops=before - now,
        writes=frozenset((path, word) for path, old, new in words for word in new - old),
        clears=frozenset((path, word) for path, old, new in words for word in old - new),
    )


def _words(edit: Edit, content: bytes) -> tuple[set[str], set[str]]:
    """Return the words at the place of an edit, before and after it: whole ones, where it changes a part."""
    head = _END.search(content[max(edit.start - LONGEST, 0) : edit.start].decode("utf-8", "replace"))
    tail = _START.match(content[edit.end : edit.end + LONGEST].decode("utf-8", "replace"))
    left, right = head[0] if head else "", tail[0] if tail else ""
    old = content[edit.start : edit.end].decode("utf-8", "replace")
    return set(_WORD.findall(left + old + right)), set(_WORD.findall(left + edit.text + right))


def _imported(contents: Mapping[str, bytes]) -> Names:
    return frozenset(
        (path, name) for path, content in contents.items() if is_python(path) for name in _bound(content)
    )


@lru_cache(maxsize=512)
def _bound(content: bytes) -> frozenset[str]:
    try:
        tree = read_tree(content)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return frozenset(local_name(name) for node in nodes for name in node.names)
