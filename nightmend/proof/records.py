"""What a run of the suite left behind, and what it is worth."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pydantic import Field

from nightmend.frozen import Frozen
from nightmend.proof.spectrum import LinesRun, Spectrum
from nightmend.sandboxes.protocol import CommandResult

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]
COMMAND = "test command"
"""The one test of a command that tells nothing but its exit code."""
CANNOT_START = (126, 127)
NO_TESTS, WRONG_USE = 5, 4
"""Exit codes of pytest."""
TIMED_OUT = b"Timeout ("
"""How faulthandler begins when a test took too long."""
HANGING = ("test_timeout", "silent_seconds")
"""Limits that one test reaches alone, whatever the others need."""


class FunctionTime(Frozen):
    """The time of one function of the target, what it calls included, and the line that takes most of it."""

    path: str
    line: int
    name: str
    seconds: float
    hot_line: int
    hot_seconds: float


class Profiled(Frozen):
    """What profilers saw of a run that was asked for them."""

    seconds: float = 0
    """On the clock in the bodies of tests."""
    functions: tuple[FunctionTime, ...] = ()
    peak_memory: dict[str, float] = Field(default_factory=dict)
    """MiB of the process, by test."""
    failed: tuple[str, ...] = ()
    """Why a profiler could not be loaded."""


class SuiteRun(Frozen):
    """One run of a target's tests. A test that did not report is in no field; callers count it as failed."""

    outcomes: dict[str, Outcome] = Field(default_factory=dict)
    """By test id, in the order in which they ran."""
    collection_errors: dict[str, str] = Field(default_factory=dict)
    messages: dict[str, str] = Field(default_factory=dict)
    """The start of the failure, for tests that failed."""
    seconds: float = 0
    cpu_seconds: float = 0
    peak_memory: int | None = None
    """Bytes of all processes together, at most; None where that could not be counted."""
    cache_hits: int = 0
    """Answers that the target's functools caches gave at once, of those that stood at the end."""
    cache_misses: int = 0
    call_seconds: dict[str, float] = Field(default_factory=dict)
    """CPU seconds of the test's own body; of all repetitions, by their median, where there were any."""
    growing: tuple[str, ...] = ()
    """Tests whose body got dearer as it was repeated, so that its time says nothing."""
    probes: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Numbers of the planted probes that the test's own body ran; only tests that ran any."""
    spectrum: Spectrum = Spectrum()
    """Which tests ran which lines: recorded where that was asked for, or carried along behind repairs."""
    coverage_failed: str = ""
    """Why lines could not be recorded."""
    profiled: Profiled = Profiled()
    foreign: tuple[str, ...] = ()
    """Modules of the target that were loaded from elsewhere, with the place."""
    limit: str = ""
    """The limit that ended the run: a field of Limits, or `test_timeout`."""
    cut_short: bool = False
    """Whether the run ended before pytest said so: at a limit, or in a crash."""
    stopped_in: str = ""
    """The test that ran when it was cut short, or the file that was collected."""
    left_out: tuple[str, ...] = ()
    """Tests and files of tests that were not run, because they hang."""
    usable: bool
    """Whether repairs may be judged by this run."""
    reason: str = ""
    """Why it is not usable, or what else is wrong with it."""

    def count(self, *outcomes: Outcome) -> int:
        """Return how many tests ended in one of these ways."""
        return sum(outcome in outcomes for outcome in self.outcomes.values())


class Record(Frozen):
    """One line of the plugin; which fields are set says what happened."""

    collecting: str | None = None
    uncollected: str | None = None
    collected: tuple[str, ...] | None = None
    started: str | None = None
    test: str | None = None
    outcome: Outcome | None = None
    message: str = ""
    cpu: float = 0
    probes: tuple[int, ...] = ()
    grows: bool = False
    file: str | None = None
    ran: tuple[LinesRun, ...] = ()
    tests: tuple[str, ...] | None = None
    spawning: str = "0"
    opened: dict[str, str] = Field(default_factory=dict)
    coverage_failed: str | None = None
    profile_failed: str | None = None
    profiled_seconds: float = 0
    functions: tuple[FunctionTime, ...] = ()
    peak: float | None = None
    finished: int | None = None
    cache_hits: int = 0
    cache_misses: int = 0
    foreign: tuple[str, ...] = ()
    timed_out: bool = False


def parse_records(content: bytes) -> list[Record]:
    """Read the whole lines; one that the target spoiled, or that a crash cut, says nothing."""
    records = []
    for line in content.splitlines():
        if line.startswith(TIMED_OUT):
            records.append(Record(timed_out=True))
            continue
        try:
            records.append(Record.model_validate(json.loads(line)))
        except ValueError:
            continue
    return records


