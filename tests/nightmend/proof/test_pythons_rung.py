"""What ours takes and another Python of the target does not: a twin that declares 3.6 and later."""

import sys

import pytest

from nightmend.environments.interpreter import find_interpreter
from nightmend.environments.pythons import base_interpreters
from nightmend.proof import other_pythons, pythons_rung
from nightmend.proof.bench import Bench
from nightmend.proof.other_pythons import Source, compile_problems, others
from nightmend.proof.rungs import syntax_rung

SHOP = """\
import os


def price(name, costs, rates):
    merged = {**costs, **rates}
    if name in merged:
        return merged[name]
    if name.startswith("old-"):
        name = name[len("old-"):]
    with open(os.devnull) as one:
        with open(os.devnull) as two:
            two.write(one.read())
    return None


def known(name: str):
    return isinstance(name, (int, str))
"""
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = "{}"\n'
NEWER = {
    "walrus": ("    if name in merged:\n        return merged[name]\n",
               "    if (found := merged.get(name)) is not None:\n        return found\n", "3.8"),
    "match": ("    if name in merged:\n        return merged[name]\n",
              "    match name in merged:\n        case True:\n            return merged[name]\n", "3.10"),
    "with": ("    with open(os.devnull) as one:\n        with open(os.devnull) as two:\n            two",
             "    with (open(os.devnull) as one, open(os.devnull) as two):\n            two", "3.9"),
    "removeprefix": ('name[len("old-"):]', 'name.removeprefix("old-")', "3.9"),
    "dicts": ("{**costs, **rates}", "costs | rates", "3.9"),
    "union": ("(int, str))", "int | str)", "3.10"),
    "annotation": ("name: str", "name: str | None", "3.10"),
    "cache": ("def known", "import functools\n\n\n@functools.cache\ndef known", "3.9"),
}  # fmt: skip
OLD = {
    "returned": ("    return None\n", "    return\n"),
    "looked": ("if name in merged:\n        return merged[name]", "if name in merged:\n        pass"),
    "formatted": ('name[len("old-"):]', 'f"{name[4:]}"'),
    "typed": ("name: str", "name: object"),
}


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of({"shop.py": SHOP, "pyproject.toml": PROJECT.format(">=3.6")})


@pytest.fixture
def tried(workspace, repair_in, monkeypatch):
    """Take changes of the shop up the first rungs, where no other Python is found."""
    monkeypatch.setattr(pythons_rung, "others", lambda declared: ())

    def run(changes, floor):
        repairs = [repair_in(workspace, "shop.py", *one[:2], pattern=name) for name, one in changes.items()]
        bench = Bench(workspace, workspace.night.base, repairs, floor)
        syntax_rung(bench)
        pythons_rung.pythons_rung(bench)
        return {one.repair.pattern: one for one in bench.judgements()}

    return run


def test_what_needs_a_newer_python_is_refused_with_the_reason(tried):
    judged = tried(NEWER, (3, 6))
    assert {name for name, one in judged.items() if one.verdict == "refused"} == NEWER.keys()
    assert judged["removeprefix"].reason == (
        "shop.py would need Python 3.9 and the target runs on 3.6: `.removeprefix`"
    )
    assert not judged["union"].evidence.parses


@pytest.mark.parametrize("name", NEWER)
def test_where_every_declared_python_has_it_it_stays(tried, name):
    floor = tuple(map(int, NEWER[name][2].split(".")))
    assert tried({name: NEWER[name]}, floor)[name].verdict == "kept"


def test_what_all_have_stays(tried):
    assert {one.verdict for one in tried(OLD, (3, 6)).values()} == {"kept"}


def test_without_a_declaration_nothing_is_too_new(tried):
    assert {one.verdict for one in tried(NEWER, None).values()} == {"kept"}


def test_of_all_pythons_that_are_found_and_declared_the_least_and_the_newest_are_asked(monkeypatch):
    own = find_interpreter(None)
    found = [own.model_copy(update={"version": version}) for version in ((3, 9), (3, 14), (3, 8), (3, 10))]
    monkeypatch.setattr(other_pythons, "base_interpreters", lambda: (own, *found))
    assert [one.version for one in others(">=3.6")] == [(3, 8), (3, 14)]
    assert [one.version for one in others(">=3.9,<3.10")] == [(3, 9)]
    assert others(f"=={sys.version_info[0]}.{sys.version_info[1]}.*") == ()
    assert others(None) == ()


@pytest.mark.integration
def test_an_interpreter_says_of_each_source_why_it_does_not_compile(workspace):
    good, bad = Source("a.py", b"x = 1\n"), Source("b.py", b"return 1\n")
    strange = Source("c.py", b"# coding: latin-1\nx = '\xe9'\n")
    found = compile_problems(workspace, find_interpreter(None), [good, bad, strange, good])
    assert found[good] == found[strange] == ""
    assert found[bad].startswith("SyntaxError: 'return' outside function")


@pytest.mark.integration
def test_what_an_interpreter_that_is_found_does_not_compile_is_refused_alone(
    workspace_of, repair_in, monkeypatch
):
    """Ours stands for another one, and the rung before it, which would have seen this, is left out."""
    files = {"shop.py": SHOP, "broken.py": "x = 1\nreturn x\n", "pyproject.toml": PROJECT.format(">=3.6")}
    workspace = workspace_of(files)
    monkeypatch.setattr(pythons_rung, "others", lambda declared: (find_interpreter(None),))
    repairs = [
        repair_in(workspace, "shop.py", "    return None\n", "    break\n", pattern="bad"),
        repair_in(workspace, "shop.py", "    return None\n", "    return\n", pattern="beside"),
        repair_in(workspace, "shop.py", "name: str", "name: object", pattern="good"),
        repair_in(workspace, "broken.py", "x = 1", "x = 2", pattern="broken before"),
    ]
    bench = Bench(workspace, workspace.night.base, repairs, (3, 6))
    pythons_rung.pythons_rung(bench)
    judged = {one.repair.pattern: one for one in bench.judgements()}
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert {name for name, one in judged.items() if one.verdict == "refused"} == {"bad"}
    assert judged["bad"].reason.startswith(f"it would not compile on Python {version}: SyntaxError: 'break'")


@pytest.mark.integration
def test_the_others_that_are_found_here_really_compile(workspace):
    found = [one for one in base_interpreters() if one.version < (3, 10)]
    if not found:
        pytest.skip("no Python before 3.10 is found on this machine")
    match = Source("a.py", b"match 1:\n    case _:\n        pass\n")
    said = compile_problems(workspace, found[0], [match, Source("b.py", b"x = 1\n")])
    assert [bool(problem) for problem in said.values()] == [True, False]
