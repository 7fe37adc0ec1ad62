"""Real nights that real faults happen to, and what must hold after each: shared by tests and benchmark."""

import contextlib
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.load import NAME
from blocks.sandbox import Sandbox
from nightmend.agents import AGENTS, PHASES, Phase
from nightmend.recovery.alive import FOLDER
from tests.flows.driving import SHOP, TESTS, House, Outcome, RunningNight, command_of, git, shop, untouched

WITNESS = '''\
"""Write down which agent's body begins and ends, in the flow process as in Dask's."""
import os

import nightmend.agent_run as agent_run

sound = agent_run.run_agent


def note(*words):
    with open(os.environ["NIGHTMEND_HOME"] + "/witness", "a") as file:
        print(*words, os.getpid(), file=file)


def witnessed(agent, work):
    note("begun", agent)
    result = sound(agent, work)
    note("done", agent)
    return result


agent_run.run_agent = witnessed
'''
MENDED = SHOP.replace(
    'KeyError:\n        raise ValueError(f"no price for {name}")',
    'KeyError as error:\n        raise ValueError(f"no price for {name}") from error',
)


@dataclass(frozen=True)
class Part:
    """As much of a night as a fault needs."""

    options: tuple[str, ...]
    agents: tuple[str, ...]
    result: str
    """What an undisturbed night makes of the shop."""


WHOLE = Part((), AGENTS, MENDED.replace('f"come in"', '"come in"'))
REPAIRS = Part(("--through", "repairs"), AGENTS[: AGENTS.index("performance_tuning")], MENDED)
QUALITY = Part(
    ("--only", "code_quality"),
    (*PHASES["foundation"], *PHASES["diagnostics"], "code_quality"),
    SHOP.replace('f"come in"', '"come in"'),
)
HOURS = 600.0
"""Seconds that a night may take on the slowest machine; what takes longer hangs."""

PATIENCE = 180.0
"""Seconds for what is at its end, such as the guard that tells Prefect of a dead run."""


