"""The cheapest rung: does the result parse where the target says it runs, and is it honest?"""

import ast
import re
import tokenize
import warnings
from collections.abc import Sequence
from functools import lru_cache

from nightmend.parsing import parse_source
from nightmend.repairs.repair import Edit

SILENCERS = re.compile(
    rb"#\s*(?:noqa|nosec|type:\s*ignore|pyright:\s*ignore|pylint:\s*disable|ruff:\s*noqa|pragma:\s*no)"
    rb"|pytest\.mark\.(?:skip|xfail)|unittest\.skip|pytest\.skip\(",
    re.IGNORECASE,
)
SILENT = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING)
Version = tuple[int, int]


def is_python(path: str) -> bool:
    """Say whether a path names Python source."""
    return path.endswith((".py", ".pyi", ".pyw"))


def parse(content: bytes, floor: Version | None = None) -> ast.Module:
    """Parse source as Python of at least `floor`; raises SyntaxError or ValueError (NUL bytes)."""
    return parse_source(content, floor)


@lru_cache(maxsize=64)
def read_tree(content: bytes) -> ast.Module:
    """Parse source for reading only: whoever asks for the same content gets the same tree."""
    return parse(content)


def syntax_problem(path: str, content: bytes, floor: Version | None) -> str | None:
    """Return why the content does not parse and compile, or None.

    `floor` is the least Python that the target declares; newer grammar is refused as far as the parser
    knows it.
    """
    if not is_python(path):
        return None
    floor = known_floor(floor)
    try:
        compile_quietly(parse(content, floor), path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        version = f" on Python {floor[0]}.{floor[1]}" if floor else ""
        return f"{path} would not parse{version}: {error}"
    return None


def compile_quietly(tree: ast.Module, path: str) -> None:
    """Compile a tree for what that raises, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(tree, path, "exec", dont_inherit=True)


def known_floor(floor: Version | None) -> Version | None:
    """Return a floor as the parser may have it: it knows no Python older than 3."""
    return floor if floor and floor >= (3, 0) else None


def same_words(before: bytes, after: bytes) -> bool:
    """Say whether two ASCII sources have the same words, so that any Python, even 2, takes them alike."""
    try:
        return after.isascii() and _words(before) == _words(after)
    except (tokenize.TokenError, SyntaxError):
        return False


def _words(content: bytes) -> list[tuple[int, str]]:
    """Return the tokens of a source; of an indentation only that it is one, and no tab may make it two."""
    lines = iter(content.splitlines(keepends=True))
    words = [(one.type, one.string) for one in tokenize.tokenize(lambda: next(lines, b""))]
    blank = (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE)
    if any(kind == tokenize.INDENT and "\t" in text for kind, text in words):
        raise SyntaxError("Python 2 and 3 count tabs differently")
    return [(kind, "" if kind in blank else text) for kind, text in words if kind not in SILENT]


def silences(before: bytes, after: bytes, edits: Sequence[Edit]) -> bool:
    """Say whether edits add a comment or mark that hides an issue instead of resolving it.

    Only their lines are read, from the first to the last; `after` is what they make of the file.
    """
    start = before.rfind(b"\n", 0, min(edit.start for edit in edits)) + 1
    end = before.find(b"\n", max(edit.end for edit in edits))
    behind = len(before) - end if end >= 0 else 0
    changed, was = after[start : len(after) - behind], before[start : len(before) - behind]
    return len(SILENCERS.findall(changed)) > len(SILENCERS.findall(was))


def same_program(path: str, before: bytes, after: bytes) -> bool:
    """Say whether both contents have the same syntax tree, so that no test could tell them apart."""
    if not is_python(path):
        return False
    try:
        return ast.dump(parse(before)) == ast.dump(parse(after))
    except (SyntaxError, ValueError, RecursionError):
        return False
