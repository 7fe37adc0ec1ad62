from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field

from nightmend.durations import Duration
from nightmend.settings import GIB, MIB, LogLevel, OrchestratorSettings, Share


class Orchestrator(Block):
    """How the master orchestrator runs a night.

    Example:
        Read the settings of an installation:
        ```python
        from blocks.orchestrator import Orchestrator

        block = Orchestrator.load("BLOCK_NAME")
        settings = block.settings()
        ```
    """

    _block_type_name: ClassVar[str] = "Nightmend Orchestrator"
    _block_type_slug: ClassVar[str] = "nightmend-orchestrator"

    max_concurrent_agents: int = Field(10, ge=1, le=64, description="Agents that may work at once.")
    default_timeout: float = Field(300, gt=0, description="Seconds an agent may be silent.")
    retry_attempts: int = Field(3, ge=0, le=10, description="Further tries after a transient failure.")
    health_check_interval: float = Field(60, gt=0, description="Seconds between two health checks.")
    log_level: LogLevel = Field("INFO", description="Least level that is logged.")
    share: Share = Field(
        "loopback",
        description="Which Prefect server may hear source, diffs, test output: one on loopback, any, none.",
    )
    unsafe_fixes: bool = Field(
        False,
        description="Prove also fixes that the linter calls unsafe; a target or a run may say otherwise.",
    )
    time_budget: Duration | None = Field(
        None, description="Time for a night that is given none, as 4h, 90m or 2h30m; none is no limit."
    )
    max_state: int = Field(
        10 * GIB, ge=MIB, description="Bytes kept of one target's nights; the oldest go first."
    )
    dask_address: str | None = Field(
        None, description="Scheduler of a Dask cluster for the repair agents; none is processes of our own."
    )

    def settings(self) -> OrchestratorSettings:
        """Return the settings that the engine reads."""
        return OrchestratorSettings(
            **{name: getattr(self, name) for name in OrchestratorSettings.model_fields}
        )
