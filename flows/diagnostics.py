import time

from prefect import flow

from flows.phase import PhaseOutcome, deploy, run_phase
from nightmend.diagnosis import Diagnosis
from nightmend.gates import at_least
from nightmend.night import Night
from nightmend.phases import unchanged
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace
from tasks.system_diagnostics import SystemDiagnosticsAgent, system_diagnostics


@flow(name="diagnostics", flow_run_name="diagnostics", persist_result=True, result_serializer="json")
def diagnostics(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Find the issues of the target, measure it, and establish what its own tests say."""
    return run_phase(night, "diagnostics", start, lambda: _diagnostics(night, start))


def _diagnostics(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    gates = deploy(night, {SystemDiagnosticsAgent.name: SystemDiagnosticsAgent})
    agent = system_diagnostics(night, start)
    read = Workspace(night).get(agent.diagnosis or "", Diagnosis).analysis_coverage
    coverage = at_least("analysis_coverage", read, night.thresholds.analysis_coverage)
    return unchanged("diagnostics", start, [agent], (*gates, coverage), clock)
