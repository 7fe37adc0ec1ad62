from collections import Counter

import pytest

from nightmend.diagnosis.diagnosis import FaultCounts, Variant, diagnose, recheck

pytestmark = pytest.mark.integration

CAUSE = "def f():\n    try:\n        return 1\n    except ValueError:\n        raise KeyError(1)\n"
MENDED = CAUSE.replace("except ValueError:", "except ValueError as error:").replace(
    "(1)\n", "(1) from error\n"
)
OTHER = "import os\nimport hashlib\n\n\ndef g(x):\n    assert x\n    return hashlib.md5(x)\n"


def counted(workspace, *variants: tuple[str, str]) -> list[FaultCounts]:
    given = [
        Variant(id=f"repair-{number}", path=path, content=content.encode())
        for number, (path, content) in enumerate(variants)
    ]
    counts = recheck(workspace, workspace.night.base, given)
    return [counts[variant.id] for variant in given]


def test_counts_are_those_of_a_diagnosis_at_the_real_place(workspace_of):
    files = {
        "pkg/__init__.py": "from pkg.a import f\n",
        "pkg/a.py": CAUSE,
        "b.py": OTHER,
        "tests/test_b.py": OTHER,
        "sorted.py": "import numpy\n\nimport pkg\n\nprint(numpy, pkg)\n",
    }
    configuration = {
        "ruff.toml": "[lint]\nselect = ['F', 'I', 'INP', 'S']\n"
        "per-file-ignores = {'tests/*' = ['S'], '__init__.py' = ['F401']}\n",
        ".flake8": "[flake8]\n",
    }
    workspace = workspace_of({**files, **configuration})
    base = workspace.night.base
    diagnosis = diagnose(workspace, base, deep=False)
    for path, counts in zip(files, counted(workspace, *files.items()), strict=True):
        issues = [issue for issue in diagnosis.issues if issue.path == path]
        assert counts.counts == Counter(issue.fault for issue in issues), path
        assert counts.high == Counter(issue.fault for issue in issues if issue.severity == "high"), path
    assert not any(issue.path == "sorted.py" for issue in diagnosis.issues)
    assert len(diagnosis.issues) > 8


def test_an_import_of_the_targets_own_is_known_in_a_box_that_does_not_show_it(workspace_of):
    source = "import numpy\n\nimport pkg\nfrom lib import b\n\nprint(numpy, pkg, b)\n"
    files = {
        "pkg.py": "",
        "code/lib.py": "b = 1\n",
        "ruff.toml": "src = ['.', 'code']\nlint.select = ['I']\n",
    }
    (counts,) = counted(workspace_of({"a.py": source, **files}), ("a.py", source))
    assert "ruff:I001" not in counts.counts


def test_a_mended_fault_is_gone_and_none_is_new(workspace_of):
    before, after = counted(workspace_of({"a.py": CAUSE}), ("a.py", CAUSE), ("a.py", MENDED))
    assert before.counts["raise-without-cause"] == 1
    assert "raise-without-cause" not in after.counts
    assert after.more_than(before) == ()
    assert before.more_than(after) == ("raise-without-cause",)


def test_each_variant_is_judged_alone_and_equal_ones_once(workspace_of):
    variants = [("a.py", CAUSE), ("a.py", MENDED), ("a.py", CAUSE), ("b.py", CAUSE)]
    counts = counted(workspace_of({"a.py": CAUSE, "b.py": OTHER}), *variants)
    assert [one.counts.get("raise-without-cause", 0) for one in counts] == [1, 0, 1, 1]


def test_a_new_fault_of_any_kind_is_seen(workspace_of):
    risen = {
        "import os\n" + CAUSE: "unused-import",
        CAUSE + "import hashlib\nhashlib.md5(b'')\n": "weak-hash-not-marked",
        CAUSE.replace("return 1", "return  1"): "pycodestyle:E271",
        CAUSE + f"# {'x ' * 40}y\n": "pycodestyle:E501",
        CAUSE + "def _g(a): pass\n": "unannotated",
        CAUSE + "\n\ndef g() -> None:\n    pass\n": "undocumented",
    }
    before, *after = counted(
        workspace_of({"a.py": CAUSE}), ("a.py", CAUSE), *(("a.py", text) for text in risen)
    )
    for fault, counts in zip(risen.values(), after, strict=True):
        assert fault in counts.more_than(before), fault
    assert after[1].graver_than(before) == ("weak-hash-not-marked",)


def test_the_targets_line_length_counts(workspace_of):
    files = {"a.py": f"# {'x ' * 40}y\n", "ruff.toml": "line-length = 100\n"}
    (counts,) = counted(workspace_of(files), ("a.py", files["a.py"]))
    assert counts.pep8 == 0


def test_a_variant_that_no_longer_parses_says_so_and_harms_no_other(workspace_of):
    broken, fine = counted(workspace_of({"a.py": CAUSE}), ("a.py", "def (:\n"), ("a.py", CAUSE))
    assert "syntax-error" in broken.high
    assert fine.counts["raise-without-cause"] == 1


def test_a_path_that_looks_like_an_option_is_a_path(workspace_of):
    grave = "def f():\n    def g():\n        nonlocal y\n    return g\n"
    path = "--init-hook=import sys; sys.exit(3)#.py"
    (counts,) = counted(workspace_of({path: CAUSE}), (path, grave))
    assert counts.tool_failures == {}
    assert counts.high


def test_a_tool_that_fails_is_told(workspace_of, monkeypatch):
    monkeypatch.setattr("nightmend.detectors.bandit.MODULE", "no_such_tool")
    (counts,) = counted(workspace_of({"a.py": CAUSE}), ("a.py", CAUSE))
    assert list(counts.tool_failures) == ["bandit"]
    assert counts.counts["raise-without-cause"] == 1


def test_nothing_to_look_at_is_nothing(workspace_of):
    assert counted(workspace_of({"a.py": CAUSE})) == []
