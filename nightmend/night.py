from nightmend.frozen import Frozen
from nightmend.settings import OrchestratorSettings, Profile, SandboxSettings, Thresholds
from nightmend.snapshot import Snapshot


class Night(Frozen):
    """What a task is told of the night it works in: references only, so that it may travel anywhere."""

    run: str
    """Name of the run, also of its branch: nightmend/<run>."""
    target: str
    """Absolute path of the repository under recovery; never the working directory of a process of ours."""
    home: str
    """The state folder, NIGHTMEND_HOME."""
    base_commit: str
    base: Snapshot
    profile: Profile
    python: str
    """The interpreter that has the target's dependencies."""
    engine: str = ""
    """Digest of our code, its tools and the interpreter: what another engine did is no checkpoint."""
    orchestrator: OrchestratorSettings = OrchestratorSettings()
    sandbox: SandboxSettings = SandboxSettings()
    thresholds: Thresholds = Thresholds()
