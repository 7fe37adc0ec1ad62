"""In a worker of a cluster: an agent's error reaches the night as one that can be sent."""

import pytest

from nightmend.errors import NightmendError, SandboxError
from tasks import elsewhere


class Failing:
    """A visit whose agent ends with an error from deep down."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def work(self, *_: object) -> None:
        try:
            {}["deep down"]
        except KeyError as cause:
            raise self.error from cause


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RecursionError("too deep"), "agent code_quality failed: RecursionError: too deep"),
        (SandboxError("no sandbox"), "no sandbox"),
    ],
)
def test_an_error_leaves_a_worker_without_what_led_to_it(monkeypatch, error, told):
    monkeypatch.setattr(elsewhere, "_visits", {"run": Failing(error)})
    with pytest.raises(NightmendError) as caught:
        elsewhere.work_here("code_quality")
    assert str(caught.value) == told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert [entry.name for entry in caught.traceback][-1] == "work_here"


def test_a_worker_without_a_guest_has_nothing_to_do(monkeypatch):
    monkeypatch.setattr(elsewhere, "_visits", {})
    assert elsewhere.work_here("code_quality") is None
