from nightmend.frozen import Frozen
from nightmend.measures import measure
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairing import RepairAgent, own_issues
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task

LINKS = "broken-relative-link"


class DocumentationReport(Frozen):
    """What became of the documentation."""

    broken_links: int
    """Found; a target on links fixed can ask for no more."""
    broken_links_fixed: int
    consistency_improvements: int
    """Other repairs of documents that were kept."""
    completeness_score: float | None
    """Percent of public definitions that are documented; None where there is none."""


class DocumentationUpdateAgent(RepairAgent):
    """Keeps documentation true: links that lead somewhere."""

    name = "documentation_update"

    def initialize_doc_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def update_all_documentation(self) -> DocumentationReport:
        """Prove repairs of the documentation of the night's base; nothing is applied."""
        settled = self.repair_base()
        kept = [one.repair for one in settled.judgements if one.verdict == "kept"]
        found = own_issues(self.diagnosis(self.night.base), self.name)
        return DocumentationReport(
            broken_links=sum(issue.fault == LINKS for issue in found),
            broken_links_fixed=sum(fault == LINKS for repair in kept for fault in repair.faults),
            consistency_improvements=sum(repair.pattern != LINKS for repair in kept),
            completeness_score=measure(self.workspace, settled.snapshot).documentation_coverage,
        )


@agent_task("documentation_update")
def documentation_update(night: Night, start: PhaseResult) -> AgentResult:
    """Mend the links of a target's documentation."""
    return DocumentationUpdateAgent(night).work(start)
