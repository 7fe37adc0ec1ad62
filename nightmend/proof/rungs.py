"""The rungs of the ladder that need no test run, from cheap to dear."""

from collections.abc import Callable

from nightmend.proof.bench import Bench
from nightmend.proof.binding import lost_probes, unbound_reads
from nightmend.proof.bytecode import same_code
from nightmend.proof.compiling import change_problem
from nightmend.proof.demands import lost_demand
from nightmend.proof.equality import same_tree
from nightmend.proof.import_state import differences
from nightmend.proof.ran import reached
from nightmend.proof.reach import changes_imports
from nightmend.proof.suite import SuiteRun
from nightmend.proof.syntax import is_python, same_words, silences
from nightmend.proof.unrunnable import Unrunnable
from nightmend.repairs.repair import Repair, clash
from nightmend.review.drops import drop_keys
from nightmend.targets.protected import is_test


def dropped_rung(bench: Bench) -> None:
    """Refuse what a person took off the branch of an earlier night, or merged and took back."""
    known = bench.workspace.night.refused
    for repair in list(bench.open) if known else ():
        said = [known[key] for key in drop_keys(repair, bench.contents) if key in known]
        if said:
            bench.drop(repair, "refused", f"a person {said[0]}")


def syntax_rung(bench: Bench) -> None:
    """Refuse what does not parse, and what makes its issue go away by silencing it."""
    if bench.floor and bench.floor < (3, 0):
        _refuse_python_2(bench)
    for repair in list(bench.open):
        problem = _syntax_problem(bench, repair)
        bench.note(repair, parses=problem is None)
        if problem:
            bench.drop(repair, "refused", problem)


def _refuse_python_2(bench: Bench) -> None:
    """Neither the parser nor the tests, which run on Python 3, can speak of other words on Python 2."""
    for repair in list(bench.open):
        changed = bench.changed([repair]).items()
        if any(is_python(path) and not same_words(bench.contents[path], after) for path, after in changed):
            bench.drop(
                repair,
                "refused",
                "the target still runs on Python 2, for which only comments and layout are proved here",
            )


def _syntax_problem(bench: Bench, repair: Repair) -> str | None:
    for path, content in bench.changed([repair]).items():
        if content == bench.contents[path]:
            return f"it changes nothing in {path}"
        edits = [edit for edit in repair.edits if edit.path == path]
        if silences(bench.contents[path], content, edits):
            return f"it silences the issue in {path} instead of resolving it"
        if problem := change_problem(path, bench.contents[path], content, edits, bench.floor):
            return problem
    return None


def equality_rung(bench: Bench) -> None:
    """Give grade A to repairs after which the program is the same, but for words that nothing reads."""
    for repair in bench.open:
        same = all(_is_equal(bench, repair, path, after) for path, after in bench.changed([repair]).items())
        bench.note(repair, equal_by_construction=same)
        if same:
            bench.grades[repair.id] = "A"


def _is_equal(bench: Bench, repair: Repair, path: str, after: bytes) -> bool:
    before = bench.contents[path]
    edits = [edit for edit in repair.edits if edit.path == path]
    if same_tree(path, before, after, edits) or bench.erasure.same(path, before, after, edits):
        return True
    if bench.erasure.reads_sources or changes_imports(repair, bench.contents):
        return False  # `total as total` hands a name on, and compiles to what `total` does
    return same_code(path, before, after, edits)


def names_rung(bench: Bench) -> None:
    """Refuse what lets a name be read that nothing has bound, and what no longer asks for an import."""
    _refuse_where(bench, _names_problem)


def demands_rung(bench: Bench) -> None:
    """Refuse what asks no more of a value, which may be of any kind, what was asked of it."""
    _refuse_where(bench, _demands_problem)


def _refuse_where(bench: Bench, problem_of: Callable[[Bench, Repair, str, bytes], str | None]) -> None:
    """Refuse what is not equal where a Python file, by its path and new content, has a problem."""
    for repair in list(bench.open):
        if bench.grades.get(repair.id) == "A":
            continue
        for path, after in bench.changed([repair]).items():
            problem = problem_of(bench, repair, path, after) if is_python(path) else None
            if problem:
                bench.drop(repair, "refused", problem)


