"""Open a night: look at the target, name the run, and fix everything that its results depend on."""

import hashlib
import os
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import metadata
from pathlib import Path

from nightmend.advisories.database import advisories_folder, stamp
from nightmend.agents import AGENTS, PHASES, Phase, phase_of
from nightmend.environments.interpreter import Interpreter, find_interpreter
from nightmend.environments.provide import environments_folder, provide
from nightmend.environments.uses import note_use
from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.git.branches import tip
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.home import state_folder
from nightmend.ledger.ledger import Ledger
from nightmend.night import ALWAYS, Night
from nightmend.settings import Budget, OrchestratorSettings, Profile, SandboxSettings, Thresholds
from nightmend.targets.settings import target_settings
from nightmend.workspace import target_folder

GENERATIONS = "generations"
"""In the folder of a target: a file for each phase, a byte for each time that its results became void."""


class Waiting(Frozen):
    """What the last night had no time for, by `drop_keys`."""

    keys: tuple[str, ...] = ()


TOOLS = ("bandit", "coverage", "griffelib", "mypy", "pycodestyle", "pylint", "ruff", "vermin")


def open_night(
    target: str | Path,
    python: str | None = None,
    profile: Profile = "ratchet",
    *,
    home: Path | None = None,
    orchestrator: OrchestratorSettings | None = None,
    sandbox: SandboxSettings | None = None,
    thresholds: Thresholds | None = None,
    through: Phase = "quality",
    only: Sequence[str] = (),
    budget: Budget | None = None,
    discreet: bool = False,
    build_environment: bool = False,
    allow_breaking: bool = False,
    long_lines: bool = False,
    unsafe_fixes: bool | None = None,
    deadline: float | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Night:
    """Return the night of a target; UsageError where the target or the interpreter is not what it seems.

    The profile is the stricter of the one asked for here and the target's own: neither weakens the other.
    `deadline` is when no further repairs are tried, in seconds since the epoch.
    `build_environment` has what the target declares installed where no `python` is named; `tell` hears of it.
    Of `unsafe_fixes` the nearest word counts: the run's, else the target's, else the installation's.
    """
    _refuse_agents(through, only)
    place = Target.open(Path(target))
    home = home or state_folder()
    _refuse_built(python, home)
    interpreter = find_interpreter(python, target=str(place.path))
    store = Store(target_folder(home, place.path) / "store.git", place)
    commit = place.head()
    base = store.snapshot(commit)
    declared = target_settings(store, base)
    orchestrator = orchestrator or OrchestratorSettings()
    said = (unsafe_fixes, declared.unsafe_fixes, orchestrator.unsafe_fixes)
    ledger = Ledger.open(target_folder(home, place.path), tell)
    environment = None
    if build_environment and python is None:
        built = provide(store, base, place.path, home, declared.environment, tell)
        interpreter = built.interpreter or interpreter
        environment = store.put(built.model_dump_json().encode())
        note_use(target_folder(home, place.path), built)
    return Night(
        run=_run_name(place, target_folder(home, place.path)),
        target=str(place.path),
        home=str(home),
        base_commit=commit,
        base=base,
        profile="strict" if "strict" in (profile, declared.profile) else "ratchet",
        python=interpreter.executable,
        environment=environment,
        engine=_digest(engine_digest(), *_environment(interpreter), stamp(advisories_folder())),
        orchestrator=orchestrator,
        sandbox=sandbox or SandboxSettings(),
        thresholds=thresholds or Thresholds(),
        deadline=deadline,
        waiting=None if deadline is None else _waiting(store, ledger),
        budget=budget or Budget(),
        discreet=discreet,
        refused=ledger.refused(),
        declared=declared,
        allow_breaking=allow_breaking,
        long_lines=long_lines,
        unsafe_fixes=next(one for one in said if one is not None),
        through=through,
        only=tuple(agent for agent in AGENTS if agent in only),
    )


def _run_name(target: Target, folder: Path) -> str:
    """Name a run by the time of day, in UTC; a clock that was put back never gives a name twice."""
    moment = datetime.now(UTC)
    while True:
        name = moment.strftime("%Y%m%d-%H%M%S")
        if not (folder / "checkpoints" / name).exists() and tip(target, f"nightmend/{name}") is None:
            return name
        moment += timedelta(seconds=1)


def _waiting(store: Store, ledger: Ledger) -> str:
    waiting = Waiting(keys=tuple(sorted(ledger.unreached())))
    return store.put(waiting.model_dump_json().encode())


def _refuse_built(python: str | None, home: Path) -> None:
    """Refuse an interpreter that we built: it holds code of packages, and runs in sandboxes alone."""
    if python and environments_folder(home).resolve() in Path(python).expanduser().absolute().parents:
        raise UsageError(f"{python} was built by nightmend, which finds it by itself: leave out --python")


def _refuse_agents(through: Phase, only: Sequence[str]) -> None:
    """Refuse an agent that there is not, and one whose phase is left out."""
    phases = tuple(PHASES)
    for agent in only:
        if agent not in AGENTS:
            raise UsageError(f"there is no agent {agent!r}: choose of {', '.join(AGENTS)}")
        if phases.index(phase_of(agent)) > phases.index(through):
            raise UsageError(
                f"agent {agent} works in phase {phase_of(agent)}, behind {through}: go through that phase"
            )


def ambient_night() -> Night:
    """Return a night on NIGHTMEND_TARGET, the target that the agents' constructors speak of by default."""
    target = os.environ.get("NIGHTMEND_TARGET")
    if not target:
        raise UsageError("no target is named: set NIGHTMEND_TARGET to the repository, or pass a night")
    return open_night(target, os.environ.get("NIGHTMEND_PYTHON"))


@cache
def engine_digest() -> str:
    """Digest our own source and the versions of the tools: what another engine did is not reused."""
    root = Path(__file__).parent.parent
    files = sorted(
        path
        for room in ("nightmend", "tasks")
        for path in (root / room).rglob("*")
        if path.suffix in {".py", ".toml"}
    )
    versions = [f"{tool} {metadata.version(tool)}" for tool in TOOLS]
    sources = [f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return _digest(platform.python_version(), *versions, *sources)


def _environment(interpreter: Interpreter) -> list[str]:
    """List what is installed beside the target: other packages can make other test results."""
    return [interpreter.executable, *installed(interpreter)]


def installed(interpreter: Interpreter) -> list[str]:
    """Return the version of an interpreter, and the names of what is installed for it with theirs."""
    places = [Path(place) for place in interpreter.site_packages]
    found = sorted(entry.name for place in places for entry in place.glob("*-info"))
    return [str(interpreter.version), *found]


def night_key(night: Night, *parts: str) -> str:
    """Return the key of a checkpoint: equal only where the same work on the same state would be done.

    It shows the target's folder, so that all results of a target can be found. The first of `parts` names the
    step: a phase or an agent. How the orchestrator runs agents (at once, how long, how loud) changes nothing
    of what they find, and is no part of it. Nor is the time that a night has: a step that it cut short is
    never found again, since `note_cut` makes other keys.
    """
    times = f"{generation(night, phase_of(parts[0]))} {_count(_cuts_file(night, parts[0]))}"
    return _key(night, times, *parts)


def batch_key(night: Night, *parts: str) -> str:
    """Return the key of a batch of repairs of an agent, which stands although its agent was cut short."""
    return _key(night, str(generation(night, phase_of(parts[0]))), *parts)


def _key(night: Night, times: str, *parts: str) -> str:
    fixed = night.model_dump_json(include={"target", "base_commit", "profile", "python", "engine"})
    settings = night.model_dump_json(include={"sandbox", "thresholds", "declared"})
    phase = phase_of(parts[0])
    sums_up = phase == night.phases[-1] and phase not in ALWAYS
    chosen = (*night.agents(phase), "sums up" if sums_up else "")
    judged = (*sorted(night.refused), *map(str, (night.allow_breaking, night.long_lines, night.unsafe_fixes)))
    judged = () if phase in ALWAYS else judged
    digest = _digest(fixed, settings, *chosen, *judged, times, *parts)
    return "-".join(("nightmend", parts[0], _folder(night).name, digest))


def generation(night: Night, phase: Phase) -> int:
    """Return how often this phase of the target was rolled back; its work from before one is never reused."""
    return _count(_folder(night) / GENERATIONS / phase)


def next_generation(night: Night, phase: Phase) -> None:
    """Make every result of a phase and of its agents unusable, because it was rolled back."""
    raise_generation(_folder(night), phase)


def raise_generation(folder: Path, phase: Phase) -> None:
    """Make every result of a phase of the target with this folder unusable."""
    _add(folder / GENERATIONS / phase)


def note_cut(night: Night, agent: str) -> None:
    """Make the results of an agent and of its phase unusable for later nights, because time was over."""
    for step in (agent, phase_of(agent)):
        _add(_cuts_file(night, step))


def cuts(night: Night, agent: str) -> int:
    """Return how often an agent was cut short because time was over."""
    return _count(_cuts_file(night, agent))


def _count(file: Path) -> int:
    return len(file.read_bytes()) if file.exists() else 0


def _add(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"+")


def _folder(night: Night) -> Path:
    return target_folder(Path(night.home), Path(night.target))


def _cuts_file(night: Night, step: str) -> Path:
    return _folder(night) / "cuts" / step


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
