"""What poetry declares in a table of its own, as PEP 508 has it."""

from collections.abc import Iterator

from nightmend.configured.files import Table, strings, sub_table


def poetry_requirements(table: Table, extras: frozenset[str] | None = None) -> Iterator[str]:
    """Yield the requirements of a poetry table; optional ones only where `extras` names them."""
    for name, value in table.items():
        for entry in value if isinstance(value, list) else [value]:
            if name.lower() == "python":
                continue
            if isinstance(entry, str):
                yield f"{name}{specifier(entry)}"
            elif isinstance(entry, dict) and (not entry.get("optional") or name in (extras or ())):
                yield _detailed(name, entry)


def poetry_extra(poetry: Table, name: str) -> frozenset[str]:
    """Return the names of the optional dependencies that an extra asks for."""
    return frozenset(strings((sub_table(poetry, "extras") or {}).get(name)))


def _detailed(name: str, entry: Table) -> str:
    wanted = strings(entry.get("extras"))
    extras = f"[{','.join(wanted)}]" if wanted else ""
    for kind in ("git", "url", "path"):
        if isinstance(address := entry.get(kind), str):
            return f"{name}{extras} @ {address}"
    version, marker = entry.get("version"), entry.get("markers")
    bounds = specifier(version) if isinstance(version, str) else ""
    return f"{name}{extras}{bounds}" + (f" ; {marker}" if isinstance(marker, str) else "")


def specifier(version: str) -> str:
    """Write poetry's version constraint as PEP 440 has it; of alternatives the last, which is the newest."""
    parts = version.rpartition("||")[2].replace(" ", ",").split(",")
    return ",".join(filter(None, (_bound(part.strip()) for part in parts)))


def _bound(part: str) -> str:
    if part in ("", "*"):
        return ""
    if part[0] == "^":
        return f">={part[1:]},<{_next(part[1:], caret=True)}"
    if part[0] == "~" and not part.startswith("~="):
        return f">={part[1:]},<{_next(part[1:], caret=False)}"
    return part if part[0] in "<>=!~" else f"=={part}"


def _next(version: str, *, caret: bool) -> str:
    """Return the first version that a caret, or a tilde, leaves out."""
    release = [int(digits) for part in version.split(".") if (digits := _digits(part))]
    if not caret:
        kept = release[:2] if len(release) > 1 else release[:1]
    else:
        significant = next((at for at, number in enumerate(release) if number), len(release) - 1)
        kept = release[: significant + 1]
    return ".".join(map(str, (*kept[:-1], kept[-1] + 1))) if kept else "0"


def _digits(part: str) -> str:
    return part[: next((at for at, letter in enumerate(part) if not letter.isdigit()), len(part))]
