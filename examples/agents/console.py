"""What operators may do to a running service; each of them may do some things and not others."""

from agents.core.errors import AgentError


class NotAllowed(AgentError):
    """An operator asked for something that is not theirs to ask."""


class Console:
    """The switches of one service. `operators` says what each operator may do."""

    def __init__(self, operators: dict[str, set[str]]) -> None:
        self.operators = operators
        self.paused: set[str] = set()
        self.retired: set[str] = set()
        self.notes: list[str] = []

    def pause(self, operator: str, agent: str) -> None:
        """Give an agent no new tasks."""
        self._require(operator, "pause")
        self.paused.add(agent)

    def resume(self, operator: str, agent: str) -> None:
        """Give a paused agent tasks again."""
        self._require(operator, "resume")
        self.paused.discard(agent)

    def retire(self, operator: str, agent: str) -> None:
        """Take an agent out for good."""
        self.retired.add(agent)
        self.paused.discard(agent)

    def note(self, operator: str, line: str) -> None:
        """Leave a line for the next shift."""
        self._require(operator, "note")
        self.notes.append(f"{operator}: {line}")

    def working(self, agents: list[str]) -> list[str]:
        """The agents that take tasks; anybody may ask."""
        return [agent for agent in agents if agent not in self.paused | self.retired]

    def _require(self, operator: str, action: str) -> None:
        if action not in self.operators.get(operator, set()):
            raise NotAllowed(f"{operator} is not allowed to {action}")
