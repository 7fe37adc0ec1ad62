from nightmend.proof.records import SuiteRun


def broken_tests(before: SuiteRun, after: SuiteRun) -> tuple[str, ...]:
    """Return the ids that passed before and do not pass after; an id that vanished counts as failed."""
    passed = (name for name, outcome in before.outcomes.items() if outcome == "passed")
    return tuple(name for name in passed if after.outcomes.get(name) != "passed")
