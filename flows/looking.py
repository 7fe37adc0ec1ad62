"""The first two phases of a night, for flows that stand on what they find."""

import time
from typing import Any

from flows.diagnostics import diagnostics
from flows.foundation import foundation
from flows.progress import Progress
from nightmend.agents import Phase
from nightmend.night import ALWAYS, Night
from nightmend.phases import beginning
from nightmend.results import Course, PhaseRecord, PhaseResult


def look(night: Night) -> Course:
    """Return how foundation and diagnostics went; what stops them is raised."""
    start = beginning(night)
    validated: list[PhaseResult] = []
    records: list[PhaseRecord] = []
    phases: dict[Phase, Any] = {"foundation": foundation, "diagnostics": diagnostics}
    with Progress(night, ALWAYS) as progress:
        for name, phase in phases.items():
            progress.begin(name)
            began = time.perf_counter()
            state = phase(night, validated[-1].bare if validated else start, return_state=True)
            result: PhaseResult = state.result()
            validated.append(result)
            seconds = time.perf_counter() - began
            records.append(PhaseRecord.of(result, seconds, cached=state.name == "Cached"))
            progress.end(records[-1])
    return Course(beginning=start, validated=tuple(validated), records=tuple(records))
