import math

from nightmend.agent_run import Work
from nightmend.evidence import Judgement, Speed
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.proof.baseline import Baseline
from nightmend.repairs.repair import Repair
from nightmend.repairs.repairing import RepairAgent, own_issues
from nightmend.results import AgentResult, PhaseResult
from nightmend.settings import SUITE_LIMITS
from tasks.checkpoint import agent_task


class Benchmark(Frozen):
    """What the target's own tests cost. None is where it could not be measured."""

    tests: int
    wall_seconds: float
    cpu_seconds: float
    response_seconds: float | None
    """CPU seconds that 95 of 100 test bodies stay within."""
    peak_memory: int | None
    """Bytes of all processes of the run."""
    memory_usage: float | None
    """Percent of the memory that a run may use."""
    cpu_utilization: float | None
    """Percent of one processor that the run kept busy."""
    cache_hit_rate: float | None
    """Percent of the calls of the target's functools caches that they answered; None without a call."""
    slowest: dict[str, float]


class OptimizationResult(Frozen):
    """What one optimization gained, as far as the machine can tell."""

    kept: bool
    reason: str
    speed: Speed | None

    @property
    def performance_improvement(self) -> float:
        """Share of CPU time that is saved for certain; 0 where nothing could be shown."""
        return self.speed.lower_bound if self.kept and self.speed else 0.0


class PerformanceTuningAgent(RepairAgent):
    """Makes hot code faster, and keeps only what is measured to be faster."""

    name = "performance_tuning"

    def initialize_monitoring(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def benchmark_system(self) -> Benchmark:
        """Measure the base: the target's own tests are its workload."""
        return benchmark_of(self.baseline(self.night.base))

    def identify_optimizations(self) -> tuple[Repair, ...]:
        """Propose the repairs of the base that claim to make it faster."""
        issues = own_issues(self.diagnosis(self.night.base), self.name)
        return tuple(repair for repair in self.propose(self.night.base, issues) if repair.claims_speed)

    def apply_optimization(self, optimization: Repair) -> OptimizationResult:
        """Prove one optimization and measure it in sandboxes, before and after; nothing is applied."""
        (judgement,) = self.prove(self.night.base, [optimization], self.baseline(self.night.base))
        return _result(judgement)

    def _work(self, start: PhaseResult) -> Work:
        work = super()._work(start)
        if start.baseline is None:
            return work
        benchmark = benchmark_of(self.workspace.get(start.baseline, Baseline))
        return work.model_copy(
            update={"metrics": {**work.metrics, **benchmark.model_dump(exclude={"slowest"})}}
        )


def benchmark_of(baseline: Baseline) -> Benchmark:
    """Read what a test run cost."""
    suite = baseline.suite
    bodies = sorted(suite.call_seconds.values())
    slowest = sorted(suite.call_seconds.items(), key=lambda pair: -pair[1])[:10]
    asked = suite.cache_hits + suite.cache_misses
    return Benchmark(
        tests=len(suite.outcomes),
        wall_seconds=suite.seconds,
        cpu_seconds=suite.cpu_seconds,
        response_seconds=bodies[math.ceil(0.95 * len(bodies)) - 1] if bodies else None,
        peak_memory=suite.peak_memory,
        memory_usage=None if suite.peak_memory is None else 100 * suite.peak_memory / SUITE_LIMITS.memory,
        cpu_utilization=100 * suite.cpu_seconds / suite.seconds if suite.seconds else None,
        cache_hit_rate=100 * suite.cache_hits / asked if asked else None,
        slowest=dict(slowest),
    )


def _result(judgement: Judgement) -> OptimizationResult:
    return OptimizationResult(
        kept=judgement.verdict == "kept", reason=judgement.reason, speed=judgement.evidence.speed
    )


@agent_task("performance_tuning")
def performance_tuning(night: Night, start: PhaseResult) -> AgentResult:
    """Make a target faster where the gain is beyond the noise."""
    return PerformanceTuningAgent(night).work(start)
