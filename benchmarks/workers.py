"""Two workers beside one, on the same repairs: `python benchmarks/workers.py [NAME ...]`.

The clock tells only of a machine that does nothing else, so that the load is kept beside it. What hardly
depends on the load is the processor time of each run: that tells how long the runs take with nobody beside.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import Context
from typing import Any

import candidates
import page
from meter import Meter, spent, watch_boxes
from proof import Subject
from real_projects import engine
from row import Machine, machine
from sources import listed

from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Repair
from nightmend.repairs.settle import settle
from nightmend.targets.protected import is_test
from nightmend.workers import over

RESULTS = page.ROWS / "workers"
CHOSEN = ("ciw",)
REPAIRS, MISTAKES = 60, 4
SHOWN = 1
"""CPU seconds below which a step is not worth a word."""


class Turn(Frozen):
    """One judging of all repairs."""

    workers: int
    seconds: float
    """On the clock."""
    cpu_seconds: float
    load: float
    """Processes that wanted to run meanwhile, ours too: the mean of a minute at the end."""


class Recorded(Executor):
    """One worker that does what waits when the first answer is wanted, and notes what each run costs."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        """Processor seconds of the runs that may go at once."""
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """Note a run; it begins when somebody wants to know."""
        answer = Answer(self)
        self._waiting.append((answer, lambda: work(*given, **named)))
        return answer

    def do(self) -> None:
        """Do all that waits, one after the other."""
        batch, self._waiting = self._waiting, []
        costs = []
        for answer, work in batch:
            if answer.set_running_or_notify_cancel():
                before = spent()
                try:
                    answer.set_result(Context().run(work))
                except Exception as error:
                    answer.set_exception(error)
                costs.append(spent() - before)
        if costs:
            self.batches.append(costs)

    def saved(self, workers: int) -> float:
        """Return the seconds that so many workers save, each run taken by who is free first."""
        return sum(sum(costs) - _longest(costs, workers) for costs in self.batches)


class Answer(Future[Any]):
    """What a run came to."""

    def __init__(self, owner: Recorded) -> None:
        super().__init__()
        self._owner = owner

    def result(self, timeout: float | None = None) -> Any:
        """Have everything done that waits, and return what this came to."""
        self._owner.do()
        return super().result(timeout)


def _longest(costs: Sequence[float], workers: int) -> float:
    busy = [0.0] * workers
    for cost in costs:
        busy[busy.index(min(busy))] += cost
    return max(busy)


class Figures(Frozen):
    """What the turns of one project came to."""

    project: str
    repairs: int
    kept: int
    same: bool | None = None
    """Whether both turns gave the same tree and the same verdicts; None where there was one."""
    one: Turn
    two: Turn | None = None
    saved: float
    """Processor seconds of the first turn that a second worker takes over."""
    steps: dict[str, float]
    """Processor seconds of the first turn, by step."""
    machine: Machine
    engine: str

    @property
    def faster(self) -> float:
        """How many times faster two workers are where nobody else is: by processor time."""
        return self.one.cpu_seconds / (self.one.cpu_seconds - self.saved)


def main(names: Sequence[str]) -> None:
    """Measure the named projects, keep what they came to, and draw the table."""
    watch_boxes()
    for name in names or CHOSEN:
        figures = measured(name)
        page.keep(RESULTS, name, figures)
        draw()


def measured(name: str) -> Figures:
    """Judge the same repairs with one worker, and with two."""
    subject = Subject(listed()[name])
    repairs = lot(subject)
    meter, recorded = Meter(), Recorded()
    with meter.running():
        one, end, kept = taken(subject, repairs, 1, recorded)
    print(one, f"{kept} of {len(repairs)} kept, a second worker saves {recorded.saved(2):.1f} s", flush=True)
    print(dict(meter.by_step), [[round(cost, 1) for cost in some] for some in recorded.batches], flush=True)
    with ThreadPoolExecutor(2) as threads:
        two, other, _ = taken(subject, repairs, 2, threads)
    return Figures(
        project=listed()[name].label,
        repairs=len(repairs),
        kept=kept,
        same=end == other,
        one=one,
        two=two,
        saved=round(recorded.saved(2), 1),
        steps={step: round(cpu, 1) for step, cpu in meter.by_step.items()},
        machine=machine(),
        engine=engine(),
    )


def lot(subject: Subject) -> list[Repair]:
    """Return repairs as they come, with a few mistakes in code that tests run."""
    paths = [path for path in subject.baseline.suite.spectrum.reached if not is_test(path)]
    contents = subject.workspace.store.read_many(subject.base, sorted(paths))
    modules = filter(None, (Module.parse(path, text) for path, text in contents.items()))
    planted = candidates.shuffled([one for module in modules for one in candidates.mistakes(module)])
    pool = candidates.candidates(subject.workspace)
    return candidates.apart([*planted[:MISTAKES], *pool])[: MISTAKES + REPAIRS]


def taken(
    subject: Subject, repairs: Sequence[Repair], workers: int, executor: Executor
) -> tuple[Turn, tuple[str, ...], int]:
    """Judge and settle with so many workers; returns what it came to, and how many were kept."""
    clock, cpu = time.perf_counter(), spent()
    with over(executor):
        settled = settle(subject.workspace, subject.base, subject.judged(repairs), subject.baseline)
    turn = Turn(
        workers=workers,
        seconds=round(time.perf_counter() - clock, 1),
        cpu_seconds=round(spent() - cpu, 1),
        load=round(os.getloadavg()[0], 1),
    )
    end = (settled.snapshot.tree, *map(_verdict, settled.judgements))
    return turn, end, sum(one.verdict == "kept" for one in settled.judgements)


def _verdict(judgement: Judgement) -> str:
    return f"{judgement.repair.id} {judgement.verdict}"


def draw() -> None:
    """Write the table of all figures that are kept into the page."""
    kept = page.kept(RESULTS, Figures)
    facts: dict[str, Callable[[Figures], str]] = {
        "repairs, kept": lambda one: f"{one.repairs}, {one.kept}",
        "CPU seconds of the judging with one worker": lambda one: f"{one.one.cpu_seconds:.0f} s",
        "of these, done by a second worker": lambda one: f"{one.saved:.0f} s",
        "**times faster with nobody beside, by CPU time** (goal 1.6)": lambda one: f"**{one.faster:.2f}**",
        "one worker on the clock": lambda one: _clock(one.one),
        "two workers on the clock": lambda one: _clock(one.two),
        "CPU seconds by step": lambda one: ", ".join(
            f"{step.removesuffix('_rung').replace('_', ' ')} {cpu:.0f}"
            for step, cpu in one.steps.items()
            if cpu >= SHOWN
        ),
        "the same tree and verdicts": lambda one: (
            "not measured" if one.same is None else "yes" if one.same else "no"
        ),
        "machine": lambda one: f"{one.machine.cores} cores, Python {one.machine.python}",
        "nightmend": lambda one: f"`{one.engine}`",
    }
    head = ["", *(one.project for one in kept)]
    page.put("workers", page.grid(head, [[name, *map(fact, kept)] for name, fact in facts.items()]))


def _clock(turn: Turn | None) -> str:
    return f"{turn.seconds:.0f} s at load {turn.load:.0f}" if turn else "not measured"


if __name__ == "__main__":
    main(sys.argv[1:])
