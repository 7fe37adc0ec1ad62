"""What a night will cost, as far as it can be told behind the baseline."""

import time
from collections import Counter

from nightmend.detectors.registry import detectors
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
"""Detectors of single files on each repair, and on what ships; those of the whole program look once."""


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
    diagnosis = workspace.get(found.diagnosis, Diagnosis) if found.diagnosis else None
    baseline = workspace.get(found.baseline, Baseline) if found.baseline else None
    issues = Counter(issue.agent for issue in diagnosis.actionable.issues) if diagnosis else Counter()
    by_phase = {
        phase: sum(issues[agent] for agent in night.agents(phase))
        for phase in night.phases
        if phase not in ALWAYS
    }
    busy = sum(map(bool, by_phase.values()))
    owned = sum(by_phase.values())
    suite = baseline.suite.seconds if baseline and baseline.suite.usable else 0.0
    if diagnosis is None or not busy:
        return Estimate(issues=owned, suite_seconds=suite, seconds=0.0)
    runs = busy * RUNS_OF_A_PHASE + owned / BATCH * RUNS_OF_A_BATCH + night.sandbox.mutation_budget
    tools = diagnosis.tool_seconds
    per_file = {one.name for one in detectors().values() if one.per_file}
    of_files = sum(seconds for name, seconds in tools.items() if name in per_file)
    of_all = sum(tools.values()) - of_files
    looks = of_files * busy * LOOKS_OF_A_PHASE + of_all
    return Estimate(issues=owned, suite_seconds=suite, seconds=runs * suite + looks)
