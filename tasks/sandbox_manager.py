import os
from pathlib import Path

from nightmend.agent import Check, SelfTest
from nightmend.agent_run import Work, run_agent
from nightmend.errors import UsageError
from nightmend.night import Night
from nightmend.nights import ambient_night
from nightmend.results import AgentResult, PhaseResult
from nightmend.sandboxes import backends
from nightmend.sandboxes.cleanup import Reaped, reap
from nightmend.sandboxes.protocol import Sandbox, SandboxSpec
from nightmend.settings import SandboxSettings
from nightmend.workspace import Workspace, sandbox_folder
from tasks.checkpoint import agent_task


class SandboxManager:
    """Gives out sandboxes by name and takes everything of them away again."""

    name = "sandbox_manager"

    def __init__(self, night: Night | None = None) -> None:
        self.night = night or (ambient_night() if os.environ.get("NIGHTMEND_TARGET") else None)
        self.settings = self.night.sandbox if self.night else SandboxSettings()
        self._sandboxes: dict[str, Sandbox] = {}

    def initialize_environments(self) -> tuple[str, ...]:
        """Remove the sandboxes that dead nights left behind; returns their names."""
        return self.reap().removed

    def reap(self) -> Reaped:
        """Remove the sandboxes that dead nights left behind; says which, and what stayed."""
        return reap(self.base_directory, older_than=self.settings.cleanup_interval)

    @property
    def base_directory(self) -> Path:
        """Where the sandboxes of this user live."""
        return sandbox_folder(self.settings)

    def create_sandbox(self, name: str) -> Sandbox:
        """Open a sandbox on the target's base, on an empty tree where no target is given."""
        if name in self._sandboxes:
            raise UsageError(f"a sandbox named {name!r} is open: clean it up first, or choose another name")
        limits = self.settings.limits
        if self.night:
            box = Workspace(self.night).sandbox(self.night.base, name, limits=limits)
        else:
            box = backends.create(
                SandboxSpec(
                    name=name,
                    base_directory=str(self.base_directory),
                    lower=None,
                    limits=limits,
                    back_end=self.settings.back_end,
                )
            )
        self._sandboxes[name] = box
        return box

    def cleanup_sandbox(self, name: str) -> None:
        """End a sandbox, named or by its id, with all its processes and files."""
        for known, box in self._sandboxes.items():
            if name in (known, box.id):
                box.close()
                del self._sandboxes[known]
                return
        raise UsageError(f"no sandbox named {name!r} is open (open: {', '.join(self._sandboxes) or 'none'})")

    def self_test(self) -> SelfTest:
        """Try on a real sandbox that it is closed to its surroundings and leaves nothing behind."""
        name = f"self-test-{os.getpid()}"
        box = self.create_sandbox(name)
        try:
            outside = box.execute_command("ls ../")
            alive = box.execute_command("echo alive")
            network = box.execute_command("cat /proc/net/route | tail -n +2 | grep .")
        finally:
            self.cleanup_sandbox(name)
        return SelfTest(
            checks=(
                Check(
                    name="runs", passed=alive.stdout == b"alive\n", detail=str(alive.limit or alive.stderr)
                ),
                Check(name="isolation", passed=outside.return_code != 0, detail="`ls ../` succeeded"),
                Check(name="no network", passed=network.return_code != 0, detail="a route leads out"),
                Check(name="cleanup", passed=not box.path.exists(), detail=f"{box.path} is still there"),
            )
        )


@agent_task("sandbox_manager")
def sandbox_manager(night: Night, start: PhaseResult) -> AgentResult:
    """Clear away what dead nights left, and lay out the base that every sandbox stands on."""
    return run_agent("sandbox_manager", lambda: _prepare(night))


def _prepare(night: Night) -> Work:
    reaped = SandboxManager(night).reap()
    workspace = Workspace(night)
    workspace.checkout(night.base)
    files = workspace.store.files(night.base)
    return Work(
        metrics={
            "back_end": backends.available(night.sandbox.back_end),
            "reaped": len(reaped.removed),
            "not_reaped": "; ".join(reaped.stayed) or None,
            "files": len(files),
            "bytes": sum(entry.size for entry in files.values()),
        }
    )
