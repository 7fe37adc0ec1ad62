import time

from prefect import flow

from flows.orchestration import deploy_agents_sequentially, execute_repairs_sequentially
from flows.phase import PhaseOutcome, run_phase
from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.gates import at_least
from nightmend.night import Night
from nightmend.orchestration import validate_progressively
from nightmend.phases import unchanged
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace
from tasks.master_orchestrator import MasterOrchestrator
from tasks.sealed import SEALED
from tasks.system_diagnostics import SystemDiagnosticsAgent, system_diagnostics


@flow(name="diagnostics", flow_run_name="diagnostics", persist_result=True, result_serializer=SEALED)
def diagnostics(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Find the issues of the target, measure it, and establish what its own tests say."""
    return run_phase(night, "diagnostics", start, lambda: _diagnostics(night, start))


def _diagnostics(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    orchestrator = MasterOrchestrator(night)
    gates = deploy_agents_sequentially(orchestrator, {SystemDiagnosticsAgent.name: SystemDiagnosticsAgent})
    outcomes = execute_repairs_sequentially(night, start, (system_diagnostics,))
    [agent] = validate_progressively(orchestrator.registry, "diagnostics", outcomes)
    read = Workspace(night).get(agent.diagnosis or "", Diagnosis).analysis_coverage
    coverage = at_least("analysis_coverage", read, night.thresholds.analysis_coverage)
    return unchanged("diagnostics", start, [agent], (*gates, coverage), clock)
