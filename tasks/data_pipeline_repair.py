from nightmend.issue import Issue
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairing import RepairAgent, RepairResult
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task


class DataPipelineRepairAgent(RepairAgent):
    """Mends how data comes in and goes out: paths of one machine, encodings, files left open."""

    name = "data_pipeline_repair"

    def initialize_data_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def fix_hardcoded_path(self, issue: Issue) -> RepairResult:
        """Prove the repair of an absolute path that belongs to the project itself."""
        return self.repair_issue(issue)


@agent_task("data_pipeline_repair")
def data_pipeline_repair(night: Night, start: PhaseResult) -> AgentResult:
    """Mend the paths, files and formats of a target's data."""
    return DataPipelineRepairAgent(night).work(start)
