"""Find the blocks of this installation; one that nobody registered has its defaults."""

from typing import TypedDict, TypeVar

from prefect.blocks.core import Block

from blocks.orchestrator import Orchestrator
from blocks.sandbox import Sandbox
from blocks.thresholds import Thresholds
from nightmend.settings import OrchestratorSettings, SandboxSettings
from nightmend.settings import Thresholds as ThresholdSettings

NAME = "nightmend"
"""Name of the block document of each kind."""
BLOCKS: tuple[type[Block], ...] = (Orchestrator, Sandbox, Thresholds)
B = TypeVar("B", bound=Block)


class Configured(TypedDict):
    """The settings of an installation, named as `open_night` takes them."""

    orchestrator: OrchestratorSettings
    sandbox: SandboxSettings
    thresholds: ThresholdSettings


def configured() -> Configured:
    """Return the settings of this installation."""
    return Configured(
        orchestrator=_load(Orchestrator).settings(),
        sandbox=_load(Sandbox).settings(),
        thresholds=_load(Thresholds).settings(),
    )


def _load(kind: type[B]) -> B:
    try:
        found = kind.load(NAME)
    except ValueError:  # what Prefect raises where there is no such document
        return kind()
    return found if isinstance(found, kind) else kind()
