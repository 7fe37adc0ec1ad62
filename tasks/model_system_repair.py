from nightmend.issue import Issue
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.proof.serving import ModelCheck, serve, serving_of
from nightmend.repairs.repairing import RepairAgent, RepairResult
from nightmend.results import AgentResult, PhaseResult
from nightmend.sandboxes.protocol import Sandbox
from tasks.checkpoint import agent_task


class ModelRepair(RepairResult):
    """What came of an issue of the model system, and how the target's models were served with its repair."""

    models: ModelCheck | None = None
    """None where nothing was repaired, or the target has no model file and function that loads one."""

    @property
    def validation_passed(self) -> bool:
        """Whether the repair was proved, and the target's models load and predict as before."""
        return self.status == "SUCCESS" and (self.models is None or not self.models.problem)


class ModelSystemRepairAgent(RepairAgent):
    """Mends what models stand on: library calls, loading, features, predictions that nobody watches."""

    name = "model_system_repair"

    def initialize_model_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def repair_in_sandbox(self, issue: Issue, sandbox: Sandbox) -> ModelRepair:
        """Prove a repair, lay it into the sandbox, and there load the target's models and predict.

        The sandbox holds the night's base; where all is well it keeps the mended files.
        """
        result = self.repair_issue(issue)
        if not result.judgement or not result.validation_passed:
            return ModelRepair(**result.model_dump())
        serving = serving_of(self.workspace, self.night.base)
        before = serve(self.workspace, sandbox, serving) if serving else ()
        for path, content in self.mended(result.judgement.repair).items():
            sandbox.write(path, content)
        after = serve(self.workspace, sandbox, serving) if serving else ()
        models = ModelCheck(before=before, after=after) if serving else None
        problem = models.problem if models else ""
        return ModelRepair(
            **{**result.model_dump(), "reason": problem or result.reason},
            models=models,
        )


@agent_task("model_system_repair")
def model_system_repair(night: Night, start: PhaseResult) -> AgentResult:
    """Mend how a target loads, runs and watches its models."""
    return ModelSystemRepairAgent(night).work(start)
