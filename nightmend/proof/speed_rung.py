"""A repair that claims speed must show it, beyond the noise of this machine."""

from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.probe import tests_reaching
from nightmend.proof.speed import claims_gain, measure_speed
from nightmend.repair import Repair


def speed_rung(bench: Bench, baseline: Baseline) -> None:
    """Measure each repair that claims to be faster, before and after; keep only what is."""
    for repair in [one for one in bench.open if one.claims_speed]:
        reason = _not_faster(bench, baseline, repair)
        if reason:
            bench.drop(repair, "rolled_back", reason)


def _not_faster(bench: Bench, baseline: Baseline, repair: Repair) -> str | None:
    tests = tests_reaching(bench, baseline, repair)
    if not tests:
        return "no test runs it, so its gain cannot be measured"
    before = {path: bench.contents[path] for path in repair.paths}
    speed = measure_speed(bench.workspace, bench.snapshot, before, bench.changed([repair]), tests)
    if speed is None:
        return "the tests that run it are too noisy here to measure a gain"
    bench.note(repair, speed=speed)
    if not claims_gain(speed):
        return f"its gain is not beyond the noise: {speed.gain:.1%}, at least {speed.lower_bound:.1%}"
    return None
