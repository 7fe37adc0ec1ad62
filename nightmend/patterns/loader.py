import importlib.util
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from pydantic import ValidationError

from nightmend.agents import AGENTS
from nightmend.issue import Category
from nightmend.patterns.pattern import Pattern, PatternError
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

FOLDER = Path(__file__).parent
CATEGORY: dict[str, Category] = {
    "agent_framework_repair": "agent_framework",
    "model_system_repair": "model_system",
    "data_pipeline_repair": "data_pipeline",
    "performance_tuning": "performance",
    "async_optimization": "async",
    "code_quality": "quality",
    "documentation_update": "documentation",
}


class PatternCode(Protocol):
    """What the module beside a pattern offers; both functions are pure."""

    def find(self, module: Module) -> Iterable[Fault]:
        """Yield the faults of a module."""

    def rewrite(self, module: Module, fault: Fault) -> list[Edit] | None:
        """Return the smallest edits that repair a fault, or None where that is not certain."""


def load_patterns(folder: Path = FOLDER) -> dict[str, Pattern]:
    """Read every `<agent>/<fault>.toml` below the folder; raises PatternError on the first that is broken."""
    patterns: dict[str, Pattern] = {}
    owners: dict[str, str] = {}
    for file in sorted(folder.glob("*/*.toml")):
        pattern = _load(file)
        for name in (pattern.name, *pattern.aliases):
            if name in owners:
                raise PatternError(f"{file}: `{name}` already belongs to the pattern {owners[name]}")
            owners[name] = pattern.name
        patterns[pattern.name] = pattern
    for module in sorted(folder.glob("*/*.py")):
        if module.name != "__init__.py" and not module.with_suffix(".toml").exists():
            raise PatternError(f"{module}: code without a pattern; add {module.stem}.toml beside it")
    return patterns


def code_of(pattern: Pattern) -> PatternCode:
    """Return the module beside a pattern; raises PatternError where it has none."""
    if pattern.code is None:
        raise PatternError(f"pattern {pattern.name} has no code of its own; its fix is the linter's")
    return cast(PatternCode, _module(pattern.code))


def check_linter_fixes(patterns: Iterable[Pattern]) -> None:
    """Raise PatternError for a pattern that relies on a ruff rule without a fix; starts ruff once."""
    command = [sys.executable, "-I", "-m", "ruff", "rule", "--all", "--output-format", "json"]
    done = subprocess.run(command, capture_output=True, check=False, cwd="/")
    if done.returncode:
        raise PatternError("ruff does not list its rules; install the ruff that requirements.lock names")
    fixable = {rule["code"] for rule in json.loads(done.stdout) if rule["fix_availability"] != "None"}
    for pattern in patterns:
        if pattern.rewrite.ruff is not None and pattern.rewrite.ruff not in fixable:
            raise PatternError(
                f"pattern {pattern.name}: rewrite.ruff = {pattern.rewrite.ruff}, a rule without a fix"
            )


def _load(file: Path) -> Pattern:
    agent = file.parent.name
    if agent not in AGENTS or agent not in CATEGORY:
        raise PatternError(f"{file}: the folder `{agent}` is not the name of an agent that repairs")
    data = _read(file)
    for field in ("name", "agent", "category", "code"):
        if field in data:
            raise PatternError(f"{file}: {field}: comes from the file's place, take it out")
    code = file.with_suffix(".py")
    given = {"name": file.stem.replace("_", "-"), "agent": agent, "category": CATEGORY[agent]}
    try:
        pattern = Pattern.model_validate({**data, **given, "code": str(code) if code.exists() else None})
    except ValidationError as error:
        raise PatternError(f"{file}: {_first(error)}") from error
    _check_code(file, pattern)
    return pattern


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PatternError(f"{file}: is not valid TOML: {error}") from error
    except OSError as error:
        raise PatternError(f"{file}: cannot be read: {error.strerror}") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the pattern"
    return f"{field}: {first['msg'].removeprefix('Value error, ')}"


def _check_code(file: Path, pattern: Pattern) -> None:
    if pattern.detect.code and pattern.code is None:
        raise PatternError(f"{file}: detect.code: there is no {file.stem}.py beside it")
    if pattern.code is None:
        return
    if not pattern.detect.code:
        raise PatternError(f"{file}: detect: has {file.stem}.py beside it, but does not say code = true")
    for function in ("find", "rewrite"):
        if not callable(getattr(_module(pattern.code), function, None)):
            raise PatternError(f"{pattern.code}: {function}: is missing, the pattern needs it")


@cache
def _module(code: str) -> ModuleType:
    file = Path(code)
    parts = file.with_suffix("").parts
    ours = file.parent.parent == FOLDER
    name = ".".join(("nightmend.patterns", *parts[-2:])) if ours else "_".join(("pattern", *parts[-2:]))
    try:
        if ours:
            return importlib.import_module(name)
        loader = SourceFileLoader(name, code)
        module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=code))
        loader.exec_module(module)
    except Exception as error:
        raise PatternError(f"{code}: the code does not load: {type(error).__name__}: {error}") from error
    return module
