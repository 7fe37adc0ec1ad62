"""How much of the code that ships the target's own tests run."""

from collections.abc import Mapping

from coverage.exceptions import CoverageException
from coverage.parser import PythonParser

from nightmend.proof.records import SuiteRun
from nightmend.targets.protected import is_test


def coverage_of(suite: SuiteRun, sources: Mapping[str, bytes]) -> float | None:
    """Return the percent of executable lines that tests ran; None where none were, or could be, recorded.

    `sources` holds the Python files of the target by path; tests among them do not count.
    """
    if not suite.usable or suite.coverage_failed or not suite.spectrum.lines:
        return None
    ran = total = 0
    for path, content in sources.items():
        if is_test(path) or (parser := _parsed(content)) is None:
            continue
        total += len(parser.statements)
        ran += len(parser.statements & parser.translate_lines(suite.spectrum.reached.get(path, ())))
    return round(100 * ran / total, 2) if total else None


def _parsed(content: bytes) -> PythonParser | None:
    text = content.decode("utf-8-sig", "replace")
    if not text.strip():
        return None
    try:
        parser = PythonParser(text=text)
        parser.parse_source()
    except (CoverageException, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return parser
