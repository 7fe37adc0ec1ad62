"""A repair that claims speed must show it, beyond the noise of this machine."""

from collections.abc import Sequence

from nightmend.evidence import Speed
from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.probe import Reach, probe_tests
from nightmend.proof.speed import claims_gain, measure_speeds
from nightmend.repairs.repair import Repair


def speed_rung(bench: Bench, baseline: Baseline) -> None:
    """Measure the repairs that claim to be faster, before and after; keep only what is."""
    claiming = [repair for repair in bench.open if repair.claims_speed]
    reach = probe_tests(bench, baseline, claiming)
    for group in apart(claiming, reach):
        claims = {repair.id: reach.tests[repair.id] for repair in group}
        speeds = measure_speeds(bench.workspace, bench.snapshot, bench.changed(group), claims, reach.seconds)
        for repair in group:
            _decide(bench, repair, speeds[repair.id])
    for repair in claiming:
        if not reach.tests.get(repair.id):
            bench.drop(repair, "rolled_back", "no test runs it, so its gain cannot be measured")


def apart(repairs: Sequence[Repair], reach: Reach) -> list[list[Repair]]:
    """Group repairs so that no test reaches two of a group: none can be measured for another."""
    groups: list[tuple[set[str], list[Repair]]] = []
    for repair in repairs:
        tests = set(reach.tests.get(repair.id, ()))
        if not tests:
            continue
        taken, group = next((one for one in groups if not one[0] & tests), (set(), []))
        if not group:
            groups.append((taken, group))
        taken |= tests
        group.append(repair)
    return [group for _, group in groups]


def _decide(bench: Bench, repair: Repair, speed: Speed | None) -> None:
    if speed is None:
        bench.drop(
            repair,
            "rolled_back",
            "the tests that run it are too noisy, or too fickle when repeated, to measure a gain",
        )
        return
    bench.note(repair, speed=speed)
    if not claims_gain(speed):
        bench.drop(repair, "rolled_back", _too_little(speed))


def _too_little(speed: Speed) -> str:
    if speed.gain <= 0:
        return f"it is not faster: the tests that run it need {-speed.gain:.1%} more CPU time"
    return f"its gain is not beyond the noise: {speed.gain:.1%}, at least {speed.lower_bound:.1%}"
