"""The cheapest rung: does the result parse where the target says it runs, and is it honest?"""

import ast
import re
import warnings
from functools import lru_cache

from nightmend.parsing import parse_source

SILENCERS = re.compile(
    rb"#\s*(?:noqa|nosec|type:\s*ignore|pyright:\s*ignore|pylint:\s*disable|ruff:\s*noqa|pragma:\s*no)"
    rb"|pytest\.mark\.(?:skip|xfail)|unittest\.skip|pytest\.skip\(",
    re.IGNORECASE,
)
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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(parse(content, floor), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        version = f" on Python {floor[0]}.{floor[1]}" if floor else ""
        return f"{path} would not parse{version}: {error}"
    return None


def silences(before: bytes, after: bytes) -> bool:
    """Say whether the change adds a comment or mark that hides an issue instead of resolving it."""
    return len(SILENCERS.findall(after)) > len(SILENCERS.findall(before))


def same_program(path: str, before: bytes, after: bytes) -> bool:
    """Say whether both contents have the same syntax tree, so that no test could tell them apart."""
    if not is_python(path):
        return False
    try:
        return ast.dump(parse(before)) == ast.dump(parse(after))
    except (SyntaxError, ValueError, RecursionError):
        return False
