from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.issue import Category, Severity
from nightmend.repairs.repair import Safety

Text = Annotated[str, StringConstraints(min_length=1)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[A-Z].*[^.]$")]
Alias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+:[A-Za-z0-9-]+$")]
Floor = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+$")]


class PatternError(UsageError):
    """A pattern file cannot be used; the sentence names the file and the field."""


class Source(Frozen):
    """Where a piece of source stands: its path, other files of the tree, and the declared Python floor."""

    path: Text = "example.py"
    files: tuple[str, ...] = ()
    moves: dict[str, str] = Field(default_factory=dict)
    """Where paths of the past are now."""
    python: Floor | None = None

    @property
    def floor(self) -> tuple[int, int] | None:
        """The declared Python floor as numbers."""
        if self.python is None:
            return None
        major, minor = self.python.split(".")
        return int(major), int(minor)


class Example(Source):
    """A fault and its exact repair."""

    before: Text
    after: Text
    safety: Safety | None = None
    """How safe every repair in it is, where that differs from place to place."""

    @model_validator(mode="after")
    def _changes(self) -> Self:
        if self.before == self.after:
            raise ValueError("before and after are the same")
        return self


class Unchanged(Source):
    """A look-alike that must stay as it is, and why."""

    source: Text
    because: Text


class Detect(Frozen):
    """Who finds the fault: our code in the module of the same stem, or a rule of ruff."""

    code: bool = False
    ruff: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.code == (self.ruff is not None):
            raise ValueError("say either code = true or ruff = RULE")
        return self


class Rewrite(Frozen):
    """Who repairs it: our code in the module of the same stem, or the fix of a ruff rule."""

    codemod: bool = False
    ruff: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.codemod == (self.ruff is not None):
            raise ValueError("say either codemod = true or ruff = RULE")
        return self


class Pattern(Frozen):
    """One replay pattern: a fault, its rewrite, how safe that is, and the examples that prove both."""

    name: Text
    title: Title | None = None
    """What its commits do, as their subject says it: `Remove unused imports`."""
    agent: Text
    category: Category
    severity: Severity
    safety: Safety
    why: Text
    references: tuple[Text, ...] = Field(min_length=1)
    seen: Text
    """A released project and its version where the repair would be merged, or `never seen`."""
    aliases: tuple[Alias, ...] = ()
    """Rules of tools that report the same fault, as `tool:rule`."""
    gives_way_to: tuple[Text, ...] = ()
    """Lighter faults that may stand where this one stood, as a broad handler does after a bare one."""
    detect: Detect
    rewrite: Rewrite
    claims_speed: bool = False
    examples: tuple[Example, ...] = Field(min_length=1, validation_alias="example")
    unchanged: tuple[Unchanged, ...] = Field(min_length=1)
    code: str | None = None
    """File of the module beside it, where the pattern has code."""

    @property
    def rules(self) -> tuple[str, ...]:
        """Rules of tools that this pattern answers to, as `tool:rule`."""
        return (*self.aliases, *((f"ruff:{self.rewrite.ruff}",) if self.rewrite.ruff else ()))

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.detect.code != self.rewrite.codemod:
            raise ValueError("a pattern with code has both detect.code and rewrite.codemod")
        if self.detect.ruff != self.rewrite.ruff:
            raise ValueError("detect.ruff and rewrite.ruff must name the same rule")
        return self
