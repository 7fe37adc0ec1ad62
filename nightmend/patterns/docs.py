"""Write docs/patterns.md from the pattern files: `python -m nightmend.patterns.docs`."""

from collections.abc import Iterable
from difflib import unified_diff
from pathlib import Path

from nightmend.agents import AGENTS
from nightmend.patterns.loader import load_patterns
from nightmend.patterns.pattern import Pattern

PAGE = Path(__file__).parents[2] / "docs" / "patterns.md"
HEAD = """\
# Replay patterns

Written by `python -m nightmend.patterns.docs` from the files below `nightmend/patterns/`; change those.
A *safe* repair may be kept without a test that reaches it; one that *needs tests* may not. "Seen" names a
released project in which the pattern fired and where we, reading as its maintainer, would merge the repair.
"""


def page(patterns: Iterable[Pattern]) -> str:
    """Return the page, agents in the order in which they work."""
    by_agent: dict[str, list[Pattern]] = {}
    for pattern in patterns:
        by_agent.setdefault(pattern.agent, []).append(pattern)
    parts = [HEAD]
    for agent in AGENTS:
        if agent in by_agent:
            parts += [f"## {agent}\n", *map(_section, by_agent[agent])]
    return "\n".join(parts)


def _section(pattern: Pattern) -> str:
    facts = [f"*{pattern.safety.replace('-', ' ')}*", f"seen: {pattern.seen}"]
    facts += ["kept only when measured to be faster"] if pattern.claims_speed else []
    facts += [f"also reported as {', '.join(pattern.aliases)}"] if pattern.aliases else []
    return "\n".join(
        [
            f"### {pattern.name}\n",
            f"{pattern.why}\n",
            "; ".join(facts) + "\n",
            f"```diff\n{_diff(pattern)}```\n",
            "Left alone: " + "; ".join(one.because for one in pattern.unchanged) + ".\n",
            "See " + ", ".join(f"<{link}>" for link in pattern.references) + "\n",
        ]
    )


def _diff(pattern: Pattern) -> str:
    example = pattern.examples[0]
    before, after = example.before.splitlines(), example.after.splitlines()
    return "".join(f"{line}\n" for line in list(unified_diff(before, after, n=2, lineterm=""))[3:])


if __name__ == "__main__":
    PAGE.write_text(page(load_patterns().values()), encoding="utf-8")
