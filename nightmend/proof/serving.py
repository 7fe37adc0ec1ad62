"""Does the target's own code still load its models and predict with them? Really done, in a sandbox."""

import ast
import json
import math
import re
from collections.abc import Iterable, Iterator

from nightmend.frozen import Frozen
from nightmend.proof.packages import packages_of
from nightmend.proof.survey import INSIDE, environment
from nightmend.proof.syntax import parse
from nightmend.sandboxes.protocol import Sandbox
from nightmend.snapshot import Snapshot
from nightmend.targets.protected import is_test
from nightmend.targets.trees import python_sources
from nightmend.workspace import Workspace

SCRIPT = INSIDE / "serve.py"
LOADER = re.compile(r"^(load|read|restore|open)\w*$")
MODEL_FILE = re.compile(
    r"\.(npz|npy|pkl|pickle|joblib|pt|pth|safetensors|cbm|ubj)$|model[^/]*\.json$", re.IGNORECASE
)
MOST = 20
"""Pairs of a loader and a file that are tried."""
MARK = b"served "


class Serving(Frozen):
    """Where a target keeps its models, and who loads them."""

    loaders: tuple[tuple[str, str], ...]
    """Module and function; it takes a file."""
    roots: tuple[str, ...]
    files: tuple[str, ...]


class Served(Frozen):
    """What one loader made of one file."""

    loader: str
    file: str
    predictions: tuple[float, ...]
    error: str

    @property
    def works(self) -> bool:
        """Whether the model was loaded and every prediction is a finite number."""
        return bool(self.predictions) and all(math.isfinite(one) for one in self.predictions)

    @property
    def pair(self) -> tuple[str, str]:
        """What makes it comparable with that of another tree."""
        return self.loader, self.file


class ModelCheck(Frozen):
    """How the models of a target were served before and after a repair."""

    before: tuple[Served, ...]
    after: tuple[Served, ...]

    @property
    def problem(self) -> str:
        """Why the repair may not stand; empty where some model predicts, and each as it did before."""
        now = {one.pair: one for one in self.after}
        for one in self.before:
            other = now.get(one.pair)
            if one.works and (other is None or not other.works):
                why = other.error if other else "no answer"
                return f"{one.loader} does not serve {one.file} any more: {why}"
            if one.works and other and not _equal(one.predictions, other.predictions):
                return f"{one.loader} predicts other numbers from {one.file}"
        if not any(one.works for one in self.after):
            said = next((one.error for one in self.after if one.error), "nothing was tried")
            return f"no model of the target can be loaded and asked: {said}"
        return ""


def serving_of(workspace: Workspace, snapshot: Snapshot) -> Serving | None:
    """Find the model files of a snapshot and the functions that load models; None where one is missing."""
    paths = workspace.store.files(snapshot)
    files = tuple(path for path in sorted(paths) if MODEL_FILE.search(path) and not is_test(path))
    shipped = {path: (name, one.root) for one in packages_of(paths) for name, path in one.modules.items()}
    sources = {
        path: content for path, content in python_sources(workspace, snapshot).items() if path in shipped
    }
    found = [
        (*shipped[path], function)
        for path, content in sources.items()
        for function in _loaders(path, content)
    ]
    if not files or not found:
        return None
    loaders = tuple((name, function) for name, _, function in found)
    roots = tuple(sorted({root for _, root, _ in found}))
    return Serving(loaders=loaders[: max(1, MOST // len(files))], roots=roots, files=files[:MOST])


def serve(workspace: Workspace, box: Sandbox, serving: Serving) -> tuple[Served, ...]:
    """Load and predict in a sandbox that holds the target's tree, with the target's own interpreter."""
    orders = {"loaders": serving.loaders, "roots": serving.roots, "files": serving.files}
    command = [workspace.interpreter.executable, "-B", "-", json.dumps(orders)]
    result = box.run(command, env=environment(workspace), stdin=SCRIPT.read_bytes())
    lines = [line for line in result.stdout.splitlines() if line.startswith(MARK)]
    return tuple(_read(lines))


def _read(lines: Iterable[bytes]) -> Iterator[Served]:
    """Read what the target's process printed; it may print anything."""
    for line in lines:
        try:
            yield Served.model_validate_json(line.removeprefix(MARK))
        except ValueError:
            continue


def _loaders(path: str, content: bytes) -> Iterator[str]:
    """Name the functions at the top of a module that load a model from one file."""
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or not LOADER.match(node.name):
            continue
        given = node.args
        needed = len(given.posonlyargs + given.args) - len(given.defaults)
        takes_one = len(given.posonlyargs + given.args) >= 1 and needed <= 1
        if takes_one and "model" in f"{path}/{node.name}".lower():
            yield node.name


def _equal(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and all(
        math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
        for first, second in zip(one, other, strict=True)
    )
