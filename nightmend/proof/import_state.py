"""Do the target's modules still import to the same names? Asked of each repair alone, in one sandbox.

Tests and coverage cannot see these faults: a re-export that an unused import was, a module that registered
itself when another one imported it, an order of imports that mattered.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from nightmend.frozen import Frozen
from nightmend.proof.plan import Plan, plan_suite
from nightmend.proof.survey import INSIDE, environment
from nightmend.settings import SUITE_LIMITS
from nightmend.snapshot import Snapshot
from nightmend.workers import each
from nightmend.workspace import Workspace

SCRIPT = INSIDE / "import_state.py"
MARK = b"imported "
_LIBRARY = frozenset(("module", "foreign", ""))
LOOK_SECONDS = 60
"""Seconds that the imports of one look may take; what takes longer is not known."""
TOGETHER = 16
"""Variants that share a sandbox, in which libraries are imported once."""


class Difference(Frozen):
    """What one name of a module was, and is with a repair.

    `module` or what a library has (`foreign`), a function or class of the target (`own`), a `value`; "" is
    nothing. Without a name it is of the module as a whole: that it is loaded, or why it cannot be imported.
    """

    module: str
    name: str
    before: str
    after: str

    @property
    def harmless(self) -> bool:
        """Whether only something of a library comes or goes: nobody takes it from here."""
        return bool(self.name) and "" in (self.before, self.after) and {self.before, self.after} <= _LIBRARY


class Orders(Frozen):
    """What the script is told, as JSON."""

    roots: tuple[str, ...]
    modules: dict[str, str]
    variants: tuple[tuple[str, dict[str, str]], ...]
    seconds: int


def differences(
    workspace: Workspace, snapshot: Snapshot, variants: Mapping[str, Mapping[str, bytes]]
) -> dict[str, tuple[Difference, ...] | None]:
    """Return how the modules differ with each variant (an id and changed files); None where nobody knows."""
    plan = plan_suite(workspace, snapshot)
    looks = each(lambda some: _look(workspace, snapshot, plan, some), _together(variants))
    return {name: told for look in looks for name, told in look.items()}


def _together(
    variants: Mapping[str, Mapping[str, bytes]],
) -> Iterator[Mapping[str, Mapping[str, bytes]]]:
    """Yield variants that share a sandbox, the same for any number of workers, files side by side."""
    names = sorted(variants, key=lambda name: (*sorted(variants[name]), name))
    for at in range(0, len(names), TOGETHER):
        yield {name: variants[name] for name in names[at : at + TOGETHER]}


def _look(
    workspace: Workspace, snapshot: Snapshot, plan: Plan, variants: Mapping[str, Mapping[str, bytes]]
) -> dict[str, tuple[Difference, ...] | None]:
    root = str(workspace.target.path)
    orders = Orders(
        roots=(*plan.import_roots, *(f"{root}/{package.root}" for package in plan.packages)),
        modules={
            name: path
            for package in plan.packages
            for name, path in package.modules.items()
            if not name.endswith("__main__")
        },
        variants=tuple(
            (name, {path: content.decode("latin-1") for path, content in changes.items()})
            for name, changes in variants.items()
        ),
        seconds=LOOK_SECONDS,
    )
    limits = SUITE_LIMITS.model_copy(update={"wall_seconds": LOOK_SECONDS * (2 + len(variants))})
    command = [workspace.interpreter.executable, "-B", "-c", SCRIPT.read_text(encoding="utf-8")]
    with workspace.sandbox(snapshot, "imports", limits=limits, at_target=True, binds=plan.built) as box:
        result = box.run(command, env=environment(workspace), stdin=orders.model_dump_json().encode())
    return {**dict.fromkeys(variants), **_read(result.stdout.splitlines(), variants)}


def _read(lines: Iterable[bytes], variants: Mapping[str, object]) -> dict[str, tuple[Difference, ...] | None]:
    """Read what the target's process printed; it may print anything."""
    found: dict[str, tuple[Difference, ...] | None] = {}
    for line in lines:
        if not line.startswith(MARK):
            continue
        try:
            name, told = json.loads(line.removeprefix(MARK))
            if name in variants and told is not None:
                found[name] = tuple(
                    Difference(module=module, name=key, before=before, after=after)
                    for module, key, before, after in told
                )
        except (ValueError, TypeError):
            continue
    return found