def judge_run(
    result: CommandResult,
    records: Sequence[Record],
    *,
    only: Sequence[str] | None,
    changed: bool,
    without: Sequence[str] = (),
) -> SuiteRun:
    """Put a run together and say whether repairs may be judged by it.

    Where nothing could run, that is the fault of the changes if there were any: such a run stays usable, and
    in it no test passed.
    """
    if any(record.timed_out for record in records) and all(record.finished is None for record in records):
        result = result.model_copy(update={"limit": HANGING[0]})
    tests = [record for record in records if record.test is not None and record.outcome is not None]
    cut_short = bool(result.limit) or all(record.finished is None for record in records)
    foreign = tuple(place for record in records for place in record.foreign)
    nothing = _nothing_ran(result, records, tests)
    missing = "; ".join(filter(None, (_missing_sentence(result, records, tests), _hanging_sentence(without))))
    reason = _foreign_sentence(foreign) or nothing or missing
    return SuiteRun(
        outcomes={record.test: record.outcome for record in tests if record.test and record.outcome},
        collection_errors={record.uncollected: record.message for record in records if record.uncollected},
        messages={record.test: record.message for record in tests if record.test and record.message},
        seconds=result.wall_seconds,
        cpu_seconds=result.cpu_seconds,
        peak_memory=result.peak_memory,
        cache_hits=sum(record.cache_hits for record in records),
        cache_misses=sum(record.cache_misses for record in records),
        call_seconds={record.test: record.cpu for record in tests if record.test},
        growing=tuple(record.test for record in tests if record.test and record.grows),
        probes={record.test: record.probes for record in tests if record.test and record.probes},
        spectrum=_spectrum(records),
        coverage_failed=next((record.coverage_failed for record in records if record.coverage_failed), ""),
        profiled=_profiled(records),
        foreign=foreign,
        limit=result.limit or "",
        cut_short=cut_short,
        stopped_in=_running(records) if cut_short else "",
        left_out=tuple(without),
        usable=not foreign and (changed or only is not None or not nothing),
        reason=reason,
    )


def judge_command(result: CommandResult, *, changed: bool) -> SuiteRun:
    """Read the run of a command that is not pytest's: it is one test."""
    failed = bool(result.limit) or result.return_code != 0
    usable = changed or result.return_code not in CANNOT_START
    why = f"{_end(result)}: {_complaint(result)}"
    return SuiteRun(
        outcomes={COMMAND: "failed" if failed else "passed"},
        messages={COMMAND: why} if failed else {},
        seconds=result.wall_seconds,
        cpu_seconds=result.cpu_seconds,
        peak_memory=result.peak_memory,
        limit=result.limit or "",
        cut_short=bool(result.limit),
        usable=usable,
        reason="" if usable else f"the test command cannot be started: {why}",
    )


def _spectrum(records: Sequence[Record]) -> Spectrum:
    named = next((record for record in records if record.tests is not None), Record())
    return Spectrum(
        tests=named.tests or (),
        lines={record.file: record.ran for record in records if record.file and named.tests},
        opened=named.opened,
        spawning=named.spawning,
    )


def _profiled(records: Sequence[Record]) -> Profiled:
    return Profiled(
        seconds=sum(record.profiled_seconds for record in records),
        functions=tuple(function for record in records for function in record.functions),
        peak_memory={record.test: record.peak for record in records if record.test and record.peak},
        failed=tuple(record.profile_failed for record in records if record.profile_failed),
    )


def _foreign_sentence(foreign: Sequence[str]) -> str:
    if not foreign:
        return ""
    more = f" and {len(foreign) - 1} more modules" if len(foreign) > 1 else ""
    return f"the tests import code that is not the snapshot's: {foreign[0]}{more}"


def _nothing_ran(result: CommandResult, records: Sequence[Record], tests: Sequence[Record]) -> str:
    if tests:
        return ""
    errors = [f"{record.uncollected}: {_last(record.message)}" for record in records if record.uncollected]
    if errors:
        return f"no test could be collected; {errors[0]}"
    if any(record.collected for record in records):
        return f"no test reported: {_end(result)}"
    if result.return_code == NO_TESTS:
        return "the target has no tests that pytest finds"
    return f"pytest did not start: {_complaint(result)}"


def _hanging_sentence(without: Sequence[str]) -> str:
    return f"left out, since it hangs: {', '.join(without)}" if without else ""


def _running(records: Sequence[Record]) -> str:
    """Return the test that began last, where it never ended; before any began, the file being collected."""
    if not any(record.collected is not None for record in records):
        return next((record.collecting for record in reversed(records) if record.collecting), "")
    started = next((record.started for record in reversed(records) if record.started), "")
    return "" if any(record.test == started for record in records) else started


def _missing_sentence(result: CommandResult, records: Sequence[Record], tests: Iterable[Record]) -> str:
    collected = Counter(name for record in records for name in record.collected or ())
    reported = Counter(record.test for record in tests if record.test)
    missing = list((collected - reported).elements())
    finished = any(record.finished is not None for record in records)
    if not missing:
        return "" if finished else f"pytest did not end by itself: {_end(result)}"
    running = [record.started for record in records if record.started in missing]
    where = f" in {running[-1]}" if running and not finished else ""
    return f"{len(missing)} of {sum(collected.values())} tests did not report: {_end(result)}{where}"


def _end(result: CommandResult) -> str:
    if result.limit:
        return f"the limit of {result.limit} was reached"
    if result.return_code > 128:
        return f"the process was ended by signal {result.return_code - 128}"
    return f"the process ended with exit code {result.return_code}"


def _complaint(result: CommandResult) -> str:
    """Return the line in which pytest, or Python, says why it gave up."""
    if result.limit:
        return _end(result)
    lines = [line for line in _lines(result.stderr + b"\n" + result.stdout) if line]
    marked = [line[2:].strip() for line in lines if line.startswith("E  ")]
    blamed = [
        line for line in lines if line.startswith(("ERROR", "ImportError", "Error")) or "Error:" in line
    ]
    where = [line for line in lines if line.startswith("ImportError while loading conftest")]
    said = [*where[:1], *(marked[-1:] or blamed[-1:] or lines[-1:])]
    return " ".join(dict.fromkeys(said)) or _end(result)


def _lines(output: bytes) -> Iterator[str]:
    return (line.strip() for line in output.decode("utf-8", "replace").splitlines())


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip() if lines else ""
