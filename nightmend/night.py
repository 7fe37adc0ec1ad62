import time

from pydantic import Field

from nightmend.agents import PHASES, Phase
from nightmend.frozen import Frozen
from nightmend.settings import Budget, OrchestratorSettings, Profile, SandboxSettings, Thresholds
from nightmend.snapshot import Snapshot
from nightmend.targets.settings import TargetSettings

ALWAYS: tuple[Phase, ...] = ("foundation", "diagnostics")
"""What all other phases stand on."""


class Night(Frozen):
    """What a task is told of the night it works in: references only, so that it may travel anywhere."""

    run: str
    """Name of the run, also of its branch: nightmend/<run>."""
    target: str
    """Absolute path of the repository under recovery; never the working directory of a process of ours."""
    home: str
    """The state folder, NIGHTMEND_HOME."""
    carried: str | None = None
    """A repository with its objects, on a machine that was brought no more of it; None where it is itself."""
    base_commit: str
    base: Snapshot
    profile: Profile
    python: str
    """The interpreter that has the target's dependencies."""
    environment: str | None = None
    """Name of what was installed for the target, in the object store; None where an interpreter was named."""
    engine: str = ""
    """Digest of our code, its tools and the interpreter: what another engine did is no checkpoint."""
    orchestrator: OrchestratorSettings = OrchestratorSettings()
    sandbox: SandboxSettings = SandboxSettings()
    thresholds: Thresholds = Thresholds()
    deadline: float | None = None
    """Seconds since the epoch at which no further repairs are tried; None is no limit."""
    waiting: str | None = None
    """What the last night had no time for, in the object store; None where this one has no limit."""
    budget: Budget = Budget()
    """How much of it is published; what it does before is the same."""
    discreet: bool = False
    """Whether the Prefect server of this night is elsewhere, and must not hear any text of the target."""
    refused: dict[str, str] = Field(default_factory=dict)
    """What a person dropped or reverted and when, by `drop_keys`; it is not proposed again."""
    declared: TargetSettings = TargetSettings()
    """What the target itself says of its nights."""
    through: Phase = "quality"
    """The last phase that this night may do."""
    allow_breaking: bool = False
    """Whether repairs may take away of the public interface; a person says so, never the target."""
    long_lines: bool = False
    """Whether lines may become longer than PEP 8 wants where the target does not care: others wrote them."""
    unsafe_fixes: bool = False
    """Whether fixes that the linter itself calls unsafe are proved as well."""
    only: tuple[str, ...] = ()
    """The agents that may repair; none named is all of them."""

    @property
    def time_is_over(self) -> bool:
        """Whether no further repairs are tried."""
        return self.deadline is not None and time.time() >= self.deadline

    def agents(self, phase: Phase) -> tuple[str, ...]:
        """Return the agents that work in a phase: none where the night leaves it out."""
        order = tuple(PHASES)
        if order.index(phase) > order.index(self.through):
            return ()
        everyone = phase in ALWAYS or not self.only
        return tuple(agent for agent in PHASES[phase] if everyone or agent in self.only)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that this night does, in their order."""
        return tuple(phase for phase in PHASES if self.agents(phase))
