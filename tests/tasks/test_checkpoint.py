"""How often an agent is tried again: only after a fault of the machine, and as often as the night says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nightmend.errors import NightmendError, SandboxError, SilentAgentError, UsageError
from nightmend.night import Night
from nightmend.results import AgentResult, PhaseResult
from nightmend.settings import OrchestratorSettings
from nightmend.snapshot import Snapshot

pytestmark = pytest.mark.night
BASE = Snapshot(tree="a" * 40)


@pytest.fixture(scope="module", autouse=True)
def server(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    storage = tmp_path_factory.mktemp("results")
    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_LOCAL_STORAGE_PATH: storage}):
        yield


def tries(folder: Path, retry_attempts: int, errors: list[Exception]) -> tuple[int, AgentResult | Exception]:
    """Let an agent meet these errors, one a try; return the number of tries and what came of it."""
    from prefect import flow

    from flows.orchestration import execute_repairs
    from tasks.checkpoint import agent_task

    begun: list[int] = []

    @agent_task("code_quality")
    def agent(night: Night, start: PhaseResult) -> AgentResult:
        begun.append(1)
        if len(begun) <= len(errors):
            raise errors[len(begun) - 1]
        return AgentResult(agent="code_quality", seconds=0, started=0, pid=0)

    night = Night(
        run="test", target=str(folder), home=str(folder), base_commit="c" * 40, base=BASE, profile="ratchet",
        python="", orchestrator=OrchestratorSettings(retry_attempts=retry_attempts),
    )  # fmt: skip
    start = PhaseResult(phase="optimization", snapshot=BASE, commit="c" * 40)

    @flow(persist_result=False)
    def phase() -> list[AgentResult | Exception]:
        return [execute_repairs(agent, night, start)]

    [outcome] = phase()
    return len(begun), outcome


@pytest.mark.parametrize(("attempts", "tried"), [(0, 1), (1, 2), (5, 3)])
def test_what_is_transient_is_tried_as_often_as_the_setting_says(
    tmp_path: Path, attempts: int, tried: int
) -> None:
    count, outcome = tries(tmp_path, attempts, [SandboxError("no room"), OSError("busy")])
    assert count == tried
    assert isinstance(outcome, AgentResult) == (attempts >= 2)
    if attempts == 0:
        assert isinstance(outcome, SandboxError)


@pytest.mark.parametrize(
    "error",
    [UsageError("a wrong field"), SilentAgentError("no sign"), NightmendError("no"), KeyError("ours")],
    ids=lambda error: type(error).__name__,
)
def test_what_would_go_the_same_way_again_is_tried_once(tmp_path: Path, error: Exception) -> None:
    count, outcome = tries(tmp_path, 3, [error])
    assert count == 1
    assert type(outcome) is type(error)
