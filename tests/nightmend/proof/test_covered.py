import pytest

from nightmend.proof.covered import coverage_of
from nightmend.proof.records import SuiteRun
from nightmend.proof.spectrum import Spectrum

SOURCE = b"\n\nimport os\n\n\ndef f(x):\n    if x:\n        return (\n            x\n        )\n    return\n"


def ran(*lines: int) -> Spectrum:
    return Spectrum(tests=("", "t"), lines={"a.py": (("0x2", lines),)})


def suite(**fields) -> SuiteRun:
    return SuiteRun(**{"usable": True, "spectrum": ran(3, 6, 7, 8), **fields})


def test_lines_that_ran_are_a_share_of_those_that_could():
    assert coverage_of(suite(), {"a.py": SOURCE}) == 80
    half = {"a.py": SOURCE, "b.py": SOURCE, "tests/test_a.py": SOURCE, "broken.py": b"def (", "empty.py": b""}
    assert coverage_of(suite(), {**half, "only_a_mark.py": b"\xef\xbb\xbf"}) == 40


@pytest.mark.parametrize(
    "fields", [{"usable": False}, {"spectrum": Spectrum()}, {"coverage_failed": "ImportError: no"}], ids=str
)
def test_what_was_not_recorded_is_no_number(fields):
    assert coverage_of(suite(**fields), {"a.py": SOURCE}) is None
    assert coverage_of(suite(), {"tests/test_a.py": SOURCE}) is None
