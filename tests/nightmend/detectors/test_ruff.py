from collections import Counter

import pytest

from nightmend.detectors import ruff
from nightmend.detectors.ruff_output import read_findings
from nightmend.detectors.running import ToolError
from nightmend.detectors.tree import TreeView
from nightmend.repairs.repair import apply_edits

UNUSED = "import os\n\nx = f'abc'\n"


def enabled(findings) -> set[tuple[str, str]]:
    return {(finding.path, finding.rule) for finding in findings if finding.enabled}


def test_a_target_without_a_linter_enables_no_rule_and_still_is_looked_at(look):
    findings = look("ruff", {"a.py": UNUSED})
    assert {finding.rule for finding in findings} >= {"F401", "F541"}
    assert enabled(findings) == set()


@pytest.mark.parametrize(
    ("files", "rules"),
    [
        ({"pyproject.toml": "[tool.ruff]\nline-length = 90\n"}, {"F401", "F541"}),
        ({"pyproject.toml": "[tool.ruff.lint]\nselect = ['F']\nignore = ['F401']\n"}, {"F541"}),
        ({"ruff.toml": "lint.select = ['Q']\n"}, {"Q000"}),
        ({".ruff.toml": "lint.extend-select = ['Q']\n"}, {"F401", "F541", "Q000"}),
        ({"ruff.toml": "[lint]\nselect = ['F']\nper-file-ignores = {'a.py' = ['F401']}\n"}, {"F541"}),
        ({"ruff.toml": "lint.select = ['F']\nexclude = ['a.py']\n"}, set()),
        ({".flake8": "[flake8]\nignore = F541\n"}, {"F401"}),
        ({"setup.cfg": "[flake8]\nper-file-ignores = a.py:F401\n"}, {"F541"}),
        ({"tox.ini": "[flake8]\nselect = B\n"}, set()),
        ({".flake8": "[flake8]\nexclude = a.py\n"}, set()),
    ],
)
def test_what_the_target_enables_is_what_its_own_configuration_reports(look, files, rules):
    assert enabled(look("ruff", {"a.py": UNUSED, **files})) == {("a.py", rule) for rule in rules}


def test_each_file_follows_the_nearest_configuration_and_patterns_start_at_its_folder(look):
    files = {
        "ruff.toml": "lint.select = ['F401']\n",
        "b/ruff.toml": "[lint]\nselect = ['F']\nper-file-ignores = {'gen/*' = ['F541']}\n",
    }
    files |= dict.fromkeys(("a.py", "b/a.py", "b/gen/a.py", "gen/a.py"), UNUSED)
    assert enabled(look("ruff", files)) == {
        ("a.py", "F401"),
        ("gen/a.py", "F401"),
        ("b/a.py", "F401"),
        ("b/a.py", "F541"),
        ("b/gen/a.py", "F401"),
    }


def test_selectors_of_another_release_cost_no_others(look):
    files = {
        "ruff.toml": "[lint]\nselect = ['F541', 'ANN101', 'XYZ', 'TCH']\nignore = ['XYZ1']\n",
        "a.py": UNUSED,
    }
    assert enabled(look("ruff", files)) == {("a.py", "F541")}


def test_settings_that_this_ruff_refuses_are_reported_and_cost_no_rule(look):
    files = {
        "ruff.toml": "[lint]\nselect = ['F541']\n[lint.pydocstyle]\nconvention = 'nonsense'\n",
        "a.py": UNUSED,
    }
    findings = look("ruff", files)
    assert enabled(findings) == {("a.py", "F541")}
    assert [finding.path for finding in findings if finding.rule == "broken-configuration"] == ["ruff.toml"]


def test_a_broken_pyproject_below_the_tree_stops_nothing(look):
    findings = look("ruff", {"a/pyproject.toml": "[[", "a/b.py": UNUSED})
    assert "F401" in {finding.rule for finding in findings}


def test_a_rule_found_by_both_looks_is_one_finding_and_the_targets(look):
    findings = look("ruff", {"ruff.toml": "lint.select = ['F']\n", "a.py": UNUSED})
    assert Counter((finding.rule, finding.enabled) for finding in findings if finding.rule == "F401") == {
        ("F401", True): 1
    }


def test_unused_suppressions_are_looked_for_only_with_the_targets_own_rules(look):
    source = "import os  # noqa: F401\nx = 1  # noqa: D100\n"
    assert "RUF100" not in {finding.rule for finding in look("ruff", {"a.py": source})}
    own = {"ruff.toml": "lint.select = ['RUF100', 'F']\n", "a.py": source}
    assert [finding.line for finding in look("ruff", own) if finding.rule == "RUF100"] == [2]


