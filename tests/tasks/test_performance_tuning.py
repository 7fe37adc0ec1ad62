from nightmend.proof.baseline import Baseline
from nightmend.proof.suite import SuiteRun
from tasks.performance_tuning import benchmark_of


def suite(**fields: object) -> Baseline:
    return Baseline(suite=SuiteRun.model_validate({"usable": True, **fields}))


def test_a_benchmark_reads_response_memory_processor_and_caches_off_a_run() -> None:
    bodies = {f"test_{number}": number / 100 for number in range(1, 101)}
    benchmark = benchmark_of(
        suite(call_seconds=bodies, seconds=4, cpu_seconds=6, peak_memory=2**31, cache_hits=97, cache_misses=3)
    )
    assert benchmark.response_seconds == 0.95
    assert benchmark.memory_usage == 25
    assert benchmark.cpu_utilization == 150
    assert benchmark.cache_hit_rate == 97
    assert next(iter(benchmark.slowest)) == "test_100"


def test_what_a_run_does_not_tell_is_not_measurable() -> None:
    benchmark = benchmark_of(suite())
    assert benchmark.response_seconds is None
    assert benchmark.memory_usage is None
    assert benchmark.cpu_utilization is None
    assert benchmark.cache_hit_rate is None
