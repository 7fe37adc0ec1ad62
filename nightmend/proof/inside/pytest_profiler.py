"""Where the tests of a run spend their time, and how much memory they take, written beside the other records.

Loaded behind the witness, by the target's interpreter, so it runs on Python 3.8 and imports nothing of ours
but the witness. The profilers are those of the target or else ours; a record says where one cannot be loaded.
"""
# ruff: noqa: UP032, D102, PLC0415

import sys
import threading
import time

import pytest
from nightmend_witness import ORDERS, _in_target, _record

INTERVAL = 0.02
LISTED = 20
"""Functions that are written down: those with the most time."""


class Functions:
    """Times every line of the target's functions, by line-profiler."""

    def __init__(self):
        from line_profiler import LineProfiler

        self.profiler = LineProfiler()
        self.known = set()
        self.seconds = 0.0

    def start(self):
        for name in ORDERS["modules"]:
            if name in sys.modules and name not in self.known:
                self.known.add(name)
                self.profiler.add_module(sys.modules[name])
        self.begun = time.perf_counter()
        self.profiler.enable_by_count()

    def stop(self):
        self.profiler.disable_by_count()
        self.seconds += time.perf_counter() - self.begun

    def tell(self):
        stats = self.profiler.get_stats()
        found = [_function(key, lines, stats.unit) for key, lines in stats.timings.items() if lines]
        found = [one for one in found if one["path"] is not None]
        found.sort(key=lambda one: -one["seconds"])
        _record(profiled_seconds=self.seconds, functions=found[:LISTED])


def _function(key, lines, unit):
    place, line, name = key
    hot_line, _, hot_time = max(lines, key=lambda one: one[2])
    return {
        "path": _in_target(place),
        "line": line,
        "name": name,
        "seconds": sum(one[2] for one in lines) * unit,
        "hot_line": hot_line,
        "hot_seconds": hot_time * unit,
    }


class Memory:
    """Looks at the memory of this process again and again while a test runs, by memory-profiler."""

    def __init__(self):
        from memory_profiler import memory_usage

        self.look = lambda: max(memory_usage(-1, interval=INTERVAL, timeout=INTERVAL))

    def start(self):
        self.peak, self.over = self.look(), threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.over.is_set():
            self.peak = max(self.peak, self.look())

    def stop(self):
        self.over.set()
        self.thread.join()
        return max(self.peak, self.look())


def _made(kind):
    """Return a profiler, None where it cannot be loaded here."""
    sys.path.append(ORDERS["profilers"])
    try:
        return kind()
    except Exception as error:
        _record(profile_failed="{}: {}".format(type(error).__name__, error))
        return None
    finally:
        sys.path.remove(ORDERS["profilers"])


class Profiling:
    """Hooks of pytest, the innermost ones, so that only the body of a test counts."""

    def __init__(self):
        self.functions, self.memory = _made(Functions), _made(Memory)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item):
        if self.memory is not None:
            self.memory.start()
        if self.functions is not None:
            self.functions.start()
        yield
        if self.functions is not None:
            self.functions.stop()
        if self.memory is not None:
            _record(test=item.nodeid, peak=self.memory.stop())

    def pytest_sessionfinish(self):
        if self.functions is not None:
            self.functions.tell()


def pytest_configure(config):
    """Load the profilers, and register the hooks."""
    config.pluginmanager.register(Profiling(), "nightmend_profiling_hooks")
