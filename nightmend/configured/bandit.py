from nightmend.configured.files import ConfigFiles, strings
from nightmend.configured.flake8 import matches
from nightmend.frozen import Frozen


class BanditSelection(Frozen):
    """Tests that a target chose or skips, by number or by name; no test chosen means all of them."""

    path: str
    tests: tuple[str, ...]
    skips: tuple[str, ...]
    exclude: tuple[str, ...]

    def enables(self, number: str, name: str, path: str) -> bool:
        """Say whether a bandit test counts in a file."""
        if any(matches(pattern, path) for pattern in self.exclude):
            return False
        names = {number, name}
        return (not self.tests or bool(names & set(self.tests))) and not names & set(self.skips)


def bandit_selection(files: ConfigFiles) -> BanditSelection | None:
    """Return what a target tells bandit, in `.bandit` or in its pyproject.toml."""
    section = files.section(".bandit", "bandit")
    if section is not None:
        return _selection(".bandit", section.get("tests"), section.get("skips"), section.get("exclude"))
    table = files.table("pyproject.toml", "tool", "bandit")
    if table is not None:
        return _selection("pyproject.toml", table.get("tests"), table.get("skips"), table.get("exclude_dirs"))
    return None


def _selection(path: str, tests: object, skips: object, exclude: object) -> BanditSelection:
    return BanditSelection(path=path, tests=strings(tests), skips=strings(skips), exclude=strings(exclude))
