"""The ten agents, their phases and what each depends on, as the specification orders them."""

from typing import Literal

Phase = Literal["foundation", "diagnostics", "repairs", "optimization", "quality"]

PHASES: dict[Phase, tuple[str, ...]] = {
    "foundation": ("master_orchestrator", "sandbox_manager"),
    "diagnostics": ("system_diagnostics",),
    "repairs": ("agent_framework_repair", "model_system_repair", "data_pipeline_repair"),
    "optimization": ("performance_tuning", "async_optimization"),
    "quality": ("code_quality", "documentation_update"),
}
AGENTS: tuple[str, ...] = tuple(agent for agents in PHASES.values() for agent in agents)

DEPENDENCIES: dict[str, tuple[str, ...]] = {
    "master_orchestrator": (),
    "sandbox_manager": ("master_orchestrator",),
    "system_diagnostics": ("master_orchestrator", "sandbox_manager"),
    "agent_framework_repair": ("system_diagnostics",),
    "model_system_repair": ("agent_framework_repair",),
    "data_pipeline_repair": ("model_system_repair",),
    "performance_tuning": PHASES["repairs"],
    "async_optimization": ("performance_tuning",),
    "code_quality": PHASES["optimization"],
    "documentation_update": ("code_quality",),
}
"""What must be deployed before an agent is; the repair agents still work at once."""


def phase_of(step: str) -> Phase:
    """Return the phase that a step belongs to: an agent's, or a phase itself."""
    return next(phase for phase, agents in PHASES.items() if step == phase or step in agents)
