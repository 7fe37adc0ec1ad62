import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from nightmend.agent_run import Work
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.patterns.pattern import Pattern
from nightmend.repairs.repairing import RepairAgent
from nightmend.results import AgentResult, PhaseResult
from tasks.checkpoint import agent_task


class Concurrency(Frozen):
    """How operations of several agents at once went: percent that succeeded, seconds each took."""

    operations: int
    success_rate: float
    avg_response_time: float
    slowest: float


class AsyncOptimizationAgent(RepairAgent):
    """Mends coroutines that block or lose their tasks, and tests how agents work side by side."""

    name = "async_optimization"

    def initialize_async_tools(self) -> dict[str, Pattern]:
        """Load the agent's patterns by name."""
        return self.load_patterns()

    def test_concurrent_operations(self, num_agents: int = 5, operations_per_agent: int = 10) -> Concurrency:
        """Let agents work at once, each in a sandbox of its own on the target: write, read back, run."""
        with ThreadPoolExecutor(num_agents) as pool:
            agents = list(
                pool.map(lambda agent: self._operate(agent, operations_per_agent), range(num_agents))
            )
        results = [operation for agent in agents for operation in agent]
        seconds = [spent for spent, _ in results]
        return Concurrency(
            operations=len(results),
            success_rate=100 * sum(succeeded for _, succeeded in results) / len(results),
            avg_response_time=statistics.fmean(seconds),
            slowest=max(seconds),
        )

    def _operate(self, agent: int, operations: int) -> Sequence[tuple[float, bool]]:
        results = []
        with self.workspace.sandbox(self.night.base, f"concurrent-{agent}") as box:
            for operation in range(operations):
                clock = time.perf_counter()
                said = f"{agent} {operation}".encode()
                box.write("said", said)
                heard = box.run(["cat", "said"])
                results.append((time.perf_counter() - clock, heard.stdout == said and heard.return_code == 0))
        return results

    def _work(self, start: PhaseResult) -> Work:
        work = super()._work(start)
        concurrency = self.test_concurrent_operations()
        return work.model_copy(update={"metrics": {**work.metrics, **concurrency.model_dump()}})


@agent_task("async_optimization")
def async_optimization(night: Night, start: PhaseResult) -> AgentResult:
    """Mend the asynchronous code of a target, and test agents side by side."""
    return AsyncOptimizationAgent(night).work(start)
