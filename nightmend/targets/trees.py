"""Which files of a snapshot the tools read, and how they lie in a box."""

from collections.abc import Callable, Mapping

from nightmend.detectors.tree import SLOT, TreeView
from nightmend.documents.documents import is_document, is_markup
from nightmend.sandboxes.protocol import DEFAULT_WORKDIR
from nightmend.snapshot import Snapshot
from nightmend.targets.protected import protected, surprising
from nightmend.workspace import Workspace


def python_sources(workspace: Workspace, snapshot: Snapshot) -> dict[str, bytes]:
    """Return the Python files to recover: none vendored, generated, encrypted, or left out by the target."""
    return _written(workspace, snapshot, lambda path: path.endswith(".py"))


def documents(workspace: Workspace, snapshot: Snapshot) -> dict[str, bytes]:
    """Return the documents that people of the project write, whose links are read from where they stand."""
    return _written(workspace, snapshot, is_document)


def all_python(workspace: Workspace, snapshot: Snapshot) -> dict[str, bytes]:
    """Return every Python file: what nobody recovers still imports from what is recovered."""
    paths = [path for path in workspace.store.files(snapshot) if path.endswith(".py")]
    return workspace.store.read_many(snapshot, sorted(paths))


def left_out(workspace: Workspace, snapshot: Snapshot) -> dict[str, str]:
    """Return the files that a person would expect to be read and that are not, each with the reason."""
    store, covers = workspace.store, workspace.night.declared.covers
    reasons = {path: why for path, why in protected(store, snapshot).items() if surprising(why)}
    reasons |= dict.fromkeys(store.unnamed(snapshot), "named with letters that are not UTF-8")
    return {
        path: why
        for path, why in sorted(reasons.items())
        if (path.endswith(".py") or is_document(path)) and covers(path)
    }


def _written(workspace: Workspace, snapshot: Snapshot, kind: Callable[[str], bool]) -> dict[str, bytes]:
    kept_out = protected(workspace.store, snapshot)
    covers = workspace.night.declared.covers
    paths = [
        path
        for path in workspace.store.files(snapshot)
        if kind(path) and path not in kept_out and covers(path)
    ]
    return workspace.store.read_many(snapshot, sorted(paths))


def checkout_view(workspace: Workspace, snapshot: Snapshot, contents: Mapping[str, bytes]) -> TreeView:
    """Describe files that stand at their own place in a checkout of their snapshot."""
    return TreeView(
        files={path: content for path, content in contents.items() if not is_markup(path)},
        documents={path: content for path, content in contents.items() if is_markup(path)},
        links=frozenset(workspace.store.special(snapshot)),
        python=workspace.own.executable,
        workdir=DEFAULT_WORKDIR,
        all_paths=frozenset(workspace.store.files(snapshot)),
    )


def variants_view(workspace: Workspace, snapshot: Snapshot, variants: list[tuple[str, bytes]]) -> TreeView:
    """Describe variants of files, each a path and a content, side by side in an otherwise empty box."""
    files = {
        f"{SLOT.format(number=number)}/{path}": content for number, (path, content) in enumerate(variants)
    }
    return checkout_view(workspace, snapshot, files).model_copy(update={"variants": True})
