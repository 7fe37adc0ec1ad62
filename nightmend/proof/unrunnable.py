"""Which of a target's tests cannot run in a sandbox, and for want of what.

What a file of tests holds that could not even be collected is counted by its source.
"""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from pydantic import Field

from nightmend.frozen import Frozen
from nightmend.parsing import parse_source
from nightmend.proof.records import SuiteRun

LIMIT = 0.2
"""Above this share of the tests only repairs that need no test are kept."""
MODULE = re.compile(r"No module named '([\w.]+)'")
WANTS = (
    (
        "a network",
        r"gaierror|Name or service not known|Temporary failure in name resolution|NameResolutionError"
        r"|Network is unreachable|No address associated|ConnectError|NewConnectionError|getaddrinfo failed",
    ),
    (
        "a service",
        r"[Cc]onnection refused|ConnectionRefusedError|could not connect to server|docker daemon"
        r"|Error while fetching server API version",
    ),
    (
        "a secret",
        r"KeyError: '\w*(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)\w*'"
        r"|[Ee]nvironment variable\W+\w*(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)",
    ),
)
PLUGINS = (
    (
        "pytest-asyncio",
        r"async def functions are not natively supported|pytest\.mark\.asyncio"
        r"|'asyncio' not found in `markers`|fixture 'event_loop' not found",
    ),
    ("pytest-django", r"pytest\.mark\.django_db|fixture '(db|django_\w+|rf)' not found"),
    ("pytest-aiohttp", r"fixture 'aiohttp_(client|server)' not found"),
    ("pytest-benchmark", r"fixture 'benchmark' not found"),
    ("pytest-httpbin", r"fixture 'httpbin(_secure)?' not found"),
    ("pytest-httpserver", r"fixture 'httpserver' not found"),
    ("pytest-mock", r"fixture '(class_|module_|package_|session_)?mocker' not found"),
    ("pyfakefs", r"fixture 'fs' not found"),
    ("requests-mock", r"fixture 'requests_mock' not found"),
    ("respx", r"fixture 'respx_mock' not found"),
)
"""Packages that bring a fixture or a mark, and how pytest says that it is not there."""
TEST_NAME = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test)\.py")


class Unrunnable(Frozen):
    """So many of the tests, and what each wants."""

    count: int = 0
    total: int = 0
    wants: dict[str, int] = Field(default_factory=dict)
    """Number of tests by what they want."""

    @property
    def too_many(self) -> bool:
        """Whether what the other tests say is not enough."""
        return self.count > LIMIT * self.total

    @property
    def sentence(self) -> str:
        """Say it in a line without a full stop; nothing where every test can run."""
        if not self.count:
            return ""
        wants = ", ".join(f"{number} want {what}" for what, number in self.wants.items())
        limit = f"; that is more than {LIMIT:.0%}, so only repairs that need no test are kept"
        return (
            f"{self.count} of {self.total} tests could not run here: {wants}{limit if self.too_many else ''}"
        )


def unrunnable(suite: SuiteRun, sources: Mapping[str, bytes], own: Collection[str]) -> Unrunnable:
    """Look through a run on the base; `sources` are the Python files of the snapshot, `own` its packages."""
    found: Counter[str] = Counter()
    uncounted = 0
    for name, message in suite.collection_errors.items():
        tests = _tests_below(name, sources)
        uncounted += tests
        if want := _want(message, own):
            found[want] += tests
    for message in suite.messages.values():
        if want := _want(message, own):
            found[want] += 1
    total = len(suite.outcomes) + uncounted
    if not total and (want := _want(suite.reason, own)):
        total = sum(_count(content) for path, content in sources.items() if TEST_NAME.fullmatch(path))
        found[want] = total
    return Unrunnable(count=found.total(), total=total, wants=dict(found.most_common()))


def _want(message: str, own: Collection[str]) -> str | None:
    """Say what a test lacked that no repair could bring; a module of the target itself is none."""
    if (module := MODULE.search(message)) and module[1].partition(".")[0] not in own:
        return f"the module {module[1]}"
    if package := next((name for name, sign in PLUGINS if re.search(sign, message)), None):
        return f"the package {package}"
    return next((what for what, sign in WANTS if re.search(sign, message)), None)


def _tests_below(name: str, sources: Mapping[str, bytes]) -> int:
    """Count the tests of a file, or of the files of a folder, that pytest could not collect; at least one."""
    place = name.partition("::")[0]
    files = [path for path in sources if path == place or path.startswith(f"{place}/")]
    return max(1, sum(_count(sources[path]) for path in files if TEST_NAME.fullmatch(path)))


def _count(content: bytes) -> int:
    try:
        tree = parse_source(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    return sum(1 for _ in _tests(tree.body))


def _tests(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement.name.startswith(
            "test"
        ):
            yield statement
        elif isinstance(statement, ast.ClassDef):
            yield from _tests(statement.body)
