from pathlib import Path

from prefect import task

from nightmend.agent_run import run_agent
from nightmend.diffs.proposing import PROPOSER
from nightmend.diffs.proving import prove_diff
from nightmend.monitoring.pulse import Pulse, watched
from nightmend.night import Night
from nightmend.privacy.discretion import discreetly
from nightmend.results import AgentResult, PhaseResult
from nightmend.workspace import Workspace
from tasks.workers import workers


@task(name="prove_edits", persist_result=False)
def prove_edits(night: Night, start: PhaseResult, diff: str) -> AgentResult:
    """Prove each edit of the diff in a file, on the state that diagnostics left."""
    pulse = Pulse(PROPOSER, night.orchestrator.default_timeout)
    workspace = Workspace(night)
    with discreetly(night), workers(night):
        content = Path(diff).read_bytes()
        return watched(pulse, lambda: run_agent(PROPOSER, lambda: prove_diff(workspace, start, content)))
