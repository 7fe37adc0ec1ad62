"""The profile of the daemon and the filter of bubblewrap come from one table and answer alike."""

import errno
import json

import pytest

from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.seccomp import CHECKED, REFUSED
from nightmend.sandboxes.seccomp_profile import seccomp_profile

from .test_seccomp import ALLOWED, AUDIT, ask

SAMPLES = (0, 1, 2, 16, 17, 38, 40, 41, 45, 0x5412, 0x541C, 0x10000000, 0x10000011, 0x7E020000, 0x01200011)


@pytest.fixture(params=sorted(AUDIT))
def machine(request):
    return request.param


def answer(profile, name, *arguments):
    """Answer as libseccomp does: the first rule whose conditions hold, else the default."""
    for rule in profile["syscalls"]:
        conditions = rule.get("args", ())
        assert all(condition["op"] == "SCMP_CMP_MASKED_EQ" for condition in conditions)
        if name in rule["names"] and all(
            arguments[condition["index"]] & condition["value"] == condition["valueTwo"]
            for condition in conditions
        ):
            assert rule["action"] == "SCMP_ACT_ERRNO"
            return errno.errorcode[rule["errnoRet"]]
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    return ALLOWED


def test_every_refused_call_is_refused_with_the_same_error(machine):
    profile = json.loads(seccomp_profile(machine))
    for call in REFUSED:
        number = getattr(call, machine)
        if number is not None:
            assert answer(profile, call.name, 0, 0) == ask(machine, number) != ALLOWED, call.name


@pytest.mark.parametrize("above", [0, 1 << 32])
def test_arguments_are_judged_alike(machine, above):
    profile = json.loads(seccomp_profile(machine))
    for call in CHECKED:
        for value in SAMPLES:
            arguments = [above + value if at == call.argument else 0 for at in range(6)]
            expected = ask(machine, getattr(call, machine), *arguments)
            assert answer(profile, call.name, *arguments) == expected, (call.name, value)


def test_other_architectures_are_not_named(machine):
    assert json.loads(seccomp_profile(machine))["architectures"] == [f"SCMP_ARCH_{machine.upper()}"]


def test_other_machines_are_refused():
    with pytest.raises(PrerequisiteError, match="riscv64"):
        seccomp_profile("riscv64")
