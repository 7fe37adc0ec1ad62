import ast
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from nightmend.patterns.imports import reach
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit, Safety

SYSTEM = frozenset(
    {"dev", "tmp", "usr", "etc", "proc", "sys", "bin", "sbin", "lib", "lib64", "var", "run", "boot"}
)
DISKS = frozenset(
    {
        "home",
        "Users",
        "root",
        "mnt",
        "srv",
        "opt",
        "data",
        "media",
        "app",
        "workspace",
        "workspaces",
        "Volumes",
    }
)
SITES = frozenset({"static", "api", "assets", "docs", "v1", "v2", "public", "images", "img", "js", "css"})
ABSOLUTE = re.compile(r"/[^/\s]|[A-Za-z]:[\\/]")
HOMES = re.compile(r"^(/home/[^/]+/|/Users/[^/]+/|[A-Za-z]:/Users/[^/]+/|/root/)")
PLACEHOLDER = re.compile(r"[<>{}$%*?\n]|path/to|/your|\.\.\.|/example")
WEB_CALLS = re.compile(
    r"^(get|post|put|patch|delete|head|route|request|redirect|mount|url_for|add_url_rule|add_route|open_url"
    r"|websocket|include_router|render|fetch)$"
)
SAYS_SOMETHING = re.compile(
    r"^(print|debug|info|warning|error|exception|critical|log|add_argument|option|echo|help|write|fail|skip"
    r"|startswith|endswith|compile|match|search|sub|replace|split|Mock|patch|raises)$"
)
TEXT_KEYWORDS = frozenset(
    {"help", "description", "metavar", "title", "epilog", "usage", "url", "href", "endpoint"}
)


def find(module: Module) -> Iterable[Fault]:
    """Yield each absolute path of one machine whose end names a file of this project."""
    for node in module.nodes(ast.Constant):
        text = node.value
        if not isinstance(text, str) or not ABSOLUTE.match(text):
            continue
        whole, text = _joined(module, node, text)
        if resolve(module, text) is not None and _is_used_as_path(module, whole):
            yield Fault(whole, f"the path {text} exists on one machine only", _safety(text), (node,))


def resolve(module: Module, text: str) -> str | None:
    """The file or folder of the snapshot that an absolute path means; None where not certain."""
    if PLACEHOLDER.search(text):
        return None
    parts = [part for part in re.split(r"[\\/]", text)[1:] if part]
    if len(parts) < 2 or parts[0] in SYSTEM or parts[0] in SITES:
        return None
    if _in_snapshot(module, parts) is not None:
        return None  # a route of a site, or the root of a container
    on_disk = parts[0] in DISKS or text[1] == ":"
    for length in range(len(parts) - 1, 0 if on_disk else 1, -1):
        found = _in_snapshot(module, parts[-length:])
        if found is not None:
            return found
    return None


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Build the path from where this module stands; a str where a str is needed."""
    whole, node = fault.node, fault.part(ast.Constant)
    found = resolve(module, _joined(module, node, str(node.value))[1])
    path = reach(module, "pathlib.Path", node)
    if found is None or path is None or not module.is_builtin("str", node):
        return None
    built = _built(module.path, found, path.text, module.quote)
    if not _is_path(module, whole):
        return [module.replace(whole, f"str({built})"), *path.edits]
    bracketed = isinstance(module.parent(whole), ast.Attribute) and isinstance(whole, ast.Call)
    return [module.replace(whole, f"({built})" if bracketed else built), *path.edits]


def _joined(module: Module, node: ast.AST, text: str) -> tuple[ast.AST, str]:
    """The largest expression around a text that is a path by itself, and that path.

    `os.path.join("/root", "a")`, `Path("/root")` and `Path("/root") / "a"`.
    """
    parent = module.parent(node)
    match parent:
        case ast.Call(args=[first, *rest], keywords=[]) if first is node:
            joins = module.resolve(parent.func) in {"os.path.join", "pathlib.Path"}
            parts = [
                one.value for one in rest if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            if joins and len(parts) == len(rest):
                return _joined(module, parent, "/".join([text.rstrip("/"), *parts]))
        case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(part))) if left is node:
            return _joined(module, parent, f"{text.rstrip('/')}/{part}")
        case _:
            pass
    return node, text


def _is_path(module: Module, node: ast.AST) -> bool:
    """Say whether the expression is a Path; else it is a str."""
    while isinstance(node, ast.BinOp):
        node = node.left
    return isinstance(node, ast.Call) and module.resolve(node.func) == "pathlib.Path"


def _built(here: str, found: str, path: str, quote: str) -> str:
    """Climb to the nearest folder that both have above them, then go down."""
    folders, target = PurePosixPath(here).parts[:-1], PurePosixPath(found).parts
    common = 0
    while common < min(len(folders), len(target) - 1) and folders[common] == target[common]:
        common += 1
    climbs = len(folders) - common
    base = f"{path}(__file__).resolve()" + (".parent" if climbs == 0 else f".parents[{climbs}]")
    return base + "".join(f" / {quote}{part}{quote}" for part in target[common:])


def _in_snapshot(module: Module, tail: list[str]) -> str | None:
    """The one file with this end; the one folder, where the end has two parts or more."""
    end = "/".join(tail)
    found = {name for name in module.files if name == end or name.endswith(f"/{end}")}
    if not found and len(tail) > 1:
        found = {
            name[: (f"/{name}").index(f"/{end}/") + len(end)]
            for name in module.files
            if f"/{end}/" in f"/{name}"
        }
    if len(tail) == 1 and "." not in end:
        return None
    return found.pop() if len(found) == 1 else None


def _safety(text: str) -> Safety | None:
    """A personal home folder is nowhere else: there is no other file that the path could mean."""
    return "safe" if HOMES.match(text.replace("\\", "/")) else None


def _is_used_as_path(module: Module, node: ast.AST) -> bool:
    parent = module.parent(node)
    match parent:
        case ast.Expr() | ast.Compare() | ast.Subscript() | ast.JoinedStr() | ast.BinOp(op=ast.Mod()):
            return False
        case ast.Dict(keys=keys) if node in keys:
            return False
        case ast.keyword(arg=name):
            return name not in TEXT_KEYWORDS and _is_call_for_paths(module, module.parent(parent))
        case ast.Call():
            return _is_call_for_paths(module, parent)
        case _:
            return not any(isinstance(above, ast.Raise | ast.Assert) for above in module.ancestors(node))


def _is_call_for_paths(module: Module, call: ast.AST) -> bool:
    if not isinstance(call, ast.Call):
        return True
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    decorates = any(
        call in above.decorator_list
        for above in module.ancestors(call)
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    says = WEB_CALLS.match(name) or SAYS_SOMETHING.match(name)
    return not decorates and not says and not isinstance(module.parent(call), ast.Raise)