AT_ONCE = 3
"""Agents that work at the same time: what an instant can cost."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    name: str
    inject: "Callable[[Scene], object]"
    """Have nights meet the fault, see how they end, and take away what it needed."""
    work: Phase | None = "quality"
    """The first phase of which nothing is kept when the fault comes; None: all work is kept."""
    part: Part = QUALITY
    times: int = 1
    forgets: bool = False
    """Whether kept work is lost: it is done anew, and nobody may know any more whose the last branch is."""


@dataclass(frozen=True)
class Suffered:
    """What came of a fault."""

    fault: str
    times: int
    seconds: float
    again: tuple[str, ...]
    """The agents whose work was begun again, one for each time."""
    problems: tuple[str, ...]


@dataclass
class Scene:
    """A house with a target, its own Prefect server, and whatever goes wrong there."""

    house: House
    target: Path
    before: dict[str, str]
    part: Part = QUALITY
    problems: list[str] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    """How often each agent has to work though no fault had come."""

    @classmethod
    def lay(cls, folder: Path, server: str) -> "Scene":
        """Lay a target and an empty house below a folder; its sandboxes are reaped at once."""
        (folder / "tmp").mkdir()
        house, target = House(folder / "home", server, temporary=folder / "tmp"), shop(folder / "shop")
        scene = cls(house, target, untouched(target))
        scene.configure(server)
        return scene

    def configure(self, server: str) -> None:
        """Let nights of a server have their sandboxes below the house, and reap dead ones at once."""
        with temporary_settings({PREFECT_API_URL: server}):
            block = Sandbox(base_directory=self.sandboxes, cleanup_interval=0.01)
            block.save(NAME, overwrite=True)

    @property
    def temporary(self) -> Path:
        return self.house.home.parent / "tmp"

    @property
    def sandboxes(self) -> Path:
        return self.house.home.parent / "sandboxes"

    def suffer(self, fault: Fault) -> Suffered:
        """Inject a fault, then spend the next night, and see that all is as if nothing had been."""
        clock = time.monotonic()
        if fault.work:
            self.forget(fault.work)
        elif fault.part is not self.part or not self.records:
            self.part = fault.part
            self.finish()
        self.part, self.problems = fault.part, []
        begun = self.begun
        self.missing = Counter(agent for agent in self.part.agents if not self.record(agent))
        fault.inject(self)
        self.look()
        self.judge(self.finish(), fault.forgets)
        again = tuple((self.begun - begun - self.missing).elements())
        self.see(fault.forgets or len(again) <= AT_ONCE * fault.times, f"too much was done again: {again}")
        return Suffered(fault.name, fault.times, time.monotonic() - clock, again, tuple(self.problems))

    # -- nights -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def night(self, saboteur: str = "", options: tuple[str, ...] = ()) -> Iterator[RunningNight]:
        """Start a night to which a fault will happen."""
        options += self.part.options
        with self.house.night(self.target, *options, saboteur=WITNESS + saboteur) as night:
            yield night

    def finish(self) -> Outcome:
        """Spend a night to which nothing happens."""
        return self.house.recover(self.target, *self.part.options, saboteur=WITNESS)

    def end_of(self, night: RunningNight, *codes: int) -> None:
        """See that a night ends by itself with one of these codes and says no more than a sentence."""
        code = night.process.wait(HOURS)
        self.see(code in codes, f"the night ended with {code} and not {codes}: {night.said}")
        self.see("Traceback" not in night.said, f"the night said a traceback: {night.said}")

    def kill(self, night: RunningNight) -> bool:
        """SIGKILL the flow process; whether it lived. All its processes must follow, and nothing change."""
        if night.process.poll() is not None:
            assert night.process.returncode == 0, night.said
            return False
        ending = night.end(signal.SIGKILL)
        self.see(not ending.left, f"processes outlived the night: {ending.left}")
        self.look()
        return ending.code == -signal.SIGKILL

    def wait_for(self, night: RunningNight, agent: str) -> int:
        """Wait until the body of an agent has begun in this night; returns its process."""
        known = self.begun[agent]
        night.wait_until(lambda: self.begun[agent] > known, f"the beginning of {agent}")
        return [process for known, process in self.witnessed if known == agent][-1]

    # -- what is kept ---------------------------------------------------------------------------------------

    @property
    def witnessed(self) -> list[tuple[str, int]]:
        """The agents whose bodies began so far, each with its process."""
        place = self.house.home / "witness"
        lines = place.read_text().splitlines() if place.exists() else []
        return [(line.split()[1], int(line.split()[2])) for line in lines if line.startswith("begun ")]

    @property
    def begun(self) -> Counter[str]:
        """How often the body of each agent began so far."""
        return Counter(agent for agent, _ in self.witnessed)

    @property
    def records(self) -> int:
        """How many agents and phases have a record."""
        return sum(self.record(step) for step in (*AGENTS, *PHASES))

    def record(self, step: str) -> bool:
        return any((self.house.home / "results").glob(f"nightmend-{step}-*"))

    def forget(self, first: Phase) -> None:
        """Remove the records of a phase and of those behind it, and of their agents."""
        phases = list(PHASES)
        for phase in phases[phases.index(first) :]:
            self.forget_step(phase)
            for agent in PHASES[phase]:
                self.forget_step(agent)

    def forget_step(self, step: str) -> None:
        """Remove the records of a phase alone, or of an agent."""
        for record in (self.house.home / "results").glob(f"nightmend-{step}-*"):
            record.unlink()

    # -- what must hold -------------------------------------------------------------------------------------

    def see(self, holds: object, problem: str) -> None:
        """Note a problem where something does not hold."""
        if not holds:
            self.problems.append(problem)

    def look(self) -> None:
        """See that the repository has at most complete branches more, and that nothing is left over."""
        now = untouched(self.target)
        changed = {name for name in now.keys() | self.before.keys() if now.get(name) != self.before.get(name)}
        self.see(not changed, f"changed in the repository: {sorted(changed)}")
        self.see(not list((self.target / ".git").rglob("*.lock")), "a lock of git stayed in the repository")
        broken = fsck(self.target)
        self.see(not broken, f"git fsck: {broken}")
        results = [part.result for part in (WHOLE, REPAIRS, QUALITY)]
        for ref in git(self.target, "for-each-ref", "--format=%(refname)").split():
            whole = not ref.startswith("refs/heads/nightmend/") or self.made(ref) in results
            self.see(whole, f"{ref} is not what an undisturbed night makes")
        mounts = [
            line for line in Path("/proc/mounts").read_text().splitlines() if str(self.house.home) in line
        ]
        self.see(not mounts, f"mounts stayed: {mounts}")
        left = self.house.processes(PATIENCE)  # guards do not know NIGHTMEND_HOME: see `guards`
        self.see(not left, f"processes stayed: {left}")

    def judge(self, outcome: Outcome, forgets: bool) -> None:
        """See that the night behind a fault made what an undisturbed one makes, and cleared up."""
        self.see(outcome.code == 0, f"the next night ended with {outcome.code}: {outcome.said}")
        self.see("Traceback" not in outcome.said, f"the next night said a traceback: {outcome.said}")
        branch = outcome.known.get("branch")
        self.see(branch and self.made(branch) == self.part.result, f"its result is another: {outcome.said}")
        self.look()
        refs = set(git(self.target, "for-each-ref", "--format=%(refname:short)").split())
        left_over = refs - {"main", branch}
        self.see(forgets or not left_over, f"other refs than its branch: {left_over}")
        for ref in left_over:
            git(self.target, "branch", "-q", "-D", ref)
            self.before = untouched(self.target)  # git writes its config and packed-refs anew
        left = [box.name for box in self.sandboxes.glob("*/*") if any(box.iterdir())]
        self.see(not left, f"sandboxes stayed: {left}")
        passing = [*self.house.home.glob("targets/*/copies/*"), *self.house.home.glob("targets/*/.*")]
        passing += [*self.house.home.glob("targets/*/store.git/tmp/*"), *self.temporary.glob("nightmend-*")]
        self.see(not passing, f"passing files stayed: {passing}")
        guards = self.guards()
        self.see(not guards, f"guards of runs that are over stayed: {guards}")

    def guards(self) -> list[str]:
        """The guards of runs of this house, after those had time that tell Prefect of a dead run."""
        deadline = time.monotonic() + PATIENCE
        runs = f"{self.house.home}/{FOLDER}/"
        while left := [
            command
            for command in map(command_of, psutil.process_iter())
            if "flows.guard" in command and runs in command
        ]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        return left

    def made(self, ref: str) -> str:
        """Return what a branch has made of the shop; nothing where it changed anything else."""
        if git(self.target, "show", f"{ref}:tests/test_shop.py") != TESTS:
            return ""
        return git(self.target, "show", f"{ref}:shop.py")


def fsck(repository: Path) -> str:
    """Return what git finds broken or missing in a repository; what no ref knows may lie there."""
    command = ["git", "-C", repository, "fsck", "--full", "--no-dangling", "--no-progress"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""
