"""What the target's own pytest did, written down as JSON lines while it runs.

This file alone is bound into the sandbox and loaded by the target's interpreter, so it runs on Python 3.8
and pytest 6, imports nothing of ours, and must not be noticed by the tests. Its orders are a JSON file named
by NIGHTMEND_ORDERS; it appends to the file `records` beside it, whole lines, so that a crash loses only the
test that crashed.
"""
# ruff: noqa: UP032, D102, S324

import faulthandler
import functools
import gc
import hashlib
import json
import os
import resource
import statistics
import sys

import pytest

# Tests replace functions of these modules while they run; what we use is ours from before.
_open, _write, _close, _realpath, _dumps, _usage = (
    os.open, os.write, os.close, os.path.realpath, json.dumps, resource.getrusage,
)  # fmt: skip
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT

with open(os.environ["NIGHTMEND_ORDERS"], encoding="utf-8") as orders:
    ORDERS = json.load(orders)
ROOT = _realpath(ORDERS["root"])
RANK = ("passed", "xpassed", "xfailed", "skipped", "failed", "error")
MESSAGE = 400
LAST_SECONDS = 30
"""Time to end, once the last test is over."""
CHUNKS = 8
"""A repeated test is timed in so many parts, of which the median counts."""
GROWTH = 2
"""A body whose last parts cost so many times its first leaves something behind that slows it."""


PROBES = set()
reached = PROBES.add
"""Called by the probes that we plant in the target."""


def _cpu():
    # The clock of process_time stands still between ticks under a limit on CPU time; this one does not.
    usage = _usage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _record(**fields):
    descriptor = _open(ORDERS["records"], _APPEND, 0o666)
    try:
        _write(descriptor, (_dumps(fields) + "\n").encode("utf-8", "backslashreplace"))
    finally:
        _close(descriptor)


class Patience:
    """Ends a run in which one test, or the collection of one file, takes too long.

    The clock is one of C, which no test sees among the threads and which no lock of Python stops; what it
    writes into the records before it ends the process says that it did.
    """

    def __init__(self):
        self.seconds = ORDERS["patience"]
        self.records = _open(ORDERS["records"], _APPEND, 0o666)
        self.begin()

    def begin(self, most=float("inf")):
        faulthandler.dump_traceback_later(min(self.seconds, most), exit=True, file=self.records)

    def end(self):
        faulthandler.cancel_dump_traceback_later()


def _in_target(path):
    """Name a file relative to the target, also when it was loaded through a copy's place; else None."""
    path = _realpath(path)
    for shown, relative in [(ROOT, ""), *ORDERS["copies"].items()]:
        place = _realpath(shown)
        if path == place:
            return relative
        if path.startswith(place + os.sep):
            return os.path.join(relative, path[len(place) + 1 :])
    return None


def _blob(path):
    """Return git's name for the content of a file."""
    with open(path, "rb") as file:
        content = file.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _foreign():
    """List the loaded modules of the target that are not the snapshot's own, with the place."""
    loaded = []
    for name, blob in ORDERS["modules"].items():
        path = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(path, str) and (_in_target(path) is None or _blob(path) != blob):
            loaded.append("{} ({})".format(name, path))
    return loaded


def _caches():
    """Count hits and misses of the functools caches of the target, as they stand."""
    kind = type(functools.lru_cache(maxsize=None)(_blob))
    hits = misses = 0
    for cache in [found for found in gc.get_objects() if type(found) is kind]:
        code = getattr(getattr(cache, "__wrapped__", None), "__code__", None)
        if code is not None and _in_target(code.co_filename) is not None:
            info = cache.cache_info()
            hits, misses = hits + info.hits, misses + info.misses
    return {"cache_hits": hits, "cache_misses": misses}


def _outcome(report):
    if report.when != "call" and report.outcome == "failed":
        return "error"
    if hasattr(report, "wasxfail"):
        return {"skipped": "xfailed", "passed": "xpassed"}.get(report.outcome, report.outcome)
    return report.outcome


def _message(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    text = getattr(crash, "message", None) or str(report.longrepr)
    return text.strip()[-MESSAGE:] if crash is None else text.strip()[:MESSAGE]


class Witness:
    """Hooks of pytest; the last attempt of a test counts, and in it the worst outcome."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.outcome, self.message, self.cpu = None, "", 0.0
        self.probes, self.grows = [], False

    def pytest_collectstart(self, collector):
        _record(collecting=collector.nodeid.partition("::")[0])
        PATIENCE.begin()

    def pytest_collectreport(self, report):
        if report.failed:
            _record(uncollected=report.nodeid, message=_message(report))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        names = {item.nodeid for item in items}
        wanted = (names if ORDERS["only"] is None else names & set(ORDERS["only"])) - set(ORDERS["without"])
        dropped = [item for item in items if item.nodeid not in wanted]
        if dropped:
            items[:] = [item for item in items if item.nodeid in wanted]
            config.hook.pytest_deselected(items=dropped)

    def pytest_collection_finish(self, session):
        PATIENCE.end()
        _record(collected=[item.nodeid for item in session.items])

    def pytest_runtest_logstart(self, nodeid):
        self.clear()
        _record(started=nodeid)
        PATIENCE.begin()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item):
        PROBES.clear()
        repeat = ORDERS["repeat"].get(item.nodeid, 0)
        chunks = []
        for _ in range(CHUNKS if repeat else 0):
            begun = _cpu()
            for _ in range(repeat):
                item.runtest()
            chunks.append(_cpu() - begun)
        begun = _cpu()
        yield
        self.probes = sorted(PROBES)
        self.grows = bool(chunks) and min(chunks[-3:]) > GROWTH * min(chunks[:3])
        self.cpu = CHUNKS * statistics.median(chunks) if chunks else _cpu() - begun

    def pytest_runtest_logreport(self, report):
        if report.when == "setup":
            self.outcome, self.message = None, ""
        outcome = _outcome(report)
        if outcome not in RANK:
            return
        if self.outcome is None or RANK.index(outcome) > RANK.index(self.outcome):
            self.outcome = outcome
        if report.failed and not self.message:
            self.message = _message(report)

    def pytest_runtest_logfinish(self, nodeid):
        PATIENCE.end()
        _record(
            test=nodeid, outcome=self.outcome, message=self.message, cpu=self.cpu,
            probes=self.probes, grows=self.grows,
        )  # fmt: skip

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus):
        _record(finished=int(exitstatus), foreign=_foreign(), **_caches())
        PATIENCE.begin(LAST_SECONDS)  # for threads that would keep the process from ending


PATIENCE = Patience()


def pytest_configure(config):
    """Register the hooks; the module itself stays free of them, so that it is imported early and cheaply."""
    config.pluginmanager.register(Witness(), "nightmend_witness_hooks")
