import ast
import re
from collections.abc import Iterable

from nightmend.patterns.edits import add_argument, is_open_ended, keyword
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

WEAK = frozenset({"hashlib.md5", "hashlib.sha1"})
MARKED_SINCE = (3, 9)
"""The first Python whose constructors take `usedforsecurity`."""
SECURITY = re.compile(
    r"passw|passphrase|credential|secret|salt|hmac|nonce|token|auth|login|sign(?!al|if)|verif|crypt|session"
    r"|challenge|certificate|fingerprint_of_cert|otp",
    re.IGNORECASE,
)
"""Words of code in which a hash may well be there for security."""


def find(module: Module) -> Iterable[Fault]:
    """Yield each weak hash that nothing says is for security, and nothing says is not."""
    if module.floor < MARKED_SINCE:
        return
    for call in module.nodes(ast.Call):
        if _is_weak(module, call) and not is_open_ended(call) and not _may_protect(module, call):
            yield Fault(call, "a weak hash that does not say it protects nothing")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Say so."""
    edit = add_argument(module, fault.node_as(ast.Call), "usedforsecurity=False")
    return None if edit is None else [edit]


def _is_weak(module: Module, call: ast.Call) -> bool:
    if keyword(call, "usedforsecurity") is not None:
        return False
    name = module.resolve(call.func)
    if name != "hashlib.new":
        return name in WEAK
    algorithm = call.args[0] if call.args else keyword(call, "name")
    return isinstance(algorithm, ast.Constant) and str(algorithm.value).lower() in {"md5", "sha1"}


def _may_protect(module: Module, call: ast.Call) -> bool:
    """Look for words of security in the statement and in the names around it, and in the file's own name."""
    around = [
        node.name
        for node in module.ancestors(call)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]
    scope = module.function(call) or module.statement(call)
    words = (module.path, *around, *module.identifiers(scope), *_texts(scope))
    return any(SECURITY.search(word) for word in words)


def _texts(scope: ast.AST) -> Iterable[str]:
    return (
        node.value
        for node in ast.walk(scope)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
