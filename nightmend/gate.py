from typing import Literal

from nightmend.frozen import Frozen
from nightmend.privacy.masking import Masked

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
    detail: Masked = ""

    @property
    def sentence(self) -> str:
        """One line for people: which gate, open or closed, measured against what."""
        state = {True: "open", False: "closed", None: "not measurable here"}[self.passed]
        detail = f": {self.detail}" if self.detail else ""
        numbers = f"(measured {_plain(self.measured)}, target {_plain(self.target)})"
        return f"gate `{self.name}` is {state}{detail} {numbers}"


def _plain(value: float | str | None) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
