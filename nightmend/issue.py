from typing import Literal

from nightmend.frozen import Frozen
from nightmend.repairs.repair import Edit

Category = Literal[
    "agent_framework", "model_system", "data_pipeline", "performance", "async", "quality", "documentation"
]
CATEGORIES: tuple[Category, ...] = (
    "agent_framework", "model_system", "data_pipeline", "performance", "async", "quality", "documentation",
)  # fmt: skip
Severity = Literal["low", "medium", "high"]
FixSafety = Literal["safe", "unsafe"]
SPECIFIED = {"hardcoded-absolute-path": "hardcoded_path"}
"""Faults that the specification calls otherwise."""


class Finding(Frozen):
    """One line of a detector's output, before a taxonomy gives it a meaning.

    Lines and columns count from 1. `fix` is the tool's own proposal, where it has one.
    """

    detector: str
    rule: str
    path: str
    line: int
    column: int = 1
    end_line: int | None = None
    message: str
    fix: tuple[Edit, ...] = ()
    fix_safety: FixSafety | None = None
    enabled: bool = False
    """Whether the target itself enables this rule for this file."""
    severity: Severity | None = None
    """The tool's own grade, where it has one that tells more than the rule."""


class Issue(Frozen):
    """One fault of the target, however many detectors saw it.

    `fault` is the name that all detectors share (the stem of a pattern where there is one, else
    `<detector>:<rule>`); `fingerprint` survives moved lines; `actionable` says that the target enables
    the rule itself, or that a pattern of ours owns it.
    """

    fingerprint: str
    fault: str
    category: Category
    severity: Severity
    agent: str
    path: str
    line: int
    column: int
    end_line: int
    message: str
    rules: tuple[str, ...]
    """Every `<detector>:<rule>` that reported it, sorted."""
    actionable: bool
    fix: tuple[Edit, ...] = ()
    fix_safety: FixSafety | None = None

    @property
    def id(self) -> str:
        """The fingerprint, under the specification's name."""
        return self.fingerprint

    @property
    def type(self) -> str:
        """The kind of fault, under the specification's name where it has one."""
        return SPECIFIED.get(self.fault, self.fault.replace("-", "_"))