def _names_problem(bench: Bench, repair: Repair, path: str, after: bytes) -> str | None:
    before = bench.contents[path]
    edits = [edit for edit in repair.edits if edit.path == path]
    try:
        unbound = unbound_reads(before, after, edits)
        lost = lost_probes(before, after) if changes_imports(repair, bench.contents) else ()
    except (SyntaxError, ValueError, RecursionError):
        return None  # the syntax rung has let it pass for what it is
    if unbound:
        return f"a way leads to where {', '.join(unbound)} is read and nothing has bound it"
    if lost:
        return f"it takes the import of {', '.join(lost)} out of a `try` that asks whether it is there"
    return None


def _demands_problem(bench: Bench, repair: Repair, path: str, after: bytes) -> str | None:
    edits = [edit for edit in repair.edits if edit.path == path]
    lost = lost_demand(path, bench.contents[path], after, edits)
    return f"it {lost}" if lost else None


def interface_rung(bench: Bench) -> None:
    """Refuse what takes something from those who call or import the target, unless a person allowed it."""
    for repair in list(bench.open):
        if bench.grades.get(repair.id) == "A":
            continue
        breaks = [
            one
            for path, content in bench.changed([repair]).items()
            for one in bench.interface.breaks(
                path, bench.contents[path], content, [edit for edit in repair.edits if edit.path == path]
            )
        ]
        bench.note(repair, interface_breaks=tuple(breaks))
        if breaks and not bench.workspace.night.allow_breaking:
            told = ", ".join(breaks)
            bench.drop(
                repair, "refused", f"it breaks the public interface: {told} (--allow-breaking allows that)"
            )


def runnable_rung(bench: Bench, unrunnable: Unrunnable) -> None:
    """Refuse what needs tests where too many of them cannot run."""
    for repair in list(bench.open) if unrunnable.too_many else ():
        if bench.grades.get(repair.id) != "A":
            told = f"{unrunnable.count} of {unrunnable.total} tests could not run here"
            bench.drop(repair, "refused", f"it needs the tests, and {told}")


def imports_rung(bench: Bench) -> None:
    """Ask of each repair that changes imports whether the modules still hold the same names.

    Where they do, no test is needed for the imports; else the whole suite judges.
    """
    asked = {
        repair.id: bench.changed([repair])
        for repair in bench.open
        if bench.grades.get(repair.id) != "A" and changes_imports(repair, bench.contents)
    }
    found = differences(bench.workspace, bench.snapshot, asked) if asked else {}
    for repair in bench.open:
        told = found.get(repair.id)
        if told is None:
            continue
        same = all(one.harmless for one in told)
        bench.note(repair, imports_same=same)
        if same:
            bench.imports_same.add(repair.id)


def overlap_rung(bench: Bench) -> None:
    """Let the first of two repairs that cannot both be applied stand; the other waits for the next night.

    What its evidence is too weak for must be gone by then, so that it stands in nobody's way.
    """
    standing: dict[str, list[Repair]] = {}
    for repair in list(bench.open):
        rivals = [other for path in repair.paths for other in standing.get(path, [])]
        rival = next((other for other in rivals if clash(repair, other)), None)
        if rival:
            whole = bool(repair.issues) and set(repair.issues) <= set(rival.issues)
            end = "which does the same and more" if whole else "it can follow later"
            bench.note(repair, overlaps=rival.id)
            bench.drop(repair, "refused", f"it overlaps repair {rival.id} of {rival.pattern}; {end}")
            continue
        for path in repair.paths:
            standing.setdefault(path, []).append(repair)


def reach_rung(bench: Bench, suite: SuiteRun) -> None:
    """Grade by reach: C where the tests ran a changed line, D where none did."""
    for repair in bench.open:
        if repair.id in bench.grades:
            continue
        ran = suite.usable and reached(repair, bench.contents, suite.spectrum.reached)
        bench.note(repair, lines_reached=ran)
        bench.grades[repair.id] = "C" if ran else "D"


def policy_rung(bench: Bench) -> None:
    """Refuse what its evidence is too weak for: D is enough for what is rated safe, only A for tests."""
    for repair in list(bench.open):
        tests = [path for path in repair.paths if is_test(path)]
        if repair.safety == "review":
            bench.drop(repair, "refused", "its pattern is rated review: a person decides")
        elif tests and bench.grades[repair.id] != "A":
            bench.drop(
                repair, "refused", f"{tests[0]} is a test, and may only change in what no test could tell"
            )
        elif bench.grades[repair.id] == "D" and repair.safety != "safe":
            rated = "" if repair.foreign else ", and its pattern is not rated safe"
            bench.drop(repair, "refused", f"no test runs the changed lines{rated}")
