"""Which test ran which lines of the target, opened which of its files, and which started processes.

Loaded behind the witness, by the target's interpreter, so it runs on Python 3.8 and imports nothing of ours
but the witness. Lines are recorded by the `coverage` of the target or else by ours. Sets of tests are numbers
in hexadecimal, a bit for each test; the lowest bit stands for what ran outside of tests: imports, collection,
and fixtures that several tests share.
"""
# ruff: noqa: UP032, D102, PLC0415

import os
import sys

import pytest
from nightmend_witness import ORDERS, ROOT, _in_target, _record

# Tests replace functions of these modules while they run; what we use is ours from before.
_abspath, _isfile, _fsdecode, _getframe = os.path.abspath, os.path.isfile, os.fsdecode, sys._getframe

OUTSIDE = ""
SPAWNS = frozenset(
    (
        "subprocess.Popen",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.exec",
        "os.system",
        "pty.spawn",
    )
)
IMPORTS = "<frozen importlib"
"""How the file name of the import system begins: what it opens, it runs, and that is recorded as lines."""


class Lines:
    """Records lines, each under the name of the test that runs."""

    def __init__(self):
        self.tracer = self.switch_context = None
        sys.path.append(ORDERS["coverage"])
        try:
            self._start()
        except Exception as error:
            _record(coverage_failed="{}: {}".format(type(error).__name__, error))
        finally:
            sys.path.remove(ORDERS["coverage"])

    def _start(self):
        import coverage

        places = [os.path.join(place, "*") for place in (ROOT, *ORDERS["copies"])]
        self.tracer = coverage.Coverage(data_file=None, config_file=False, include=places)
        self.tracer.start()
        self.switch_context = self.tracer.switch_context

    def stop(self, numbers):
        if self.tracer is None:
            return
        try:
            self.tracer.stop()
            data = self.tracer.get_data()
            for path in data.measured_files():
                groups = {}
                for line, names in data.contexts_by_lineno(path).items():
                    tests = sum(1 << numbers[name] for name in set(names))
                    groups.setdefault(tests, []).append(line)
                ran = [[hex(tests), sorted(lines)] for tests, lines in groups.items()]
                _record(file=_in_target(path), ran=ran)
        except Exception as error:
            _record(coverage_failed="{}: {}".format(type(error).__name__, error))


class Reach:
    """Hooks of pytest that say which test runs, and an audit hook that hears of files and processes."""

    def __init__(self, lines):
        self.lines = lines
        self.numbers = {OUTSIDE: 0}
        self.now = OUTSIDE
        self.opened = {}
        self.spawning = set()
        self.known = {}

    def switch(self, name):
        before, self.now = self.now, name
        self.numbers.setdefault(name, len(self.numbers))
        if self.lines.switch_context is not None:
            self.lines.switch_context(name)
        return before

    def audit(self, event, arguments):
        if event == "open":
            try:
                self._open(*arguments)
            except Exception:  # what we cannot tell must not be noticed
                return
        elif event in SPAWNS:
            self.spawning.add(self.now)

    def _open(self, path, mode, _):
        if not isinstance(path, (str, bytes)) or _writes(mode):
            return
        if _getframe(2).f_code.co_filename.startswith(IMPORTS):
            return
        place = _abspath(_fsdecode(path))
        if place not in self.known and _isfile(place):
            self.known[place] = _in_target(place)
        if self.known.get(place):
            self.opened.setdefault(self.known[place], set()).add(self.now)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self.switch(item.nodeid)
        yield
        self.switch(OUTSIDE)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef):
        before = self.now
        if fixturedef.scope != "function":
            self.switch(OUTSIDE)
        yield
        self.switch(before)

    def pytest_collection_finish(self):
        self.spawning.clear()  # what was started before there are tests serves none of them

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        self.lines.stop(self.numbers)
        _record(
            tests=list(self.numbers),
            spawning=self._hex(self.spawning),
            opened={path: self._hex(names) for path, names in self.opened.items()},
        )

    def _hex(self, names):
        return hex(sum(1 << self.numbers[name] for name in names))


def _writes(mode):
    return isinstance(mode, str) and "+" not in mode and "r" not in mode


REACH = Reach(Lines())
sys.addaudithook(REACH.audit)


def pytest_configure(config):
    """Register the hooks; lines are recorded from the import of this module on."""
    config.pluginmanager.register(REACH, "nightmend_reach_hooks")
