"""What a night will cost, as far as it can be told behind the baseline."""

import time

from nightmend.agents import PHASES
from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.frozen import Frozen
from nightmend.night import ALWAYS
from nightmend.proof.baseline import Baseline
from nightmend.repairs.batches import BATCH
from nightmend.report.story import count, duration
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace

RUNS_OF_A_PHASE = 2
"""The whole suite on what ships, and once more where something breaks."""
RUNS_OF_A_BATCH = 3
"""The tests that can tell of its repairs, and the search for who breaks them."""
LOOKS_OF_A_PHASE = 2
"""Detectors on each repair, and on what ships, in runs of all of them."""


class Estimate(Frozen):
    """The cost of what is left of a night."""

    issues: int
    """That agents may act on."""
    suite_seconds: float
    seconds: float

    def sentence(self, deadline: float | None) -> str:
        """Say it in a line, beside the time that is left."""
        runs = f", by tests of {duration(self.suite_seconds)}" if self.suite_seconds else ""
        cost = f"{count(self.issues, 'issue')} to act on{runs}: some {duration(self.seconds)} of work"
        if deadline is None:
            return cost
        return f"{cost}, and {duration(max(0.0, deadline - time.time()))} are left"


def estimate(workspace: Workspace, found: PhaseResult) -> Estimate:
    """Estimate what is left behind diagnostics, on a machine that has nothing else to do."""
    night = workspace.night
    agents = {agent for phase in PHASES if phase not in ALWAYS for agent in night.agents(phase)}
    diagnosis = workspace.get(found.diagnosis, Diagnosis) if found.diagnosis else None
    baseline = workspace.get(found.baseline, Baseline) if found.baseline else None
    owned = [one for one in diagnosis.actionable.issues if one.agent in agents] if diagnosis else []
    phases = len([phase for phase in night.phases if phase not in ALWAYS])
    suite = baseline.suite.seconds if baseline and baseline.suite.usable else 0.0
    runs = phases * RUNS_OF_A_PHASE + len(owned) / BATCH * RUNS_OF_A_BATCH + night.sandbox.mutation_budget
    looks = sum(diagnosis.tool_seconds.values()) * phases * LOOKS_OF_A_PHASE if diagnosis else 0.0
    return Estimate(issues=len(owned), suite_seconds=suite, seconds=runs * suite + looks if phases else 0.0)
