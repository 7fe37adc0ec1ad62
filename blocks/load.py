"""Find the blocks of this installation; one that nobody registered has its defaults."""

from typing import TypedDict, TypeVar, cast

from prefect.blocks.core import Block
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from blocks.orchestrator import Orchestrator
from blocks.sandbox import Sandbox
from blocks.thresholds import Thresholds
from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.privacy.discretion import may_share
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
    discreet: bool


def configured() -> Configured:
    """Return the settings of this installation; UsageError where a value that people set cannot be used."""
    orchestrator = (find(Orchestrator) or Orchestrator()).settings()
    return Configured(
        orchestrator=orchestrator,
        sandbox=(find(Sandbox) or Sandbox()).settings(),
        thresholds=(find(Thresholds) or Thresholds()).settings(),
        discreet=not may_share(orchestrator.share, PREFECT_API_URL.value()),
    )


def find(kind: type[B]) -> B | None:
    """Return the block of a kind as people set it, None where nobody registered it."""
    try:
        return cast(B, kind.load(NAME))
    except ValueError:  # what Prefect raises where there is no such document
        return None
    except RuntimeError as error:
        if isinstance(error.__cause__, ValidationError):
            raise UsageError(_wrong_values(kind, error.__cause__)) from error
        raise


def _wrong_values(kind: type[Block], error: ValidationError) -> str:
    """Name the fields: the API stores any value, so that a wrong one shows only here."""
    fields = "; ".join(
        f"{'.'.join(map(str, problem['loc']))} is {problem['input']!r}, but {problem['msg'].lower()}"
        for problem in error.errors()
    )
    return f"block {kind.get_block_type_slug()}/{NAME} cannot be used: {fields}; correct it in the Prefect UI"


def restore(night: Night) -> None:
    """Make the blocks of this installation say what a night's settings say; write only what differs."""
    wanted: dict[type[Orchestrator | Sandbox | Thresholds], Frozen] = {
        Orchestrator: night.orchestrator,
        Sandbox: night.sandbox,
        Thresholds: night.thresholds,
    }
    for kind, settings in wanted.items():
        if (find(kind) or kind()).settings() != settings:
            kind(**settings.model_dump()).save(NAME, overwrite=True)
