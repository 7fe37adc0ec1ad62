from typing import ClassVar

from prefect.blocks.core import Block
from pydantic import Field

from nightmend.settings import Thresholds as ThresholdSettings


class Thresholds(Block):
    """The targets of a night, in percent where not said otherwise.

    Example:
        Read the settings of an installation:
        ```python
        from blocks.thresholds import Thresholds

        block = Thresholds.load("BLOCK_NAME")
        settings = block.settings()
        ```
    """

    _block_type_name: ClassVar[str] = "Nightmend Thresholds"
    _block_type_slug: ClassVar[str] = "nightmend-thresholds"

    pep8_compliance: float = Field(95, ge=0, le=100, description="Code lines that follow PEP 8.")
    type_hint_coverage: float = Field(80, ge=0, le=100, description="Parameters and returns with a type.")
    documentation_coverage: float = Field(
        90, ge=0, le=100, description="Public definitions with a docstring."
    )
    issue_resolution_rate: float = Field(95, ge=0, le=100, description="Actionable issues resolved.")
    analysis_coverage: float = Field(90, ge=0, le=100, description="Lines that every static tool read.")
    concurrent_success_rate: float = Field(
        95, ge=0, le=100, description="Concurrent operations that succeed."
    )
    response_seconds: float = Field(2.0, gt=0, description="Seconds of a concurrent operation on average.")
    high_severity_open: int = Field(0, ge=0, description="Issues of high severity left open.")
    response_time: float = Field(2.0, gt=0, description="Seconds for an answer of the Prefect API.")
    memory_usage: float = Field(80, gt=0, le=100, description="Memory of the machine in use.")
    cpu_usage: float = Field(70, gt=0, le=100, description="Processor time of the machine in use.")
    error_rate: float = Field(5, ge=0, le=100, description="Sandbox commands that fail or meet a limit.")
    cache_hit_rate: float = Field(95, ge=0, le=100, description="Calls that the target's own caches answer.")

    def settings(self) -> ThresholdSettings:
        """Return the settings that the engine reads."""
        return ThresholdSettings(**{name: getattr(self, name) for name in ThresholdSettings.model_fields})
