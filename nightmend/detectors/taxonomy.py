"""The taxonomy of a detector: a TOML file that says what its rules mean."""

import re
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import Field, model_validator
from pydantic import ValidationError as InvalidFile

from nightmend.agents import AGENTS
from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.issue import Category, Severity

OWNERS: dict[Category, str] = {
    "agent_framework": "agent_framework_repair",
    "model_system": "model_system_repair",
    "data_pipeline": "data_pipeline_repair",
    "performance": "performance_tuning",
    "async": "async_optimization",
    "quality": "code_quality",
    "documentation": "documentation_update",
}
"""The agent that owns a category where a rule names no other."""


class Meaning(Frozen):
    """What some rules, or all that start like them, stand for; the longest start wins."""

    codes: tuple[str, ...] = Field(min_length=1)
    category: Category
    severity: Severity
    fault: str = "{detector}:{rule}"
    """Name that detectors share; `{number}` is the rule without its letters."""
    agent: str = ""
    layout: bool = False
    """The fix leaves the syntax tree as it is, so that even tests may be repaired."""
    unread: bool = False
    """The tool reports that it could not read the file."""
    only_enabled: bool = False
    """An issue only where the target itself enables the rule; else it is counted and not shown."""

    @model_validator(mode="after")
    def _known_agent(self) -> "Meaning":
        if self.agent and self.agent not in AGENTS:
            raise ValueError(f"there is no agent {self.agent!r}")
        return self

    @property
    def owner(self) -> str:
        """The agent that repairs the fault."""
        return self.agent or OWNERS[self.category]

    def fault_of(self, detector: str, rule: str) -> str:
        """Return the name of the fault that a rule reports."""
        return self.fault.format(detector=detector, rule=rule, number=re.sub(r"\D", "", rule))


class Wide(Frozen):
    """Rules that the detector looks for whatever the target enables."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Taxonomy(Frozen):
    """All that a detector's TOML file says."""

    wide: Wide = Wide()
    reads_code: bool = True
    """Whether a file that the detector does not read lowers the coverage of the analysis."""
    faults: dict[str, str] = Field(default_factory=dict)
    """Names of single rules' faults, shared between detectors."""
    rules: tuple[Meaning, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_code_twice(self) -> "Taxonomy":
        codes = [code for meaning in self.rules for code in meaning.codes]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"rules mean two things: {', '.join(twice)}")
        if "" not in codes:
            raise ValueError('no rule with the code "" says what every other rule means')
        return self

    def meaning(self, rule: str) -> Meaning:
        """Return what a rule means: the entry with the longest code that the rule starts with."""
        found = ((code, meaning) for meaning in self.rules for code in meaning.codes)
        return max(((code, meaning) for code, meaning in found if _covers(code, rule)), key=_length)[1]

    def fault(self, detector: str, rule: str) -> str:
        """Return the name of the fault that a rule reports."""
        return self.faults.get(rule) or self.meaning(rule).fault_of(detector, rule)


def load_taxonomy(place: Path | Traversable) -> Taxonomy:
    """Read a taxonomy; raise UsageError naming the file and the key when it says something unknown."""
    try:
        return Taxonomy.model_validate(tomllib.loads(place.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{place.name} is not valid TOML: {error}; correct that line") from None
    except InvalidFile as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file as a whole"
        raise UsageError(f"{place.name}, {key}: {first['msg']}; correct that entry") from None


def _covers(code: str, rule: str) -> bool:
    """Say whether a rule starts with a code; letters alone are a whole family: S is not SIM."""
    return rule.startswith(code) and not (code.isalpha() and rule[len(code) : len(code) + 1].isalpha())


def _length(pair: tuple[str, Meaning]) -> int:
    return len(pair[0])
