from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def common_prefix(one: Sequence[T], other: Sequence[T]) -> int:
    """Return how many items are the same at the start of both."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))
