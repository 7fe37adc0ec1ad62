import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from nightmend.patterns.edits import has_comment
from nightmend.patterns.elsewhere import is_taken
from nightmend.patterns.imports import ImportStatement, home_of, is_stdlib, local_name, remove_names
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

ACT_WHEN_IMPORTED = frozenset({"readline", "rlcompleter", "antigravity", "this", "site", "sitecustomize"})
DO_NOT_ACT = frozenset(
    {
        "numpy",
        "pandas",
        "torch",
        "scipy",
        "requests",
        "httpx",
        "yaml",
        "six",
        "tqdm",
        "attr",
        "attrs",
        "click",
    }
    | {"pydantic", "typing_extensions", "jinja2", "psutil", "pytest", "packaging", "dateutil", "pytz", "rich"}
)
MEANT_TO_ACT = re.compile(r"(enable|register|install|init|setup|patch|Axes3D|Plugin)")


def find(module: Module) -> Iterable[Fault]:
    """Yield each import statement with names that nothing in the file mentions again."""
    if module.path.endswith("__init__.py") or _only_imports(module):
        return
    words = Counter(re.findall(rb"\w+", module.content))
    for statement in _statements(module):
        unused = [alias for alias in statement.names if _is_unused(module, statement, alias, words)]
        idle = [alias for alias in unused if _does_nothing(module, statement, alias, unused)]
        if idle:
            names = ", ".join(local_name(alias) for alias in idle)
            yield Fault(idle[0], f"{names}: imported and never used", parts=(statement,), places=tuple(idle))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Take the names out, the whole statement with the last of them."""
    statement = fault.parts[0]
    taken = module.elsewhere()
    idle = [
        alias
        for alias in fault.places
        if isinstance(alias, ast.alias) and not is_taken(module.path, local_name(alias), taken)
    ]
    if not idle or not isinstance(statement, ast.Import | ast.ImportFrom):
        return None
    return remove_names(module, statement, idle)


def _statements(module: Module) -> Iterator[ImportStatement]:
    """The imports at the top level that stand alone on their lines, without a comment that may say why."""
    for one in module.tree.body:
        if isinstance(one, ast.Import | ast.ImportFrom) and module.indent(one) is not None:
            first, behind = module.line_start(one.lineno), module.line_start((one.end_lineno or 0) + 1)
            alone = not module.between(module.end(one), behind).strip()
            if alone and not has_comment(module, first, behind) and home_of(one) != "__future__":
                yield one


def _is_unused(module: Module, statement: ImportStatement, alias: ast.alias, words: Counter[bytes]) -> bool:
    """Not even a comment or a text may mention the name, for it may be looked up by that.

    What gets another name here, but no use, gets it for others.
    """
    name = local_name(alias)
    renamed = alias.asname is not None and isinstance(statement, ast.ImportFrom)
    if name == "*" or renamed or alias.asname == alias.name:
        return False
    here = re.findall(rf"\b{re.escape(name)}\b", module.text(statement))
    return words[name.encode()] == len(here)


def _does_nothing(
    module: Module, statement: ImportStatement, alias: ast.alias, unused: list[ast.alias]
) -> bool:
    """Say whether leaving out the import leaves out nothing but the name."""
    home = home_of(statement) if isinstance(statement, ast.ImportFrom) else alias.name
    root = home.split(".")[0]
    if MEANT_TO_ACT.match(alias.name) or (isinstance(statement, ast.Import) and "." in alias.name):
        return False
    if is_stdlib(home):
        return root not in ACT_WHEN_IMPORTED
    if isinstance(statement, ast.Import):
        return root in DO_NOT_ACT
    if not home.strip(".") or _is_a_module(module, home, alias.name):
        return False
    return root in DO_NOT_ACT or "." in home or not alias.name.islower() or len(unused) < len(statement.names)


def _is_a_module(module: Module, home: str, name: str) -> bool:
    """A module of the project itself: importing it may register what it holds."""
    end = f"{home.lstrip('.').replace('.', '/')}/{name}"
    return any(file.endswith((f"{end}.py", f"{end}/__init__.py")) for file in module.files if name in file)


def _only_imports(module: Module) -> bool:
    """A file that only imports hands its names on."""
    return all(
        isinstance(one, ast.Import | ast.ImportFrom)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in module.tree.body
    )
