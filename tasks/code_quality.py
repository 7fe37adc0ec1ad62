from nightmend.diagnosis.measures import Quality, measure
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairs.repairing import RepairAgent, verdict_counts
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task


class QualityReport(Frozen):
    """The state of the code in percent, None where not measurable, with the repairs that were kept."""

    before: Quality
    after: Quality
    tried: int
    kept: int
    rolled_back: int
    refused: int

    @property
    def pep8_compliance(self) -> float | None:
        """Code lines that follow PEP 8."""
        return self.after.pep8_compliance

    @property
    def type_hint_coverage(self) -> float | None:
        """Parameters and returns with a type."""
        return self.after.type_hint_coverage

    @property
    def documentation_coverage(self) -> float | None:
        """Public definitions with a docstring."""
        return self.after.documentation_coverage


class CodeQualityAgent(RepairAgent):
    """Applies the linter's own fixes, each as a repair that must be proved."""

    name = "code_quality"

    def initialize_quality_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def enforce_quality_standards(self) -> QualityReport:
        """Prove the linter's fixes of the night's base, and measure it without and with them."""
        settled = self.repair_base()
        return QualityReport(
            before=measure(self.workspace, self.night.base),
            after=measure(self.workspace, settled.snapshot),
            **verdict_counts(settled.judgements),
        )


@agent_task("code_quality")
def code_quality(night: Night, start: PhaseResult) -> AgentResult:
    """Prove and keep the linter's fixes that the target asked for or would welcome."""
    return CodeQualityAgent(night).work(start)
