from pathlib import Path
from typing import Literal

from pydantic import Field

from nightmend.durations import Duration
from nightmend.frozen import Frozen

Profile = Literal["ratchet", "strict"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
BackEnd = Literal["auto", "bubblewrap", "docker"]
Share = Literal["loopback", "always", "never"]
GIB = 1024**3
MIB = 1024**2


class OrchestratorSettings(Frozen):
    """How the master orchestrator runs a night; the names and defaults are the specification's."""

    max_concurrent_agents: int = Field(10, ge=1, le=64, description="Agents that may work at once")
    default_timeout: float = Field(300, gt=0, description="Seconds an agent may be silent")
    retry_attempts: int = Field(3, ge=0, le=10, description="Further tries after a transient failure")
    health_check_interval: float = Field(60, gt=0, description="Seconds between two health checks")
    log_level: LogLevel = Field("INFO", description="Least level that is logged")
    share: Share = Field(
        "loopback",
        description="Which Prefect server may hear source, diffs, test output: one on loopback, any, none",
    )
    unsafe_fixes: bool = Field(
        False,
        description="Prove also fixes that the linter calls unsafe; a target or a run may say otherwise",
    )
    time_budget: Duration | None = Field(
        None, description="Time for a night that is given none, as 4h, 90m or 2h30m; none is no limit"
    )
    max_state: int = Field(
        10 * GIB, ge=MIB, description="Bytes kept of one target's nights; the oldest go first"
    )
    dask_address: str | None = Field(
        None, description="Scheduler of a Dask cluster for the repair agents; none is processes of our own"
    )


class Limits(Frozen):
    """What one command in a sandbox may use; reaching one ends the whole sandbox and is named."""

    memory: int = Field(2 * GIB, ge=16 * MIB, description="Bytes of memory, all processes together")
    cpu_seconds: float = Field(300, gt=0, description="CPU seconds, all processes together")
    wall_seconds: float = Field(600, gt=0, description="Seconds on the clock")
    silent_seconds: float | None = Field(
        None, gt=0, description="Seconds with neither output nor one percent of a processor"
    )
    processes: int = Field(512, ge=1, description="Processes and threads at once")
    open_files: int = Field(4096, ge=16, description="Open files of one process")
    file_bytes: int = Field(1 * GIB, ge=0, description="Bytes of one file")
    disk_bytes: int = Field(4 * GIB, ge=MIB, description="Bytes that all commands write to the tree")
    tmp_bytes: int = Field(1 * GIB, ge=MIB, description="Bytes of /tmp and of /dev/shm, each")
    output_bytes: int = Field(16 * MIB, ge=0, description="Bytes kept of stdout and of stderr, each")
    more_output: Literal["end", "drop"] = Field("end", description="Ends the sandbox, or is dropped")


class CollectLimits(Frozen):
    """What may be copied out of a sandbox; reaching one copies nothing, and is named."""

    entries: int = Field(200_000, ge=0, description="Files, folders and all else, together")
    total_bytes: int = Field(4 * GIB, ge=0, description="Bytes of all files, without their holes")
    file_bytes: int = Field(1 * GIB, ge=0, description="Bytes of one file, with its holes")
    depth: int = Field(64, ge=0, le=200, description="Folders in folders")
    name_bytes: int = Field(200, ge=1, description="Bytes of one name")
    odd_names: Literal["end", "skip"] = Field(
        "end", description="Names that are not UTF-8, or hold what cannot be printed"
    )
    links: Literal["keep", "skip"] = Field("keep", description="Symbolic links, wherever they lead")


SUITE_LIMITS = Limits(
    memory=8 * GIB,
    cpu_seconds=3600,
    wall_seconds=3600,
    silent_seconds=240,
    processes=2048,
    more_output="drop",
)
"""A target's own test suite needs more than a repair does, and may print what it likes; one that hangs ends
before its agent does."""


class SandboxSettings(Frozen):
    """What every sandbox gets; the names and defaults are the specification's."""

    base_directory: Path = Field(Path("/tmp/agent_sandboxes"), description="Where sandboxes live")  # noqa: S108 -- the specification's default
    max_memory: int = Field(2 * GIB, ge=16 * MIB, description="Bytes of memory for one sandbox")
    max_cpu_time: float = Field(300, gt=0, description="CPU seconds for one command")
    network_access: Literal[False] = Field(False, description="Sandboxes never have a network")
    cleanup_interval: float = Field(3600, gt=0, description="Seconds after which a dead sandbox is reaped")
    test_timeout: float = Field(180, gt=0, description="Seconds after which one test counts as hanging")
    mutation_budget: float = Field(
        1, ge=0, description="Runs of the suite that a night may spend to see what tests guard; 0 grades no B"
    )
    max_wall_time: float = Field(600, gt=0, description="Seconds on the clock for one command")
    max_processes: int = Field(512, ge=1, description="Processes and threads of one command at once")
    max_open_files: int = Field(4096, ge=16, description="Open files of one process")
    max_file_size: int = Field(1 * GIB, ge=0, description="Bytes of one file")
    max_disk: int = Field(4 * GIB, ge=MIB, description="Bytes that all commands of a sandbox write to disk")
    max_temporary: int = Field(1 * GIB, ge=MIB, description="Bytes of /tmp and of /dev/shm, each")
    max_output: int = Field(16 * MIB, ge=0, description="Bytes kept of stdout and of stderr, each")
    back_end: BackEnd = Field("auto", description="What sandboxes are made by; auto is the first that works")

    @property
    def limits(self) -> Limits:
        """The limits of a command that has none of its own; the tools and a target's suite have theirs."""
        return Limits(
            memory=self.max_memory,
            cpu_seconds=self.max_cpu_time,
            wall_seconds=self.max_wall_time,
            processes=self.max_processes,
            open_files=self.max_open_files,
            file_bytes=self.max_file_size,
            disk_bytes=self.max_disk,
            tmp_bytes=self.max_temporary,
            output_bytes=self.max_output,
        )


class Thresholds(Frozen):
    """The specification's targets, in percent where not said otherwise."""

    pep8_compliance: float = Field(95, ge=0, le=100)
    type_hint_coverage: float = Field(80, ge=0, le=100)
    documentation_coverage: float = Field(90, ge=0, le=100)
    issue_resolution_rate: float = Field(95, ge=0, le=100)
    analysis_coverage: float = Field(90, ge=0, le=100)
    concurrent_success_rate: float = Field(95, ge=0, le=100)
    response_seconds: float = Field(2.0, gt=0)
    high_severity_open: int = Field(0, ge=0)
    response_time: float = Field(2.0, gt=0)
    """Seconds; this and the three below are what a night is watched by, and close no gate."""
    memory_usage: float = Field(80, gt=0, le=100)
    cpu_usage: float = Field(70, gt=0, le=100)
    error_rate: float = Field(5, ge=0, le=100)
    cache_hit_rate: float = Field(95, ge=0, le=100)


class Budget(Frozen):
    """How much of a night is published for review; None is all of it."""

    max_commits: int | None = Field(None, ge=1, description="Commits, one a pattern")
    max_lines: int | None = Field(None, ge=1, description="Lines taken away and put in")

    @property
    def limited(self) -> bool:
        """Whether anything is limited."""
        return self.max_commits is not None or self.max_lines is not None
