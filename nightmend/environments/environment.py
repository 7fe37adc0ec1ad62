"""The environment of a night: what was installed for the target's tests, or why nothing was."""

from collections.abc import Mapping
from pathlib import Path

from nightmend.environments.declared import Missing
from nightmend.environments.interpreter import Interpreter
from nightmend.frozen import Frozen
from nightmend.issue import Finding
from nightmend.sandboxes.protocol import Bind

MISSING = "missing-dependency"


class Environment(Frozen):
    """An environment that was built from what a target declares, told as data: it is hostile."""

    prefix: str = ""
    """Its root on this machine, and in every sandbox; empty where none was built."""
    base: Interpreter | None = None
    """The Python that it was made of."""
    installed: tuple[str, ...] = ()
    """As name==version."""
    missing: tuple[Missing, ...] = ()
    note: str = ""
    """Why none was built, or what else there is to say about it, as a sentence without a full stop."""
    seconds: float = 0
    """What the build took."""

    def findings(self, contents: Mapping[str, bytes]) -> tuple[Finding, ...]:
        """Report what could not be had at the places that ask for it; `contents` are files of the target."""
        return tuple(
            Finding(
                detector="nightmend",
                rule=MISSING,
                path=one.path,
                line=_line(contents[one.path], one.requirement),
                message=f"the dependency {one.requirement} could not be had: {one.why}",
            )
            for one in self.missing
            if one.path in contents
        )

    @property
    def interpreter(self) -> Interpreter | None:
        """Describe its Python without asking it; None where none was built."""
        if self.base is None or not self.prefix:
            return None
        return Interpreter(
            executable=str(Path(self.prefix) / "bin" / "python"),
            prefix=self.prefix,
            base_prefix=self.base.base_prefix,
            version=self.base.version,
            binds=(*self.base.binds, Bind(host=self.prefix, inside=self.prefix)),
        )


def _line(content: bytes, requirement: str) -> int:
    at = content.find(requirement.encode())
    return content.count(b"\n", 0, at) + 1 if at >= 0 else 1
