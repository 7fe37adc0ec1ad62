"""The table of refused system calls as the profile that a container daemon reads."""

import json
import platform

from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.seccomp import CHECKED, REFUSED, Checked

ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
"""Calls of any other one end the process."""
_LOW_HALF = 0xFFFFFFFF
"""The kernel takes an int there: what stands above must not hide it."""
_FAMILIES = 64
"""A power of two above all that are allowed: below it they are named, above it by their bits."""


def seccomp_profile(machine: str | None = None) -> str:
    """Return the profile as JSON."""
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        raise PrerequisiteError(f"sandboxes need an x86_64 or aarch64 machine, this one is {machine!r}")
    rules = [
        _rule(refused.name, refused.error) for refused in REFUSED if getattr(refused, machine) is not None
    ]
    for checked in CHECKED:
        rules += [_rule(checked.name, checked.error, *argument) for argument in _compared(checked)]
    return json.dumps(
        {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [ARCHITECTURES[machine]], "syscalls": rules}
    )


def _compared(checked: Checked) -> list[tuple[int, int, int]]:
    """Return the argument, the bits of it that are looked at, and what they must not be."""
    others = set(range(_FAMILIES)) - set(checked.allowed) if checked.allowed else set()
    above = _LOW_HALF - (_FAMILIES - 1) if checked.allowed else 0
    bits = [1 << at for at in range(32) if (checked.bits | above) >> at & 1]
    return [
        *((checked.argument, _LOW_HALF, value) for value in (*sorted(others), *checked.refused)),
        *((checked.argument, bit, bit) for bit in bits),
    ]


def _rule(name: str, error: int, *compared: int) -> dict[str, object]:
    rule: dict[str, object] = {"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": error}
    if compared:
        index, mask, value = compared
        rule["args"] = [{"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}]
    return rule
