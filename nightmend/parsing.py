import ast
import threading
import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_ONE_AT_A_TIME = threading.Lock()
"""CPython 3.11 counts the depth of all trees together: one of two threads gets a SystemError."""

_TRIES = 5


def parse_source(content: bytes | str, floor: tuple[int, int] | None = None) -> ast.Module:
    """Parse source as Python of at least `floor`, from any thread.

    Raises SyntaxError, ValueError (NUL bytes), RecursionError or MemoryError.
    """
    return one_at_a_time(lambda: ast.parse(content, feature_version=floor))


def one_at_a_time(build: Callable[[], T]) -> T:
    """Do what builds syntax trees while no other thread of ours does."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(_TRIES):
            try:
                return build()
            except SystemError:
                continue  # a library built one meanwhile, and knows nothing of our lock
        return build()
