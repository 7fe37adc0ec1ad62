import pytest

from nightmend.detectors import mypy
from nightmend.detectors.running import ToolError
from nightmend.detectors.taxonomy import Wide
from nightmend.targets.config import target_config
from nightmend.targets.trees import checkout_view, python_sources

pytestmark = pytest.mark.integration

SOURCE = "import numpy\n\n\ndef double(x: int) -> int:\n    return 2 * x\n\n\nprint(double('a'), numpy.x)\n"
EVIL = "open('/jail/work/mark', 'w').write('ran')\n\n\ndef plugin(version):\n    pass\n"


def places(findings) -> set[tuple[str, str, int]]:
    return {(finding.path, finding.rule, finding.line) for finding in findings}


def test_mypy_reports_errors_and_enables_none_where_the_target_does_not_use_it(look):
    files = {"a.py": SOURCE, "b.py": SOURCE.replace("numpy.x)", "numpy.x)  # type: ignore[arg-type]")}
    user = "from pkg.calc import double\n\n\ndef f():\n    return double('a')\n"
    files |= {"src/pkg/__init__.py": "", "src/pkg/calc.py": SOURCE, "src/pkg/use.py": user}
    findings = look("mypy", files)
    assert places(findings) == {
        ("a.py", "arg-type", 8), ("src/pkg/calc.py", "arg-type", 8), ("src/pkg/use.py", "arg-type", 5),
    }  # fmt: skip
    assert not any(finding.enabled for finding in findings)
    assert (findings[0].column, findings[0].end_line) == (14, 8)


@pytest.mark.parametrize(
    "configuration",
    [
        {
            "pyproject.toml": "[tool.mypy]\ndisallow_untyped_defs = true\nfiles = ['pkg', 'old']\n"
            "exclude = ['^old/']\n[[tool.mypy.overrides]]\nmodule = ['pkg.b', 'x.*']\nignore_errors = true\n"
        },
        {
            "mypy.ini": "[mypy]\ndisallow_untyped_defs = yes\nfiles = pkg, old\nexclude = ^old/\n"
            "[mypy-pkg.b,x.*]\nignore_errors = True\n"
        },
    ],
)
def test_the_targets_options_count_where_it_looks_itself(look, configuration):
    bare = "def f(x):\n    return x\n"
    files = {"pkg/__init__.py": "", **dict.fromkeys(("pkg/a.py", "pkg/b.py", "old/a.py", "tool.py"), bare)}
    findings = look("mypy", {**files, **configuration})
    assert places(findings) == {(path, "no-untyped-def", 1) for path in ("pkg/a.py", "old/a.py", "tool.py")}
    assert {finding.path for finding in findings if finding.enabled} == {"pkg/a.py"}


def test_a_stub_speaks_for_its_module(look):
    untyped = "def f(x):\n    return x\n"
    files = {
        "pkg/__init__.py": "", "pkg/a.py": untyped, "pkg/b.py": untyped,
        "pkg/a.pyi": "def f(x: int) -> int: ...\n",
        "pkg/use.py": "from pkg.a import f\n\nNAME: str = f(1)\n",
        "mypy.ini": "[mypy]\ndisallow_untyped_defs = yes\n",
    }  # fmt: skip
    assert places(look("mypy", files)) == {("pkg/b.py", "no-untyped-def", 1), ("pkg/use.py", "assignment", 3)}


def test_nothing_of_the_target_runs(workspace_of):
    settings = (
        "[mypy]\nplugins = evil.py\npython_executable = /jail/work/evil.sh\ncustom_typeshed_dir = evil\n"
        "cache_dir = /jail/work/mark\npython_version = 3.6\n"
    )
    shadows = dict.fromkeys(("typing_extensions.py", "mypy_extensions.py", "pathspec.py", "ast.py"), EVIL)
    script = "#!/bin/sh\ntouch /jail/work/mark\n"
    files = {"a.py": SOURCE, "evil.py": EVIL, "evil.sh": script, "mypy.ini": settings, **shadows}
    workspace = workspace_of(files)
    base = workspace.night.base
    view = checkout_view(workspace, base, python_sources(workspace, base))
    with workspace.sandbox(base, "test") as box:
        findings = mypy.detect(box, view, target_config(workspace.store, base), Wide())
        with pytest.raises(FileNotFoundError):
            box.read("mark")
    assert ("a.py", "arg-type", 8) in places(findings)
    assert "broken-configuration" not in {finding.rule for finding in findings}


def test_a_file_that_stops_mypy_and_two_of_one_name_cost_no_other(look):
    unread = {"nul.py": b"x = 1\0\n", "latin.py": b"x = '\xff'\n", "types.py": "x = 1\n"}
    unread |= {f"old/{number}.py": "print 'x'\n" for number in range(30)}
    wrong = dict.fromkeys(("one/main.py", "two/main.py", "not-a-name/b.py"), "x: int = ''\n")
    findings = look("mypy", {**unread, **wrong, "not-a-name/__init__.py": ""})
    assert {path for path, rule, _ in places(findings) if rule == "assignment"} == set(wrong)
    assert {path for path, rule, _ in places(findings) if rule == "unread"} == set(unread)


def test_settings_that_mypy_refuses_are_reported_and_cost_no_error(look):
    settings = "[tool.mypy]\nenable_error_code = ['no-such-code']\n"
    findings = look("mypy", {"a.py": SOURCE, "pyproject.toml": settings})
    assert {finding.rule for finding in findings} == {"arg-type", "broken-configuration"}


def test_what_a_dependency_would_have_to_say_is_never_judged(look):
    source = (
        "import numpy\n\n\nclass A(numpy.ndarray):\n    def f(self) -> int:\n        return numpy.f(self)\n"
    )
    settings = "[tool.mypy]\nstrict = true\nignore_missing_imports = false\nwarn_unused_ignores = true\n"
    source += "\n\nx = numpy.zeros(3)  # type: ignore\n"
    assert look("mypy", {"a.py": source, "pyproject.toml": settings}) == []


def test_a_tool_that_crashes_is_told_in_one_sentence(look, monkeypatch):
    monkeypatch.setattr(mypy, "ARGUMENTS", ("--no-such-option",))
    with pytest.raises(ToolError, match=r"mypy.* ended with code 2: .*no-such-option"):
        look("mypy", {"a.py": SOURCE})
