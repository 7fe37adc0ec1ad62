import ast
import re
from collections.abc import Iterable, Iterator

from nightmend.patterns.edits import add_argument, is_open_ended, keyword
from nightmend.patterns.kinds import kind_of
from nightmend.patterns.opens import handle_uses, mode, opens
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit, Safety

ALWAYS_UTF8 = re.compile(r"\.(json|jsonl|geojson|ipynb|ya?ml|toml|py)$")
UTF8_CALLS = frozenset(
    {"json.load", "json.loads", "json.dump", "json.dumps", "yaml.safe_load", "yaml.load", "yaml.safe_dump"}
)
OF_THE_SYSTEM = ("/etc/", "/proc/", "/sys/", "/dev/", "/var/log/")
DEVICES = frozenset({"os.devnull", "sys.stdin", "sys.stdout", "sys.stderr"})
PATH_METHODS = {"read_text": 0, "write_text": 1}


def find(module: Module) -> Iterable[Fault]:
    """Yield each text file whose encoding is left to the machine."""
    for call in opens(module):
        if _is_text(call) and len(call.args) <= 3 and not _is_of_the_system(module, call.args[0]):
            yield Fault(call, "the file is read in whatever encoding the machine has", _safety(module, call))
    for call in _path_calls(module):
        yield Fault(call, "the file is read in whatever encoding the machine has", _path_safety(module, call))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Say UTF-8."""
    call = fault.node_as(ast.Call)
    quote = _quote(module, call)
    edit = add_argument(module, call, f"encoding={quote}utf-8{quote}")
    return None if edit is None else [edit]


def _quote(module: Module, call: ast.Call) -> str:
    """The quote of the call's own strings, else of the file."""
    for one in ast.walk(call):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            mark = re.match(r"[A-Za-z]*(['\"])", module.text(one))
            if mark:
                return mark[1]
    return module.quote


def _is_text(call: ast.Call) -> bool:
    given = mode(call)
    closes = keyword(call, "closefd") is None and keyword(call, "opener") is None
    return given is not None and "b" not in given and keyword(call, "encoding") is None and closes


def _is_of_the_system(module: Module, path: ast.expr) -> bool:
    """Files of other programs are in the encoding of the machine; descriptors may be a terminal.

    What a lock file holds, nobody reads.
    """
    for node in ast.walk(path):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, int) or str(node.value).startswith(OF_THE_SYSTEM):
                return True
        elif isinstance(node, ast.Attribute) and (
            node.attr in {"fileno", "fd"} or module.resolve(node) in DEVICES
        ):
            return True
    return "lock" in ast.unparse(path).lower() or ast.unparse(path) in {"fd", "fileno"}


def _safety(module: Module, call: ast.Call) -> Safety | None:
    """JSON, YAML and TOML are UTF-8 by their own standards."""
    if _names_utf8(call.args[0]):
        return "safe"
    uses = handle_uses(module, call)
    places: list[ast.AST] = [call] if uses is None else list(uses)
    return "safe" if places and all(_feeds_utf8(module, place) for place in places) else None


def _names_utf8(path: ast.expr) -> bool:
    last = list(ast.walk(path))[::-1]
    texts = [one.value for one in last if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return bool(texts) and bool(ALWAYS_UTF8.search(texts[0]))


def _feeds_utf8(module: Module, handle: ast.AST) -> bool:
    """`json.load(f)`, `json.dump(x, f)`, `json.loads(f.read())`, `f.write(json.dumps(x))`."""
    parent = module.parent(handle)
    if isinstance(parent, ast.Attribute):
        call = module.parent(parent)
        if parent.attr == "read":
            parent = module.parent(call)
        elif parent.attr == "write" and isinstance(call, ast.Call) and len(call.args) == 1:
            parent = call.args[0]
    return isinstance(parent, ast.Call) and module.resolve(parent.func) in UTF8_CALLS


def _path_calls(module: Module) -> Iterator[ast.Call]:
    for call in module.nodes(ast.Call):
        if not isinstance(call.func, ast.Attribute) or is_open_ended(call) or keyword(call, "encoding"):
            continue
        method, receiver = call.func.attr, call.func.value
        if PATH_METHODS.get(method) == len(call.args) and _is_path(module, receiver):
            yield call
        elif method == "open" and len(call.args) <= 2 and kind_of(module, receiver) == "path":
            given = mode(call, 0)
            if given is not None and "b" not in given:
                yield call


def _is_path(module: Module, receiver: ast.expr) -> bool:
    """Where a file uses pathlib, what has `read_text` and `write_text` is a Path."""
    if kind_of(module, receiver) == "path":
        return True
    own = {one.name for one in module.nodes(ast.FunctionDef)} | {
        one.name for one in module.nodes(ast.AsyncFunctionDef)
    }
    imported = {module.imported(one) or "" for one in module.nodes(ast.alias)}
    uses_pathlib = any(name.split(".")[0] == "pathlib" for name in imported)
    foreign = any(name.split(".")[0] in {"anyio", "trio", "zipfile", "upath"} for name in imported)
    return uses_pathlib and not foreign and not own & set(PATH_METHODS)


def _path_safety(module: Module, call: ast.Call) -> Safety | None:
    if isinstance(call.func, ast.Attribute) and _names_utf8(call.func.value):
        return "safe"
    parent = module.parent(call)
    if isinstance(parent, ast.Call) and module.resolve(parent.func) in UTF8_CALLS:
        return "safe"
    written = call.args[0] if call.args else None
    if isinstance(written, ast.Call) and module.resolve(written.func) in UTF8_CALLS:
        return "safe"
    return None
