"""Which modules of a target import which, read from their syntax trees; nothing of the target is imported."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from nightmend.frozen import Frozen
from nightmend.parsing import parse_source
from nightmend.proof.packages import packages_of

HUBS = 10
DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Import(Frozen):
    """One module that another one imports, and where."""

    importer: str
    imported: str
    line: int
    deferred: bool
    """Not run when the importer itself is imported: in a function, or for type checkers only."""


class Hub(Frozen):
    """A module with the numbers of those that import it, and of those that it imports."""

    module: str
    fan_in: int
    fan_out: int


class ImportGraph(Frozen):
    """The modules that a target ships, and the imports between them."""

    modules: dict[str, str]
    """Path of every module by its dotted name."""
    imports: tuple[Import, ...]

    @property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Groups of modules that need each other to be imported, each sorted."""
        return tuple(group for group in _components(self._needs()) if len(group) > 1)

    @property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The modules from the lowest layer up: each needs only those below; a cycle is in one layer."""
        needs = self._needs()
        height: dict[str, int] = {}
        for group in _components(needs):
            below = {need for module in group for need in needs[module]} - set(group)
            level = 1 + max((height[need] for need in below), default=-1)
            height.update(dict.fromkeys(group, level))
        layers: dict[int, list[str]] = defaultdict(list)
        for module, level in sorted(height.items()):
            layers[level].append(module)
        return tuple(tuple(layers[level]) for level in sorted(layers))

    @property
    def hubs(self) -> tuple[Hub, ...]:
        """The modules with the most imports to and from them, at most ten, deferred ones included."""
        pairs = {(one.importer, one.imported) for one in self.imports}
        fan_in = Counter(imported for _, imported in pairs)
        fan_out = Counter(importer for importer, _ in pairs)
        hubs = [
            Hub(module=module, fan_in=fan_in[module], fan_out=fan_out[module])
            for module in fan_in.keys() | fan_out.keys()
        ]
        return tuple(sorted(hubs, key=lambda hub: (-hub.fan_in - hub.fan_out, hub.module))[:HUBS])

    @property
    def metrics(self) -> dict[str, int | str | None]:
        """The numbers as a report shows them; the hub is the module that most others import."""
        hub = max(self.hubs, key=lambda one: one.fan_in, default=None)
        return {
            "modules": len(self.modules),
            "import_cycles": len(self.cycles),
            "import_layers": len(self.layers),
            "import_hub": f"{hub.module}, imported by {hub.fan_in}" if hub else None,
        }

    def _needs(self) -> dict[str, tuple[str, ...]]:
        needs: dict[str, set[str]] = {module: set() for module in self.modules}
        for one in self.imports:
            if not one.deferred:
                needs[one.importer].add(one.imported)
        return {module: tuple(sorted(needs[module])) for module in sorted(needs)}


def import_graph(contents: Mapping[str, bytes]) -> ImportGraph:
    """Read the graph from Python files by their paths; tests, and files that do not parse, import nothing."""
    modules = {name: path for package in packages_of(contents) for name, path in package.modules.items()}
    found = [one for name, path in modules.items() for one in _imports(name, path, contents[path], modules)]
    return ImportGraph(modules=modules, imports=tuple(found))


def _imports(module: str, path: str, content: bytes, modules: Mapping[str, str]) -> Iterator[Import]:
    try:
        tree = parse_source(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
    for node, deferred in _statements(tree):
        for name in _named(node, package):
            imported = _known(name, modules)
            if imported is not None and imported != module:
                yield Import(importer=module, imported=imported, line=node.lineno, deferred=deferred)


def _statements(tree: ast.Module) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, deferred = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, deferred
        elif isinstance(node, ast.If) and _for_type_checkers(node.test):
            waiting += [(child, True) for child in node.body]
            waiting += [(child, deferred) for child in node.orelse]
        else:
            inside = deferred or isinstance(node, DEFERRED)
            waiting += [(child, inside) for child in ast.iter_child_nodes(node)]


def _for_type_checkers(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _named(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """Yield the absolute names that a statement imports, each with its attribute where it has one."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    parts = package.split(".") if node.level else []
    above = parts[: len(parts) - node.level + 1] if node.level else []
    if node.level and not above:
        return
    base = ".".join([*above, *([node.module] if node.module else [])])
    yield from (f"{base}.{alias.name}" for alias in node.names)


def _known(name: str, modules: Mapping[str, str]) -> str | None:
    """Return the module that holds a name: itself, or the longest start of it."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def _components(needs: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """Return the strongly connected components, each behind those that it needs: Tarjan, by a stack."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for root in needs:
        if root in index:
            continue
        work = [(root, iter(needs[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            node, rest = work[-1]
            following = next((one for one in rest if one not in done), None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    found.append(tuple(sorted(stack[at:])))
                    done.update(stack[at:])
                    del stack[at:]
            elif following in index:
                low[node] = min(low[node], index[following])
            else:
                index[following] = low[following] = len(index)
                stack.append(following)
                work.append((following, iter(needs[following])))
    return found
