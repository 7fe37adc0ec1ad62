from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairs.repairing import RepairAgent
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task


class AgentFrameworkRepairAgent(RepairAgent):
    """Mends what agents stand on: lost causes, swallowed exceptions, races at start-up."""

    name = "agent_framework_repair"

    def load_replay_patterns(self) -> dict[str, Pattern]:
        """Load the agent's replay patterns by name."""
        return self.load_patterns()


@agent_task("agent_framework_repair")
def agent_framework_repair(night: Night, start: PhaseResult) -> AgentResult:
    """Mend the faults of error handling and registration that a target's framework has."""
    return AgentFrameworkRepairAgent(night).work(start)
