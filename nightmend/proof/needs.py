"""What older Pythons lack: syntax, builtins, and names of the standard library that came later.

vermin knows when each came. It is asked about the definition around an edit, before and after, so that only
what a repair brings counts, and so that its price does not depend on how long the file is.
"""

import ast
import builtins
import os
import pathlib
import re
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import vermin

from nightmend.parsing import one_at_a_time
from nightmend.proof.around import Around, blocks
from nightmend.proof.syntax import Version, parse, read_tree
from nightmend.repairs.repair import Edit

_SAID = re.compile(r"(?:L\d+(?: C\d+)?: )?(?P<what>.+) requires? [^,]+, (?P<major>\d+)\.(?P<minor>\d+)")
_GENERIC = frozenset(("dict", "frozenset", "list", "set", "tuple", "type"))
_TYPES = frozenset(name for name, thing in vars(builtins).items() if isinstance(thing, type))
_PLAIN = frozenset(("Constant", "Expr"))
_VARIED = frozenset(("JoinedStr", "NamedExpr", "Starred", "With"))
"""What older Pythons had in fewer ways of writing it, of which the tree knows nothing."""
_CLASS = re.compile(r"_*[A-Z]\w*[a-z]\w*")


class Need(NamedTuple):
    """Something that a Python has from a version on."""

    what: str
    version: Version


DICT_UNION = Need("a union of dicts by `|`", (3, 9))


def new_needs(before: bytes, after: bytes, edits: Sequence[Edit], floor: Version) -> list[Need]:
    """Return what `edits`, which make `after` of `before`, use more often than it was and `floor` lacks.

    Where the text does not say of what type a value is, a method counts by its name alone.
    """
    try:
        risen = _risen(*_around(before, after, edits))
    except (SyntaxError, ValueError, RecursionError):
        risen = _risen(before, after)  # what cannot be read alone may still be a part of its file
    return sorted(one for one in risen if one.version > floor)


def _around(before: bytes, after: bytes, edits: Sequence[Edit]) -> tuple[bytes, bytes]:
    """Return sources that are enough to tell what edits bring: nothing where they bring no word."""
    found = blocks(before)
    near = found.around(edits)
    if near and not _brings_words(near):
        return b"", b""
    around = found.around(edits, definition=True) or near
    if around is None:
        return before, after
    head = _imports(before)
    return _alone(head, around.before, around.indent), _alone(head, around.after, around.indent)


def _risen(before: bytes, after: bytes) -> set[Need]:
    return {*(_needs(after) - _needs(before)), *_merges(before, after)}


def _brings_words(near: Around) -> bool:
    """Say whether statements may need more than before: by a name, a kind of expression, or how it is put."""
    old, new = (_words_of(parse(_alone(b"", text, near.indent))) for text in (near.before, near.after))
    return not new.keys().isdisjoint(_VARIED) or bool((new - old).keys() - _PLAIN)


def _words_of(tree: ast.AST) -> Counter[str]:
    words: Counter[str] = Counter()
    for node in ast.walk(tree):
        names = (value for _, value in ast.iter_fields(node) if isinstance(value, str))
        words.update([type(node).__name__, *(() if isinstance(node, ast.Constant) else names)])
        words[ast.arguments.__name__] += len(getattr(node, "posonlyargs", ()))
    return words


def _alone(head: bytes, text: bytes, indent: bytes) -> bytes:
    """Return a source of some statements with the imports of their file."""
    return head + (b"if 1:\n" + text + indent + b"pass\n" if indent else text)


