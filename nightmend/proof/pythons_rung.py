"""The rung of the target's other Pythons: what runs on ours may need more than the oldest one has."""

from nightmend.environments.interpreter import Interpreter
from nightmend.proof.bench import Bench
from nightmend.proof.needs import new_needs
from nightmend.proof.other_pythons import Source, compile_problems, others
from nightmend.proof.syntax import Version, is_python
from nightmend.repairs.repair import Repair, apart
from nightmend.workers import each


def pythons_rung(bench: Bench) -> None:
    """Refuse what the oldest Python lacks, as far as that is known, and what others that are found refuse."""
    floor = bench.floor
    for repair in list(bench.open) if floor else ():
        if floor and (problem := _too_new(bench, repair, floor)):
            bench.note(repair, parses=False)
            bench.drop(repair, "refused", problem)
    interpreters = others(bench.requires_python) if any(map(_has_python, bench.open)) else ()
    problems = each(lambda one: _uncompiled(bench, one), interpreters)
    for interpreter, found in zip(interpreters, problems, strict=True):
        for repair in list(bench.open):
            if repair.id in found:
                version = ".".join(map(str, interpreter.version))
                bench.note(repair, parses=False)
                bench.drop(repair, "refused", f"it would not compile on Python {version}: {found[repair.id]}")


def _has_python(repair: Repair) -> bool:
    return any(is_python(path) for path in repair.paths)


def _too_new(bench: Bench, repair: Repair, floor: Version) -> str | None:
    for path, after in bench.changed([repair]).items():
        edits = [edit for edit in repair.edits if edit.path == path]
        needs = new_needs(bench.contents[path], after, edits, floor) if is_python(path) else []
        if needs:
            newest = max(needs, key=lambda one: one.version)
            asked, least = (".".join(map(str, version)) for version in (newest.version, floor))
            return f"{path} would need Python {asked} and the target runs on {least}: {newest.what}"
    return None


def _uncompiled(bench: Bench, interpreter: Interpreter) -> dict[str, str]:
    """Return why repairs would not compile on an interpreter, by their ids.

    First all together; each alone only where that fails. A file that does not compile as it is says nothing.
    """
    suspects = [repair for repair in bench.open if _has_python(repair)]
    together, rest = apart(suspects)
    base = [
        Source(path, bench.contents[path]) for path in sorted({one for two in suspects for one in two.paths})
    ]
    whole = [Source(*item) for item in bench.changed(together).items()]
    problems = compile_problems(bench.workspace, interpreter, filter(_is_source, (*base, *whole)))
    works = {one.path for one in base if problems.get(one) == ""}
    broken = {one.path for one in whole if one.path in works and problems.get(one) != ""}
    rest += [repair for repair in together if not broken.isdisjoint(repair.paths)]
    alone = {repair.id: [Source(*item) for item in bench.changed([repair]).items()] for repair in rest}
    asked = [one for some in alone.values() for one in some if one.path in works]
    problems = compile_problems(bench.workspace, interpreter, asked) if asked else {}
    return {
        name: problem
        for name, some in alone.items()
        for one in some
        if one.path in works and (problem := problems.get(one, "it ends the interpreter"))
    }


def _is_source(source: Source) -> bool:
    return is_python(source.path)
