from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairing import RepairAgent
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task


class DocumentationUpdateAgent(RepairAgent):
    """Keeps documentation true: links that lead somewhere."""

    name = "documentation_update"

    def initialize_doc_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()


@agent_task("documentation_update")
def documentation_update(night: Night, start: PhaseResult) -> AgentResult:
    """Mend the links of a target's documentation."""
    return DocumentationUpdateAgent(night).work(start)
