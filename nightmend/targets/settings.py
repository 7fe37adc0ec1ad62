"""What a target says of its nights: `[tool.nightmend]` of its pyproject.toml, read as data.

It is the target's word, so it can narrow what a night does and never widen it: no key opens a protected
file, a test, the network, or a pattern whose evidence is too weak.
"""

import tomllib
from collections.abc import Collection
from functools import lru_cache

from pathspec import GitIgnoreSpec
from pydantic import Field, StrictBool, StrictInt, StrictStr
from pydantic import ValidationError as InvalidTable

from nightmend.detectors.registry import taxonomies
from nightmend.environments.names import Chosen
from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.git.store import Store
from nightmend.issue import Finding, Issue
from nightmend.patterns.loader import load_patterns
from nightmend.proof.pytest_command import PytestCommand, pytest_command
from nightmend.settings import MIB, Profile
from nightmend.snapshot import Snapshot
from nightmend.targets.protected import is_test, vendored

FILE = "pyproject.toml"
MARKS = (FILE, "setup.py", "setup.cfg")
"""What a folder has that is a project of its own."""
TABLE = f"[tool.nightmend] of {FILE}"
EXPECTED = {
    "include": "a list of path patterns",
    "exclude": "a list of path patterns",
    "rules": "a table of names with true or false",
    "test_command": "a command line, as a string or a list of strings",
    "profile": "`ratchet` or `strict`",
    "environment": "a table of `extras` and `groups`, lists of names",
    "unsafe_fixes": "true or false",
    "max_state": "a number of bytes, a million at least",
}


class Declared(Frozen):
    """The table as the target wrote it."""

    include: list[StrictStr] = Field(default_factory=list)
    exclude: list[StrictStr] = Field(default_factory=list)
    rules: dict[str, StrictBool] = Field(default_factory=dict)
    test_command: StrictStr | list[StrictStr] | None = None
    profile: Profile = "ratchet"
    environment: Chosen = Chosen()
    unsafe_fixes: StrictBool | None = None
    max_state: StrictInt | None = Field(None, ge=MIB)


class TargetSettings(Frozen):
    """The settings of a target, checked against its snapshot."""

    include: tuple[str, ...] = ()
    """Patterns of the files to recover, as in a .gitignore; none is all of them."""
    exclude: tuple[str, ...] = ()
    """Patterns of files to leave alone."""
    rules: dict[str, bool] = Field(default_factory=dict)
    """Patterns of ours and rules of tools (`ruff:E501`) that are switched on or off."""
    test_command: PytestCommand | None = None
    profile: Profile = "ratchet"
    environment: Chosen = Chosen()
    """Which of its extras and groups its tests need."""
    unsafe_fixes: bool | None = None
    """Whether fixes that the linter calls unsafe are proved as well; None where it does not say."""
    max_state: int | None = None
    """Bytes that may be kept of its nights, where the installation would keep more."""

    def covers(self, path: str) -> bool:
        """Say whether a night may look at a file."""
        wanted = not self.include or _spec(self.include).match_file(path)
        return wanted and not (self.exclude and _spec(self.exclude).match_file(path))

    @property
    def asked(self) -> tuple[str, ...]:
        """The rules of tools that are switched on."""
        return tuple(name for name, on in self.rules.items() if on and ":" in name)

    def marked(self, finding: Finding) -> Finding:
        """Mark a finding whose rule the target switches on here."""
        on = self.rules.get(f"{finding.detector}:{finding.rule}", False)
        return finding.model_copy(update={"enabled": True}) if on else finding

    def weighed(self, issue: Issue) -> Issue:
        """Let nobody act on an issue that the target has switched off, by any of its names."""
        off = any(self.rules.get(name) is False for name in (issue.fault, *issue.rules))
        return issue.model_copy(update={"actionable": False}) if off else issue


def target_settings(store: Store, snapshot: Snapshot) -> TargetSettings:
    """Read the settings of a snapshot; UsageError says in a sentence what cannot be used."""
    files = store.files(snapshot)
    _refuse_several_projects(files)
    table = _table(store.read(snapshot, FILE)) if FILE in files else {}
    try:
        declared = Declared.model_validate(table)
    except InvalidTable as error:
        raise _wrong(error, table) from None
    settings = TargetSettings(
        include=tuple(declared.include),
        exclude=tuple(declared.exclude),
        rules=_known(declared.rules),
        test_command=None
        if declared.test_command is None
        else pytest_command(declared.test_command, files.keys()),
        profile=declared.profile,
        environment=declared.environment,
        unsafe_fixes=declared.unsafe_fixes,
        max_state=declared.max_state,
    )
    if (settings.include or settings.exclude) and not any(map(settings.covers, files)):
        raise UsageError(f"include and exclude in {TABLE} leave no file of the target: correct them")
    return settings


@lru_cache(maxsize=32)
def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise UsageError(f"{TABLE} has a path pattern that .gitignore could not have: {error}") from None


def _refuse_several_projects(files: Collection[str]) -> None:
    """Refuse to guess which of several projects is meant; a file at the root says that all are."""
    if any(mark in files for mark in MARKS):
        return
    folders = {path.rpartition("/")[0] for path in files if path.rpartition("/")[2] in MARKS}
    projects = sorted(
        folder for folder in folders if not is_test(f"{folder}/") and not vendored(f"{folder}/")
    )
    if len(projects) > 1:
        named = ", ".join(projects[:10]) + (f" and {len(projects) - 10} more" if len(projects) > 10 else "")
        raise UsageError(
            f"the target holds several projects ({named}): say which by `include` in [tool.nightmend] of a "
            f"{FILE} at its root"
        )


def _table(content: bytes) -> object:
    try:
        tool = tomllib.loads(content.decode("utf-8-sig")).get("tool", {})
    except (ValueError, RecursionError) as error:
        if b"tool.nightmend" in content:
            raise UsageError(f"{FILE} cannot be read, and so not its [tool.nightmend]: {error}") from None
        return {}  # the diagnosis reports it
    return tool.get("nightmend", {}) if isinstance(tool, dict) else {}


def _wrong(error: InvalidTable, table: object) -> UsageError:
    problem = error.errors()[0]
    if not problem["loc"]:
        return UsageError(f"{TABLE} is no table: write keys of it ({', '.join(EXPECTED)})")
    key = str(problem["loc"][0])
    if key not in EXPECTED:
        return UsageError(f"{TABLE} has the unknown key `{key}`: known are {', '.join(EXPECTED)}")
    return UsageError(f"{key} in {TABLE} is not {EXPECTED[key]}: correct it")


def _known(rules: dict[str, bool]) -> dict[str, bool]:
    """Refuse a name that nothing has: who wrote it believes that it does something."""
    patterns, tools = load_patterns(), taxonomies()
    shared = {fault for taxonomy in tools.values() for fault in taxonomy.faults.values()}
    for name in rules:
        tool, colon, rule = name.partition(":")
        if name not in patterns and name not in shared and not (colon and rule and tool in tools):
            raise UsageError(
                f"rules in {TABLE} has `{name}`, which is neither a pattern (docs/patterns.md) nor a rule "
                f"of a tool ({', '.join(f'{one}:CODE' for one in sorted(tools))})"
            )
    return dict(sorted(rules.items()))
