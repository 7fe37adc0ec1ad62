"""Writes the table of docs/security.md from the checks: `python -m tests.hostile.page`."""

from collections.abc import Iterator
from pathlib import Path

from nightmend.sandboxes.backends import BACKENDS
from tests.hostile.check import Check
from tests.hostile.listing import SECTIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"
START, END = "<!-- the list: python -m tests.hostile.page -->", "<!-- end of the list -->"


def drawn(page: str) -> str:
    """Return the page with the table of the checks as they are now."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{table()}{END}{rest.partition(END)[2]}"


def table() -> str:
    """Return a table for each section, with a row a check and a column a back end."""
    return "".join(f"\n### {title}\n\n{''.join(_lines(checks))}" for title, checks in SECTIONS.items())


def _lines(checks: tuple[Check, ...]) -> Iterator[str]:
    yield f"| check | code in a sandbox | what holds | {' | '.join(BACKENDS)} |\n"
    yield f"| --- | --- | --- |{' --- |' * len(BACKENDS)}\n"
    for check in checks:
        cells = (
            f"**does not hold**: {check.gaps[name]}" if name in check.gaps else "holds" for name in BACKENDS
        )
        tries = f"{check.tries} (root only)" if check.only_root else check.tries
        yield f"| `{check.name}` | {tries} | {check.holds} | {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text()))