@lru_cache(maxsize=256)
def _imports(content: bytes) -> bytes:
    found: list[ast.stmt] = [
        node for node in read_tree(content).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return ast.unparse(ast.Module(body=found, type_ignores=[])).encode() + b"\n"


@lru_cache(maxsize=1024)
def _needs(source: bytes) -> Counter[Need]:
    """Count what a source needs; nothing is known of one that cannot be read."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return Counter()
    postponed = any(_postpones(node) for node in tree.body)
    return Counter((*_told(source.decode(errors="replace"), postponed), *_seen(tree, postponed)))


def _merges(before: bytes, after: bytes) -> Iterator[Need]:
    """Yield a union of dicts where `|` comes and a display with `**` goes, of whatever type the names are."""
    (displays, unions), (displays_left, unions_now) = _merging(before), _merging(after)
    if displays > displays_left and unions < unions_now:
        yield DICT_UNION


@lru_cache(maxsize=1024)
def _merging(source: bytes) -> tuple[int, int]:
    """Count the displays with `**` and the uses of `|`; none where a source cannot be read."""
    try:
        nodes = list(ast.walk(parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return 0, 0
    displays = sum(isinstance(node, ast.Dict) and None in node.keys for node in nodes)
    unions = sum(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) for node in nodes)
    return displays, unions


def _postpones(node: ast.stmt) -> bool:
    """Say whether with this import annotations are not evaluated."""
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(one.name == "annotations" for one in node.names)
    )


def _told(source: str, postponed: bool) -> Iterator[Need]:
    """Yield what vermin says; it says it in lines of text."""
    config = vermin.Config()
    config.set_verbose(3)
    config.set_parse_comments(False)  # no comment of a target excuses anything
    config.set_eval_annotations(not postponed)
    config.set_ignore_incomp(True)  # else it ends with a BaseException at `f"{a}"` beside `"".decode()`
    visitor = one_at_a_time(lambda: vermin.visit(source, config))
    for line in visitor.output_text().splitlines() if isinstance(visitor, vermin.SourceVisitor) else ():
        if said := _SAID.fullmatch(line):
            yield Need(said["what"], (int(said["major"]), int(said["minor"])))


def _seen(tree: ast.Module, postponed: bool) -> Iterator[Need]:
    """Yield what vermin does not tell: types that are made at run time, and methods of unknown values."""
    methods = _methods()
    for node in _evaluated(tree, postponed):
        match node:
            case ast.BinOp(op=ast.BitOr(), left=left, right=right) if _is_type(left) and _is_type(right):
                yield Need("a union of types by `|`", (3, 10))
            case ast.BinOp(op=ast.BitOr(), left=left, right=right) if _is_dict(left) or _is_dict(right):
                yield DICT_UNION
            case ast.Subscript(value=ast.Name(id=name)) if name in _GENERIC:
                yield Need(f"`{name}[...]`", (3, 9))
            case ast.Subscript(slice=ast.Tuple(elts=parts)) if any(
                isinstance(one, ast.Starred) for one in parts
            ):
                yield Need("a star in an index", (3, 11))
            case ast.Attribute(attr=name) if name in methods:
                yield Need(f"`.{name}`", methods[name])


def _evaluated(tree: ast.AST, postponed: bool) -> Iterator[ast.AST]:
    """Yield the nodes of a tree, but for annotations that nobody evaluates."""
    for name, value in ast.iter_fields(tree):
        if postponed and name in ("annotation", "returns"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST):
                yield node
                yield from _evaluated(node, postponed)


def _is_type(node: ast.expr) -> bool:
    """Say whether an expression looks like a type: a name as classes have them, None, or a union of such."""
    match node:
        case (
            ast.Constant(value=None)
            | ast.Subscript(value=ast.Name(id="list" | "dict" | "tuple" | "set" | "type"))
        ):
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(value=ast.Name(id=name)):
            return name in _TYPES or _CLASS.fullmatch(name) is not None
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _is_type(left) and _is_type(right)
    return False


def _is_dict(node: ast.expr) -> bool:
    match node:
        case ast.Dict() | ast.DictComp() | ast.Call(func=ast.Name(id="dict")):
            return True
    return False


@cache
def _methods() -> dict[str, Version]:
    """Return when methods of builtin types and paths came whose names nothing older of these has."""
    rules = vermin.MOD_MEM_REQS(vermin.Config())
    owners = {name: getattr(builtins, name) for name in _TYPES if name.islower()}
    owners |= {f"pathlib.{one.__name__}": one for one in (pathlib.PurePath, pathlib.Path)}
    came: dict[str, Version] = {}
    for member, (_, version) in rules.items():
        owner, _, name = member.rpartition(".")
        common = name.startswith("_") or (owner.startswith("pathlib") and "_" not in name)
        if owner in owners and version and not common:
            came[name] = min(version, came.get(name, version))
    return {name: version for name, version in came.items() if not _is_older(name, owners, rules)}


def _is_older(name: str, owners: Mapping[str, type], rules: Collection[str]) -> bool:
    """Say whether something of the same name was there before: then the name alone tells nothing."""
    elsewhere = any(hasattr(module, name) for module in (os, shutil))
    return elsewhere or any(
        name in vars(owner) and f"{path}.{name}" not in rules for path, owner in owners.items()
    )
