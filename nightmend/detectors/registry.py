import importlib
from functools import cache
from importlib.resources import files
from typing import Protocol, cast

from nightmend.detectors.taxonomy import Taxonomy, Wide, load_taxonomy
from nightmend.detectors.tree import TreeView
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

SUFFIX = ".taxonomy.toml"
"""Not plain `.toml`: ruff takes any `ruff.toml` for its own settings."""


class Detector(Protocol):
    """A module with its taxonomy beside it: `bandit.py` and `bandit.taxonomy.toml`."""

    name: str
    per_file: bool
    """True where the findings of a file depend on nothing but that file and the configuration."""

    def detect(self, box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
        """Return what the target's rules and the wide ones find in the tree that lies in the box.

        Raise ToolError when the tool cannot say.
        """
        ...


@cache
def detectors() -> dict[str, Detector]:
    """Return the detectors by name: every module of this package that has a taxonomy beside it."""
    package = __package__ or "nightmend.detectors"
    beside = (place.name for place in files(package).iterdir() if place.name.endswith(SUFFIX))
    return {
        stem: cast(Detector, importlib.import_module(f"{package}.{stem}"))
        for stem in sorted(name.removesuffix(SUFFIX) for name in beside)
    }


@cache
def taxonomies() -> dict[str, Taxonomy]:
    """Return the taxonomy of each detector by its name."""
    package = files(__package__ or "nightmend.detectors")
    return {name: load_taxonomy(package / f"{name}{SUFFIX}") for name in detectors()}
