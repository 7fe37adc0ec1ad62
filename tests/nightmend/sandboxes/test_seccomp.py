"""The filter's code, run as the kernel runs it, also for the machine that this is not."""

import errno
import socket
import struct

import pytest

from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.seccomp import CHECKED, FAMILIES, HIDDEN_MEMORY, NEWEST, REFUSED, seccomp_filter

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386, X32 = 0x40000003, 0x40000000
ALLOWED, KILLED = "allowed", "killed"
READ = {"x86_64": 0, "aarch64": 63}


def answer(code, number, arch, arguments=()):
    """Run classic BPF: load a word, compare, return."""
    values = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, arch, 0, *values)
    at, register = 0, 0
    while True:
        operation, skip_if, skip_else, value = struct.unpack_from("=HBBI", code, 8 * at)
        at += 1
        if operation == 0x20:
            (register,) = struct.unpack_from("=I", data, value)
        elif operation == 0x15:
            at += skip_if if register == value else skip_else
        elif operation == 0x25:
            at += skip_if if register > value else skip_else
        elif operation == 0x45:
            at += skip_if if register & value else skip_else
        elif operation == 0x06:
            kind, error = value & 0xFFFF0000, value & 0xFFFF
            return {0x7FFF0000: ALLOWED, 0x80000000: KILLED}.get(kind) or errno.errorcode[error]
        else:
            raise AssertionError(hex(operation))


@pytest.fixture(params=sorted(AUDIT))
def machine(request):
    return request.param


def ask(machine, number, *arguments, hidden_memory=True):
    return answer(
        seccomp_filter(hidden_memory=hidden_memory, machine=machine), number, AUDIT[machine], arguments
    )


def test_every_refused_call_is_refused_with_its_error(machine):
    for refused in REFUSED:
        number = getattr(refused, machine)
        if number is not None:
            assert ask(machine, number) == errno.errorcode[refused.error], refused.name


def test_every_other_call_is_allowed(machine):
    refused = {getattr(call, machine) for call in REFUSED}
    checked = {getattr(call, machine) for call in CHECKED}
    for number in set(range(NEWEST + 1)) - refused - checked:
        assert ask(machine, number) == ALLOWED, number


def test_numbers_are_not_mixed_up_between_machines():
    for machine in AUDIT:
        numbers = [getattr(call, machine) for call in (*REFUSED, *HIDDEN_MEMORY, *CHECKED)]
        known = [number for number in numbers if number is not None]
        assert len(known) == len(set(known))


@pytest.mark.parametrize("number", [NEWEST + 1, X32, X32 + 41, 2**32 - 1])
def test_unknown_calls_do_not_exist(machine, number):
    assert ask(machine, number) == "ENOSYS"


def test_calls_of_another_architecture_kill(machine):
    other = AUDIT["aarch64" if machine == "x86_64" else "x86_64"]
    for arch in (I386, other):
        assert answer(seccomp_filter(hidden_memory=True, machine=machine), READ[machine], arch) == KILLED


def test_only_known_families_of_sockets(machine):
    (call,) = (call for call in CHECKED if call.name == "socket")
    for family in range(64):
        expected = ALLOWED if family in FAMILIES else "EAFNOSUPPORT"
        assert ask(machine, getattr(call, machine), family) == expected
        assert ask(machine, getattr(call, machine), family + (1 << 32)) == expected
    assert {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6} <= set(FAMILIES)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ioctl", (0, 0x5412)),
        ("ioctl", (0, 0x541C)),
        ("prctl", (1, 0)),
        ("clone", (0x10000000 | 17, 0)),  # a user namespace
        ("clone", (0x60000000, 0)),
    ],
)
def test_single_requests_are_refused(machine, name, arguments):
    (call,) = (call for call in CHECKED if call.name == name)
    assert ask(machine, getattr(call, machine), *arguments) == "EPERM"
    assert ask(machine, getattr(call, machine), 2, 2) == ALLOWED


def test_hidden_memory_is_refused_where_nobody_counts_it(machine):
    for call in HIDDEN_MEMORY:
        assert ask(machine, getattr(call, machine)) == ALLOWED
        assert ask(machine, getattr(call, machine), hidden_memory=False) == "ENOSYS"


def test_other_machines_are_refused():
    with pytest.raises(PrerequisiteError, match="riscv64"):
        seccomp_filter(hidden_memory=True, machine="riscv64")
