"""The page that says what is promised lists every check."""

from nightmend.sandboxes.backends import BACKENDS
from tests.hostile.listing import CHECKS
from tests.hostile.page import END, PAGE, START, drawn


def test_the_page_is_in_step_with_the_list() -> None:
    page = PAGE.read_text()
    assert drawn(page) == page, "run `python -m tests.hostile.page`"


def test_every_check_has_a_row_with_a_cell_for_each_back_end() -> None:
    listed = PAGE.read_text().partition(START)[2].partition(END)[0]
    rows = [line for line in listed.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [check.name for check in CHECKS]
    assert {row.count(" | ") for row in rows} == {2 + len(BACKENDS)}
    assert all(check.tries and check.holds for check in CHECKS)
    assert all(set(check.gaps) <= set(BACKENDS) for check in CHECKS)
