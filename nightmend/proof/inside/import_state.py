"""What the modules of a target hold once they are imported, as it is and with each of some changes.

Runs inside the sandbox, in the target's own tree, on Python 3.8 and later. Standard input is JSON: `roots`
for sys.path, `modules` by dotted name to file, `variants` as lists of an id and changes (file to content, its
bytes as latin-1), `seconds` that one look may take. Prints for each variant, as JSON, how it differs.

Libraries are imported once, before the forks; the target's own modules are imported after them, so that no
look sees what another one did.
"""
# ruff: noqa: B905, S112

import importlib
import json
import os
import signal
import sys
import types

DEPTH, ITEMS = 6, 10_000
UNTOLD = frozenset(
    (
        "__builtins__", "__cached__", "__file__", "__loader__", "__spec__", "__doc__", "__path__", "__dict__",
        "__weakref__", "__firstlineno__", "__static_attributes__", "__annotate__", "__annotations_cache__",
    )
)  # fmt: skip
MARK = "\nimported "
ORDERS = json.load(sys.stdin)
OURS = frozenset(sys.modules)


def _described(thing, depth=0, above=()):
    """Describe a value so that equal programs give equal texts; no text has an address in it."""
    try:
        return _told(thing, type(thing), depth, above)
    except Exception as error:  # a value that resists to be looked at
        return f"untold {_named(type(thing))} {type(error).__name__}"


def _told(thing, kind, depth, above):
    if thing is None or kind in (bool, int, float, complex, str, bytes):
        return f"{kind.__name__} {thing!r}"
    if isinstance(thing, types.ModuleType):
        return "module " + thing.__name__
    if depth > DEPTH or id(thing) in above:
        return _named(kind)
    below = (depth + 1, (*above, id(thing)))
    if isinstance(thing, types.FunctionType):
        defaults = [_described(one, *below) for one in (thing.__defaults__, thing.__kwdefaults__)]
        return f"{_home(thing)} {_named(thing)} {defaults}"
    if isinstance(thing, type):
        return _class(thing, below)
    if isinstance(thing, types.BuiltinFunctionType):
        return f"foreign {_named(thing)}"
    return _plain(thing, kind, below)


def _plain(thing, kind, below):
    if kind in (list, tuple):
        return f"{kind.__name__} {[_described(one, *below) for one in thing[:ITEMS]]}"
    if kind in (set, frozenset):
        return f"{kind.__name__} {sorted(_described(one, *below) for one in thing)[:ITEMS]}"
    if isinstance(thing, dict):
        items = list(thing.items())[:ITEMS]
        return (
            f"{_named(kind)} {[(_described(key, *below), _described(value, *below)) for key, value in items]}"
        )
    held = getattr(thing, "__dict__", None)
    state = _described(held, *below) if isinstance(held, dict) else getattr(thing, "pattern", "")
    return f"{_named(kind)} {state}"


def _class(thing, below):
    text = f"{_home(thing)} class {_named(thing)} {[_named(base) for base in thing.__bases__]}"
    if _home(thing) == "foreign":
        return text
    held = sorted((name, _described(value, *below)) for name, value in _told_of(thing))
    return f"{text} {held}"


def _told_of(thing):
    return [(name, value) for name, value in vars(thing).items() if name not in UNTOLD]


def _home(thing):
    """Say whose a function or class is: the target's own, or a library's."""
    return "own" if getattr(thing, "__module__", "") in ORDERS["modules"] else "foreign"


def _named(thing):
    name = getattr(thing, "__qualname__", type(thing).__name__)
    return f"{getattr(thing, '__module__', '')}.{name}"


def _kind(text):
    word = text.partition(" ")[0]
    return word if word in ("", "module", "own", "foreign") else "value"


def _look(names):
    """Import modules, and describe each; runs in a process of its own."""
    sys.path[:0] = ORDERS["roots"]
    failed = {}
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            failed[name] = f"{type(error).__name__}: {error}"
    loaded = sorted(name for name in ORDERS["modules"] if name in sys.modules)
    if not all(_is_here(sys.modules[name]) for name in loaded):
        return None  # the code of another place says nothing of this one
    states = {name: {key: _described(value) for key, value in _told_of(sys.modules[name])} for name in loaded}
    tops = {name.partition(".")[0] for name in loaded}
    libraries = sorted({name.partition(".")[0] for name in sys.modules} - tops)
    return {"failed": failed, "loaded": loaded, "states": states, "libraries": libraries}


def _is_here(module):
    place = getattr(module, "__file__", None)
    return place is None or os.path.realpath(place).startswith(os.path.realpath(".") + os.sep)


def _forked(names):
    """Look in a child; None where it did not come back in time."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            signal.alarm(ORDERS["seconds"])
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nothing, descriptor)
            said = json.dumps(_look(names)).encode("utf-8", "surrogatepass")
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(said)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    try:
        return json.loads(said.decode("utf-8", "surrogatepass"))
    except ValueError:
        return None


def _looks(paths):
    """Look at all modules together, and at each changed one alone: that tells what it imports itself."""
    changed = sorted(name for name, path in ORDERS["modules"].items() if path in paths)
    return [_forked(sorted(ORDERS["modules"])), *(_forked([name]) for name in changed)]


def _differences(before, after):
    """Name what differs between two looks, as (module, name, what it was, what it is)."""
    for name, reason in after["failed"].items():
        if before["failed"].get(name) != reason:
            yield name, "", "", "failed " + reason
    for name in sorted(set(before["loaded"]) ^ set(after["loaded"])):
        was = name in before["loaded"]
        yield name, "", "loaded" if was else "", "" if was else "loaded"
    for module in sorted(set(before["loaded"]) & set(after["loaded"])):
        old, new = before["states"][module], after["states"][module]
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                yield module, key, _kind(old.get(key, "")), _kind(new.get(key, ""))


def _compared(base, again, looks):
    if None in looks or None in base or None in again:
        return None
    unsteady = {one[:2] for pair in zip(base, again) for one in _differences(*pair)}
    found = {one for pair in zip(base, looks) for one in _differences(*pair)}
    return sorted(one for one in found if one[:2] not in unsteady)


def _laid(changes):
    """Put changed files in place; returns what stood there."""
    before = {}
    for path, content in changes.items():
        with open(path, "rb") as file:
            before[path] = file.read()
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode("latin-1"))
    return before


def _warm():
    """Import the libraries that the target imports, so that each look finds them there."""
    first = _forked(sorted(ORDERS["modules"]))
    for name in first["libraries"] if first else ():
        if name not in OURS and name not in sys.modules:
            try:
                importlib.import_module(name)
            except BaseException:  # its turn comes again in each look
                continue


def _main():
    _warm()
    bases = {}
    for identifier, changes in ORDERS["variants"]:
        paths = tuple(sorted(changes))
        if paths not in bases:
            bases[paths] = (_looks(paths), _looks(paths))
        before = _laid(changes)
        try:
            looks = _looks(paths)
        finally:
            _laid(before)
        print(MARK + json.dumps([identifier, _compared(*bases[paths], looks)]), flush=True)


_main()
