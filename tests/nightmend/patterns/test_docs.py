"""The page about the patterns says what the patterns are."""

from nightmend.patterns.docs import PAGE, page
from nightmend.patterns.loader import load_patterns


def test_the_page_is_current() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(load_patterns().values()), "run python -m nightmend.patterns.docs"


def test_the_page_names_every_pattern() -> None:
    text = page(load_patterns().values())
    assert all(f"\n### {name}\n" in text for name in load_patterns())
