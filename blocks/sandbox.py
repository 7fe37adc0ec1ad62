from pathlib import Path
from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import Field

from nightmend.settings import GIB, MIB, BackEnd, SandboxSettings


class Sandbox(Block):
    """What every sandbox of a night gets.

    Example:
        Read the settings of an installation:
        ```python
        from blocks.sandbox import Sandbox

        block = Sandbox.load("BLOCK_NAME")
        settings = block.settings()
        ```
    """

    _block_type_name: ClassVar[str] = "Nightmend Sandbox"
    _block_type_slug: ClassVar[str] = "nightmend-sandbox"

    base_directory: Path = Field(
        Path("/tmp/agent_sandboxes"),  # noqa: S108 -- the specification's default
        description="Where sandboxes live.",
    )
    max_memory: int = Field(2 * GIB, ge=16 * MIB, description="Bytes of memory for one sandbox.")
    max_cpu_time: float = Field(300, gt=0, description="CPU seconds for one command.")
    network_access: Literal[False] = Field(False, description="Sandboxes never have a network.")
    cleanup_interval: float = Field(3600, gt=0, description="Seconds after which a dead sandbox is reaped.")
    test_timeout: float = Field(180, gt=0, description="Seconds after which one test counts as hanging.")
    mutation_budget: float = Field(
        1,
        ge=0,
        description="Runs of the suite that a night may spend to see what tests guard; 0 grades no B.",
    )
    max_wall_time: float = Field(600, gt=0, description="Seconds on the clock for one command.")
    max_processes: int = Field(512, ge=1, description="Processes and threads of one command at once.")
    max_open_files: int = Field(4096, ge=16, description="Open files of one process.")
    max_file_size: int = Field(1 * GIB, ge=0, description="Bytes of one file.")
    max_disk: int = Field(4 * GIB, ge=MIB, description="Bytes that all commands of a sandbox write to disk.")
    max_temporary: int = Field(1 * GIB, ge=MIB, description="Bytes of /tmp and of /dev/shm, each.")
    max_output: int = Field(16 * MIB, ge=0, description="Bytes kept of stdout and of stderr, each.")
    back_end: BackEnd = Field("auto", description="What sandboxes are made by; auto is the first that works.")

    def settings(self) -> SandboxSettings:
        """Return the settings that the engine reads."""
        return SandboxSettings(**{name: getattr(self, name) for name in SandboxSettings.model_fields})
