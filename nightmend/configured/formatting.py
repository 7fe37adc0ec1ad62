"""How a target formats its code, as settings of ruff's formatter: its own, or those that do as black does."""

from nightmend.configured.files import ConfigFiles, Table, whole
from nightmend.configured.project import BLACK_LINE
from nightmend.configured.ruff import RuffTable

OLDEST = (3, 7)
"""Python that ruff knows."""
TOP = frozenset(("indent-width", "line-length", "preview", "target-version"))
KEYS = frozenset(
    (
        "docstring-code-format", "docstring-code-line-length", "indent-style", "line-ending", "preview",
        "quote-style", "skip-magic-trailing-comma",
    )
)  # fmt: skip
PLACES = (
    (".ruff.toml", "format"),
    ("ruff.toml", "format"),
    ("pyproject.toml", "tool", "ruff", "format"),
)


def formatting(files: ConfigFiles, root: RuffTable | None, floor: tuple[int, int] | None) -> Table | None:
    """Return the settings; None where the target configures no formatter that ruff can stand for."""
    version: Table = {"target-version": "py{}{}".format(*max(floor, OLDEST))} if floor else {}
    for path, *keys in PLACES:
        own = files.table(path, *keys)
        if own is not None:
            top = {key: value for key, value in (root.top if root else {}).items() if key in TOP}
            return {**version, **top, "format": {key: own[key] for key in sorted(KEYS & own.keys())}}
    black = files.table("pyproject.toml", "tool", "black")
    return None if black is None else {**version, **_as_black(black)}


def _as_black(black: Table) -> Table:
    quotes = "preserve" if black.get("skip-string-normalization") is True else "double"
    commas = black.get("skip-magic-trailing-comma") is True
    return {
        "line-length": whole(black.get("line-length")) or BLACK_LINE,
        "format": {"quote-style": quotes, "skip-magic-trailing-comma": commas},
    }
