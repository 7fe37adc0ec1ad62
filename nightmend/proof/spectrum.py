"""Which tests reach what: lines that they run, files that they open, processes that they start."""

from collections.abc import Collection
from functools import cached_property
from typing import Annotated

from pydantic import Field

from nightmend.frozen import Frozen

Tests = Annotated[str, Field(pattern=r"^0x[0-9a-f]+$|^0$")]
"""A set of tests: a number in hexadecimal with a bit for each; the lowest is what ran outside of tests."""
LinesRun = tuple[Tests, tuple[int, ...]]
OUTSIDE = 1
"""The bit of imports, collection, and fixtures that several tests share."""


class Spectrum(Frozen):
    """What the tests of one run reached; behind repairs, as far as that is known without another run."""

    tests: tuple[str, ...] = ()
    """Their ids by bit; the first is no test."""
    lines: dict[str, tuple[LinesRun, ...]] = Field(default_factory=dict)
    """Lines that ran, by path, those together that the same tests ran."""
    written: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Lines that repairs wrote, by path: who runs them is a guess."""
    opened: dict[str, Tests] = Field(default_factory=dict)
    """Who opened a file of the target by its path, other than to import it."""
    spawning: Tests = "0"
    """Who started processes, in which nothing is recorded."""

    @cached_property
    def reached(self) -> dict[str, tuple[int, ...]]:
        """Lines that ran for certain, by path."""
        return {
            path: tuple(sorted(lines.keys() - set(self.written.get(path, ()))))
            for path, lines in self._by_line.items()
        }

    def running(self, path: str, first: int, last: int) -> int:
        """Return who ran any of the lines `first` to `last`."""
        found = 0
        lines = self._by_line.get(path, {})
        for line in range(first, last + 1):
            found |= lines.get(line, 0)
        return found

    def opening(self, path: str) -> int:
        """Return who opened a file."""
        return int(self.opened.get(path, "0"), 16)

    def without(self, tests: Collection[str]) -> "Spectrum":
        """Return what is reached without some tests."""
        kept = ~sum(1 << at for at, name in enumerate(self.tests) if at and name in tests)

        def left(some: Tests) -> Tests:
            return hex(int(some, 16) & kept)

        return Spectrum(
            tests=self.tests,
            lines={
                path: tuple((left(some), lines) for some, lines in groups if int(some, 16) & kept)
                for path, groups in self.lines.items()
            },
            written=self.written,
            opened={path: left(some) for path, some in self.opened.items()},
            spawning=left(self.spawning),
        )

    @property
    def starting_processes(self) -> int:
        """Return who started processes."""
        return int(self.spawning, 16)

    def named(self, tests: int) -> frozenset[str]:
        """Return the ids of a set of tests."""
        return frozenset(name for at, name in enumerate(self.tests) if at and tests >> at & 1)

    @cached_property
    def _by_line(self) -> dict[str, dict[int, int]]:
        return {
            path: {line: int(tests, 16) for tests, lines in groups for line in lines}
            for path, groups in self.lines.items()
        }
