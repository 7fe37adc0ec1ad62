from pathlib import Path

from nightmend.issue import Issue
from nightmend.night import Night
from nightmend.patterns.built_path import path_built_by
from nightmend.patterns.pattern import Pattern
from nightmend.repairs.repairing import RepairAgent, RepairResult
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task


class PathRepair(RepairResult):
    """What came of a hard-coded path: where the mended code leads."""

    new_path: str = ""
    """Absolute, in the target as it lies on disk; empty where the path was not resolved."""

    @property
    def path_resolved(self) -> bool:
        """Whether the repair was proved and leads to something that exists."""
        return self.validation_passed and bool(self.new_path) and Path(self.new_path).exists()


class DataPipelineRepairAgent(RepairAgent):
    """Mends how data comes in and goes out: paths of one machine, encodings, files left open."""

    name = "data_pipeline_repair"

    def initialize_data_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def fix_hardcoded_path(self, issue: Issue) -> PathRepair:
        """Prove the repair of an absolute path that belongs to the project itself."""
        result = self.repair_issue(issue)
        edits = result.judgement.repair.edits if result.judgement else ()
        built = [path for edit in edits if (path := path_built_by(edit)) is not None]
        new_path = str(self.workspace.target.path / built[0]) if built else ""
        return PathRepair(**result.model_dump(), new_path=new_path)


@agent_task("data_pipeline_repair")
def data_pipeline_repair(night: Night, start: PhaseResult) -> AgentResult:
    """Mend the paths, files and formats of a target's data."""
    return DataPipelineRepairAgent(night).work(start)
