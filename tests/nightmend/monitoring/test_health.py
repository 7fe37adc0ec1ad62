from nightmend.agent import Check
from nightmend.monitoring.health import Health, HealthLog


def health(*complaints: str) -> Health:
    broken = [Check(name="Dask", passed=False, detail=complaint) for complaint in complaints]
    return Health(agents=(), checks=(Check(name="sandbox", passed=True), *broken))


def test_changes_are_told_and_everything_is_counted() -> None:
    states = [health(), health("gone"), health("gone"), health(), health("gone again")]
    waiting, told = iter(states), list[Health]()
    log = HealthLog(60, lambda: next(waiting), told.append)
    for _ in states:
        log.check()
    assert told == [states[1], states[3], states[4]]
    summary = log.summary
    assert (summary.interval, summary.checks, summary.failed) == (60, 5, 3)
    assert [trouble.complaints for trouble in summary.troubles] == [("Dask: gone",), ("Dask: gone again",)]
