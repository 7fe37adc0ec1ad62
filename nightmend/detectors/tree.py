import posixpath
from collections.abc import Iterable

from pydantic import Field

from nightmend.frozen import Frozen

SLOT = "v{number:05d}"
SLOT_PATTERN = "v[0-9][0-9][0-9][0-9][0-9]"
"""Matches the folder of every variant, in the patterns of ruff and of fnmatch alike."""


class TreeView(Frozen):
    """Python files as they lie in a box: one tree at its root, or variants, each in a folder of its own."""

    files: dict[str, bytes]
    """Contents by path from the root of the box."""
    python: str
    """Our own interpreter, which the box can see."""
    workdir: str
    """Absolute path of the root of the box, as seen inside."""
    variants: bool = False
    all_paths: frozenset[str] = frozenset()
    """Every regular file of the snapshot, also those that no tool reads."""
    documents: dict[str, bytes] = Field(default_factory=dict)
    """Markdown and reStructuredText by path, like `files`; no tool but our own reads them."""
    links: frozenset[str] = frozenset()
    """Symbolic links and submodules of the snapshot: what lies below them is unknown."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths, sorted, so that every tool meets them in one order."""
        return tuple(sorted(self.files))

    @property
    def everything(self) -> tuple[str, ...]:
        """The paths of files and documents together, sorted."""
        return tuple(sorted((*self.files, *self.documents)))

    def local_modules(self, folders: Iterable[str]) -> list[str]:
        """Return the names that imports find in these folders of the target; a box of variants lacks them."""
        code = [path for path in self.all_paths if path.endswith(".py")]
        prefixes = ["" if folder == "." else f"{folder}/" for folder in folders]
        below = {path.removeprefix(prefix) for prefix in prefixes for path in code if path.startswith(prefix)}
        return sorted({path.split("/")[0].removesuffix(".py") for path in below})

    def halves(self) -> tuple["TreeView", "TreeView"]:
        """Split the files in two; the documents stay with the first."""
        middle = (len(self.files) + 1) // 2
        first, second = self.paths[:middle], self.paths[middle:]
        return (
            self.model_copy(update={"files": {path: self.files[path] for path in first}}),
            self.model_copy(update={"files": {path: self.files[path] for path in second}, "documents": {}}),
        )

    @property
    def lines(self) -> int:
        """Lines of all files together."""
        return sum(line_count(content) for content in self.files.values())

    def true_path(self, path: str) -> str:
        """Return where a file of the box stands in the target."""
        return path.split("/", 1)[1] if self.variants else path

    def pattern(self, pattern: str) -> str:
        """Rewrite a path pattern that starts at the root of the target, so that it does so in the box."""
        negated, bare = pattern.startswith("!"), pattern.removeprefix("!")
        if self.variants and "/" in bare and not bare.startswith("/"):
            bare = f"{SLOT_PATTERN}/{bare}"
        return f"!{bare}" if negated else bare

    def relative(self, name: str) -> str:
        """Return the path from the root of the box of a file as a tool named it."""
        return posixpath.normpath(name).removeprefix(f"{self.workdir}/")


def line_count(content: bytes) -> int:
    """Count lines as an editor shows them."""
    return content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
