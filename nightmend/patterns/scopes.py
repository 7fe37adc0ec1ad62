import ast
from collections import defaultdict
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Scope: TypeAlias = ast.AST
"""A module, class, function, lambda or comprehension."""

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SINGLETONS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


class Index:
    """One walk over a module's tree that answers what every pattern asks of it.

    `parents`: the node above each node; `scopes`: the scope in which a node is evaluated; `by_type`: nodes
    in source order, those inside f-strings left out, since their offsets cannot be trusted; `bindings`:
    for each scope the nodes that bind a name.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self.by_type: dict[type, list[ast.AST]] = defaultdict(list)
        self.bindings: dict[Scope, dict[str, list[ast.AST]]] = defaultdict(lambda: defaultdict(list))
        self.stars: list[ast.ImportFrom] = []
        self._declared: list[tuple[Scope, ast.Global | ast.Nonlocal]] = []
        self._walk()
        self._settle_globals()

    def _walk(self) -> None:
        stack: list[tuple[ast.AST, Scope, bool]] = [(self.tree, self.tree, False)]
        while stack:
            node, scope, quoted = stack.pop()
            self.scopes[node] = scope
            if not quoted:
                self.by_type[type(node)].append(node)
            self._bind(node, scope)
            quoted = quoted or isinstance(node, ast.JoinedStr)
            for child, below in reversed(self._children(node, scope)):
                self.parents[child] = node
                stack.append((child, below, quoted))

    def _children(self, node: ast.AST, scope: Scope) -> list[tuple[ast.AST, Scope]]:
        inner = node if isinstance(node, (*FUNCTIONS, ast.ClassDef, *COMPREHENSIONS)) else scope
        children: list[tuple[ast.AST, Scope]] = []
        for field in node._fields:
            value = getattr(node, field, None)
            below = inner if inner is scope or self._evaluated_inside(node, field) else scope
            if isinstance(value, list):
                children += [(item, below) for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and not isinstance(value, _SINGLETONS):
                children.append((value, below))
        return children

    @staticmethod
    def _evaluated_inside(node: ast.AST, field: str) -> bool:
        return field == "body" or isinstance(node, COMPREHENSIONS)

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                self.bindings[self._home(node, scope)][name].append(node)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self.bindings[scope][name].append(node)
            case ast.arg(arg=name):
                self.bindings[self.parents[self.parents[node]]][name].append(node)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                self._bind_imports(node, names, scope)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                self.bindings[scope][name].append(node)
            case ast.MatchMapping(rest=str(name)):
                self.bindings[scope][name].append(node)
            case ast.Global() | ast.Nonlocal():
                self._declared.append((scope, node))
            case _:
                pass

    def _bind_imports(self, node: ast.AST, names: list[ast.alias], scope: Scope) -> None:
        for alias in names:
            if alias.name == "*" and isinstance(node, ast.ImportFrom):
                self.stars.append(node)
                continue
            name = alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name)
            self.bindings[scope][name].append(alias)

    def _home(self, node: ast.AST, scope: Scope) -> Scope:
        """A walrus inside a comprehension binds outside of it."""
        if isinstance(self.parents.get(node), ast.NamedExpr):
            while isinstance(scope, COMPREHENSIONS):
                scope = self.scopes[scope]
        return scope

    def _settle_globals(self) -> None:
        for scope, statement in self._declared:
            outer = self.tree if isinstance(statement, ast.Global) else self.scopes[scope]
            for name in statement.names:
                moved = self.bindings[scope].pop(name, [])
                self.bindings[outer][name] += [*moved, statement]
