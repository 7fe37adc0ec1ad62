from nightmend.diagnosis.measures import measure
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairs.repairing import RepairAgent, own_issues
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task

LINKS = frozenset({"broken-relative-link", "broken-anchor"})


class DocumentationReport(Frozen):
    """What became of the documentation."""

    broken_links: int
    """Found; a target on links fixed can ask for no more."""
    broken_links_fixed: int
    consistency_improvements: int
    """Other repairs of documents and docstrings that were kept."""
    inconsistencies: int
    """Found; a target on improvements can ask for no more."""
    completeness_score: float | None
    """Percent of public definitions that are documented; None where there is none."""


class DocumentationUpdateAgent(RepairAgent):
    """Keeps documentation true: links that lead somewhere, names that exist, words in their place."""

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
            broken_links=sum(issue.fault in LINKS for issue in found),
            broken_links_fixed=sum(fault in LINKS for repair in kept for fault in repair.faults),
            consistency_improvements=sum(repair.pattern not in LINKS for repair in kept),
            inconsistencies=sum(issue.fault not in LINKS for issue in found),
            completeness_score=measure(self.workspace, settled.snapshot).documentation_coverage,
        )


@agent_task("documentation_update")
def documentation_update(night: Night, start: PhaseResult) -> AgentResult:
    """Mend the links and the words of a target's documentation."""
    return DocumentationUpdateAgent(night).work(start)