def test_inline_suppressions_are_honoured(look):
    source = "import os  # noqa\nimport re  # noqa: F401\nimport sys\n"
    findings = [finding for finding in look("ruff", {"a.py": source}) if finding.rule == "F401"]
    assert [finding.line for finding in findings] == [3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_fixes_are_byte_offsets_whatever_the_file_looks_like(look, end, bom):
    lines = ["import os", 's = "h\u00e9\U0001f600"; x = f"abc"', '"\u2028"; y = f"\u00e9"', ""]
    content = bom + end.join(lines).encode()
    findings = look("ruff", {"a.py": content})
    fixes = [finding for finding in findings if finding.rule in ("F401", "F541")]
    assert len(fixes) == 3
    edits = [edit for finding in fixes for edit in finding.fix]
    wanted = ['s = "h\u00e9\U0001f600"; x = "abc"', '"\u2028"; y = "\u00e9"', ""]
    assert apply_edits(content, edits) == bom + end.join(wanted).encode()
    assert {finding.fix_safety for finding in fixes} == {"safe"}


def test_a_fix_that_the_target_forbids_is_not_offered(look):
    files = {"ruff.toml": "[lint]\nselect = ['F']\nunfixable = ['F401']\n", "a.py": UNUSED}
    fixes = {finding.rule: bool(finding.fix) for finding in look("ruff", files)}
    assert fixes["F401"] is False
    assert fixes["F541"] is True


def test_two_insertions_of_a_fix_at_one_place_are_one_in_the_order_of_the_fix(look):
    source = (
        "from __future__ import annotations\n\nfrom fractions import Fraction\n\n\n"
        "def double(x: Fraction) -> Fraction:\n    return x + x\n"
    )
    files = {"a.py": source, "ruff.toml": "lint.select = ['TC003']\n"}
    (found,) = [one for one in look("ruff", files) if one.rule == "TC003"]
    mended = apply_edits(source.encode(), found.fix).decode()
    assert "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from fractions" in mended


def test_a_fix_whose_edits_overlap_is_left_out_with_its_reason():
    tree = TreeView(files={"a.py": b"abcdef\n"}, python="", workdir="/w")
    edits = [
        {"location": {"row": 1, "column": first}, "end_location": {"row": 1, "column": last}, "content": "x"}
        for first, last in ((1, 4), (3, 5))
    ]
    told = {
        "code": "F401", "filename": "/w/a.py", "message": "m", "location": {"row": 1, "column": 1},
        "end_location": {"row": 1, "column": 5}, "fix": {"applicability": "safe", "edits": edits},
    }  # fmt: skip
    (found,) = read_findings([told], tree, enabled=True)
    assert (found.fix, found.fix_safety) == ((), None)
    assert found.message == "m (its fix is left out: edits of it overlap each other)"
    told["fix"]["edits"] = edits[:1]
    (found,) = read_findings([told], tree, enabled=True)
    assert (found.message, found.fix[0].text) == ("m", "x")


def test_the_declared_pythons_decide_what_is_syntax(look):
    source = "match x:\n    case 1:\n        pass\n"
    old = look("ruff", {"setup.cfg": "[options]\npython_requires = >=3.8\n", "a.py": source})
    assert "invalid-syntax" in {finding.rule for finding in old}
    new = look("ruff", {"setup.cfg": "[options]\npython_requires = >=3.10\n", "a.py": source})
    assert "invalid-syntax" not in {finding.rule for finding in new}
    older = look("ruff", {"setup.cfg": "[options]\npython_requires = >=2.7\n", "a.py": source})
    assert "invalid-syntax" in {finding.rule for finding in older}


def test_names_that_look_like_options_or_lists_of_files_are_files(look):
    findings = look("ruff", {"--fix.py": UNUSED, "@list.py": UNUSED, "a b.py": UNUSED})
    assert {finding.path for finding in findings} == {"--fix.py", "@list.py", "a b.py"}


def test_a_missing_tool_is_told_in_one_sentence(look, monkeypatch):
    monkeypatch.setattr(ruff, "MODULE", "no_such_tool")
    with pytest.raises(ToolError) as missing:
        look("ruff", {"a.py": UNUSED})
    assert "no_such_tool" in str(missing.value)
    assert "\n" not in str(missing.value)
