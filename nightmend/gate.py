from typing import Literal

from nightmend.frozen import Frozen

GateKind = Literal["safety", "target"]


class Gate(Frozen):
    """Evidence weighed: the measured value beside its target.

    `passed` is None where the value is not measurable here, which is never the same as passed.
    """

    name: str
    kind: GateKind
    measured: float | str | None
    target: float | str
    passed: bool | None
    detail: str = ""

    @property
    def sentence(self) -> str:
        """One line for people: which gate, open or closed, measured against what."""
        state = {True: "open", False: "closed", None: "not measurable here"}[self.passed]
        detail = f": {self.detail}" if self.detail else ""
        return f"gate `{self.name}` is {state}{detail} (measured {self.measured}, target {self.target})"
