"""What a later repair owes to an earlier one in the same file but for its bytes: names of imports."""

import ast
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nightmend.patterns.imports import local_name
from nightmend.proof.syntax import is_python, read_tree
from nightmend.repairs.repair import Repair, apply_repairs

_WORD = re.compile(r"[^\W\d]\w*")
Names = frozenset[tuple[str, str]]
"""Names, each with the file that it stands in."""


class Links(NamedTuple):
    """What a repair does to names."""

    imports: Names = frozenset()
    """Those that are imported with it, and were not before."""
    drops: Names = frozenset()
    """Those that are no more imported with it."""
    writes: Names = frozenset()
    """Words of its text."""
    clears: Names = frozenset()
    """Words of the text that it replaces and does not write again."""

    def builds_on(self, earlier: "Links") -> bool:
        """Say whether a repair needs a name that the other imports, or that it took a use of one out."""
        return bool(self.writes & earlier.imports or self.drops & earlier.clears)


def links(repair: Repair, contents: Mapping[str, bytes]) -> Links:
    """Read what a repair of files with these contents does to names."""
    after = apply_repairs([repair], dict(contents))
    before = _imported({path: contents[path] for path in after})
    now = _imported(after)
    written = frozenset((edit.path, word) for edit in repair.edits for word in _WORD.findall(edit.text))
    replaced = frozenset(
        (edit.path, word)
        for edit in repair.edits
        for word in _WORD.findall(contents[edit.path][edit.start : edit.end].decode("utf-8", "replace"))
    )
    return Links(imports=now - before, drops=before - now, writes=written, clears=replaced - written)


def _imported(contents: Mapping[str, bytes]) -> Names:
    return frozenset((path, name) for path, content in contents.items() for name in _bound(path, content))


def _bound(path: str, content: bytes) -> Iterable[str]:
    if not is_python(path):
        return
    try:
        tree = read_tree(content)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from map(local_name, node.names)
