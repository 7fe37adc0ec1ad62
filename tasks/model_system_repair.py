from nightmend.issue import Issue
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairing import RepairAgent, RepairResult
from nightmend.results import AgentResult, PhaseResult
from nightmend.sandboxes.protocol import Sandbox
from tasks.checkpoint import agent_task


class ModelSystemRepairAgent(RepairAgent):
    """Mends what models stand on: removed library calls, loading that is tied to a device or unsafe."""

    name = "model_system_repair"

    def initialize_model_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def repair_in_sandbox(self, issue: Issue, sandbox: Sandbox) -> RepairResult:
        """Prove a repair of the issue and leave the mended files in the given sandbox."""
        result = self.repair_issue(issue)
        if result.judgement and result.validation_passed:
            for path, content in self.mended(result.judgement.repair).items():
                sandbox.write(path, content)
        return result


@agent_task("model_system_repair")
def model_system_repair(night: Night, start: PhaseResult) -> AgentResult:
    """Mend how a target loads and runs its models."""
    return ModelSystemRepairAgent(night).work(start)
