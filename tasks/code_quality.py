from nightmend.measures import Quality, measure
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairing import RepairAgent
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task


class CodeQualityAgent(RepairAgent):
    """Applies the linter's own fixes, each as a repair that must be proved."""

    name = "code_quality"

    def initialize_quality_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def enforce_quality_standards(self) -> Quality:
        """Measure the state of the code at the night's base: PEP 8, type hints, documentation."""
        return measure(self.workspace, self.night.base)


@agent_task("code_quality")
def code_quality(night: Night, start: PhaseResult) -> AgentResult:
    """Prove and keep the linter's fixes that the target asked for or would welcome."""
    return CodeQualityAgent(night).work(start)
