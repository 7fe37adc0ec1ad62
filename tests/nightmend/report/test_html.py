"""The page says everything, loads nothing, and nothing of a target becomes markup."""

import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nightmend.report.html import commands, render, write_report

FOLDER = Path("/reports/20261124")
HOSTILE = [
    "</style></title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!-- --><svg/onload=alert(1)>",
    "]]><iframe src=javascript:alert(1)>",
    "&lt;b&gt;<b>{{ 7 * 7 }}{% raw %}",
    "--!><base href=//example.org>",
]


class Reader(HTMLParser):
    """Collects the elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.said: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value for name, value in attrs if name in {"href", "src", "action"}]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_data(self, data):
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


@pytest.fixture
def page(report_of, diffs_of):
    return Reader(render(report_of("plain"), diffs_of("plain"), FOLDER))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_target_is_never_markup(text, page, report_of, diffs_of):
    hostile = Reader(render(report_of(text), diffs_of(text), FOLDER))
    assert hostile.elements == page.elements
    assert hostile.addresses == page.addresses
    assert text.split()[0][:9] in hostile.text


def test_template_code_of_a_target_does_not_run(report_of, diffs_of):
    text = Reader(render(report_of("{{ 7 * 7 }}"), diffs_of("{{ 7 * 7 }}"), FOLDER)).text
    assert "{{ 7 * 7 }}" in text
    assert "/home/49" not in text


def test_the_page_loads_and_runs_nothing(page):
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "form"}
    beside = {"report.json", "pull-request.md", "before.sarif", "after.sarif", "patches/aaaaaaaaaaaa.patch"}
    assert {address for address in page.addresses if not address.startswith("#")} == beside
    assert not [
        name for _, names in page.elements for name in names if name.startswith("on") or name == "style"
    ]


def test_only_the_style_of_ours_is_allowed(report_of, diffs_of):
    text = render(report_of("plain"), diffs_of("plain"), FOLDER)
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall('Content-Security-Policy" content="(.*?)"', text)
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]


def test_every_anchor_leads_somewhere_and_every_repair_has_one(page):
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert {"repair-aaaaaaaaaaaa", "repair-bbbbbbbbbbbb", "repair-cccccccccccc"} <= set(page.ids)


@pytest.mark.parametrize(
    "said",
    [
        "1 repair kept in 1 file, by 1 agent.",
        "The tests are no worse: 214 passed before (3 failed, 1 with an error), "
        "214 after (3 failed, 1 with an error); 1 test known to be unsteady.",
        "1 test differed in 4 runs before any change, in the suite's own order and in another (seed 7, "
        "PYTHONHASHSEED=8). In another order the tests did not come to their end: plain.",
        "test[plain] depends on the order: passes alone, fails behind tests/test_b.py::plain",
        "FAILED",
        "1 h 2 min",
        "phase optimization was rolled back: plain",
        "What the phases before that kept was validated",
        "pylint plain could not say anything: it crashed: plain",
        "git -C /home/plain branch -D nightmend/plain",
        "it breaks tests/test_a.py::plain",
        "it overlaps a repair of plain",
        "it brings new issues: plain",
        "25.0 % less CPU time, at least 21.0 % over 40 pairs of runs",
        "no test runs the changed lines",
        "91.2 % 97.5 %",
        "not measurable not measurable",
        "docs repairs target 61.25 90 not met",
        "pep8 repairs target unknown 95 not measurable",
        "40.0 % of all and 80.0 % of the actionable ones",
        "data pipeline repair completed 4.5 s",
        "rolled back 1.0 s",
        "git -C /home/plain apply --reverse /reports/20261124/patches/aaaaaaaaaaaa.patch",
        "git -C /home/plain revert cccccccccccc",
        "1 whose lines tests run (C).",
        "1 of 3 gates passed",
        "10 6 4",
        "- plain + return plain",
    ],
)
def test_the_page_says(said, page):
    assert said in page.text


def test_hidden_characters_are_shown(report_of, diffs_of):
    page = render(report_of("a\u202eb\x1b[31m\u200b"), diffs_of("x\u2066y"), FOLDER)
    assert not {"\u202e", "\x1b", "\u200b", "\u2066"} & set(page)
    assert "⟨U+202E⟩" in page
    assert "⟨U+2066⟩" in page


def test_paths_with_spaces_and_quotes_stay_one_word(report_of):
    told = report_of("my repo; rm -rf ~")
    assert (
        "Forget all of it",
        "git -C '/home/my repo; rm -rf ~' branch -D 'nightmend/my repo; rm -rf ~'",
    ) in commands(told, FOLDER)


def test_a_night_that_kept_nothing(report_of):
    told = report_of("x").model_copy(update={"repairs": (), "branch": None, "error": "", "status": "PASSED"})
    text = Reader(render(told, {}, FOLDER)).text
    assert "Nothing was changed: no repair was kept." in text
    assert "There is nothing to take back" in text
    assert "The night failed" not in text


def test_the_folder_gets_what_is_told_and_nothing_else(told_of, tmp_path):
    folder = tmp_path / "new" / "report"
    write_report(told_of("x"), folder)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        "after.sarif", "patches", "patches/aaaaaaaaaaaa.patch",
        "pull-request.md", "report.html", "report.json",
    ]  # fmt: skip
    assert json.loads((folder / "report.json").read_text())["run"] == "20261124-010203"


def test_patches_of_an_earlier_night_go_and_files_of_a_person_stay(told_of, tmp_path):
    write_report(told_of("x"), tmp_path)
    (tmp_path / "patches" / "mine.patch").write_text("mine")
    (tmp_path / "patches" / "0123456789ab.patch").write_text("old")
    write_report(told_of("x"), tmp_path)
    assert sorted(path.name for path in (tmp_path / "patches").iterdir()) == [
        "aaaaaaaaaaaa.patch",
        "mine.patch",
    ]


def test_text_that_is_no_unicode_does_not_stop_the_report(told_of, tmp_path):
    write_report(told_of("\udce9"), tmp_path)
    assert "⟨U+DCE9⟩" in (tmp_path / "report.html").read_text()
    assert b"\xe9" in (tmp_path / "patches" / "aaaaaaaaaaaa.patch").read_bytes()


def test_a_repair_without_a_patch_says_why_and_names_its_commit(report_of):
    told = report_of("x")
    alone = told.repairs[0].model_copy(update={"patch": None, "no_patch": "a later repair changed it"})
    text = Reader(render(told.model_copy(update={"repairs": (alone,)}), {}, FOLDER)).text
    assert "It has no patch of its own: a later repair changed it. Its commit is cccccccccccc ." in text


def test_every_choice_of_a_filter_has_its_rule(report_of, diffs_of):
    text = render(report_of("plain"), diffs_of("plain"), FOLDER)
    for field, values in (("verdict", ("kept", "rolled_back", "refused")), ("agent", ("0",))):
        for value in values:
            assert f'<option value="{value}">' in text
            assert (
                f'#by-{field} option[value="{value}"]:checked) .entry:not([data-{field}="{value}"])' in text
            )
            assert f'data-{field}="{value}"' in text


def test_two_thousand_repairs_are_written_at_once(report_of):
    told = report_of("x")
    many = tuple(
        told.repairs[number % 3].model_copy(
            update={"id": f"{number:012x}", "pattern": f"pattern-{number % 40}"}
        )
        for number in range(2000)
    )
    diff = "@@ -1,2 +1,2 @@\n def f():\n-    x\n+    return x\n" * 5
    clock = time.process_time()
    page = render(told.model_copy(update={"repairs": many}), {repair.id: diff for repair in many}, FOLDER)
    assert time.process_time() - clock < 20
    assert page.count('<article class="repair"') == 2000
    assert len(page) < 8_000_000
