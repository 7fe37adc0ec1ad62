import ast
import gc
import threading
from collections.abc import Callable

import pytest

from nightmend.parsing import parse_source

NESTED = ("x = " + "[" * 40 + "1" + "]" * 40 + "\n") * 20


def parse_below(calls: int) -> ast.Module:
    return parse_below(calls - 1) if calls else parse_source(NESTED)


def parse_past_the_lock(calls: int) -> ast.Module:
    """Build a tree as a library would, that many calls deeper."""
    return parse_past_the_lock(calls - 1) if calls else ast.parse(NESTED)


@pytest.mark.parametrize("theirs", [parse_below, parse_past_the_lock])
def test_a_tree_is_built_while_another_thread_wants_one(theirs: Callable[[int], ast.Module]) -> None:
    """Without the lock, or another try, CPython 3.11 raises `AST constructor recursion depth mismatch`."""
    other = threading.Thread(target=theirs, args=(40,))

    def meanwhile(phase: str, info: dict[str, int]) -> None:
        if other.ident is None:
            other.start()
            other.join(0.3)

    threshold = gc.get_threshold()
    gc.collect()
    gc.set_threshold(200, 5, 5)
    gc.callbacks.append(meanwhile)
    try:
        tree = parse_below(1)
    finally:
        gc.callbacks.remove(meanwhile)
        gc.set_threshold(*threshold)
    other.join()
    assert len(tree.body) == 20


def test_newer_grammar_is_refused_below_its_python_and_warnings_are_not_shown() -> None:
    with pytest.raises(SyntaxError):
        parse_source("match 1:\n    case 1: pass\n", (3, 9))
    with pytest.raises((SyntaxError, ValueError), match="null"):
        parse_source(b"x = '\0'")
    assert isinstance(parse_source("a = '\\s'\n").body[0], ast.Assign)
