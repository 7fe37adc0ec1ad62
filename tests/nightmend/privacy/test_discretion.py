"""Whether text of a target may reach a Prefect server, and what becomes of an error where it may not."""

import pickle

import pytest

from nightmend.errors import NightmendError, SandboxError
from nightmend.privacy.discretion import discreetly, may_share, revealed, told
from nightmend.results import ClosedPhaseError, PhaseResult

SOURCE = "password = 'tea'"


@pytest.mark.parametrize(
    ("url", "shares"),
    [
        (None, True),
        ("http://127.0.0.1:4200/api", True),
        ("http://127.1.2.3/api", True),
        ("http://localhost:4200/api", True),
        ("http://[::1]:4200/api", True),
        ("http://[::ffff:127.0.0.1]:4200/api", True),
        ("http://10.0.0.3:4200/api", False),
        ("http://0.0.0.0:4200/api", False),
        ("https://api.prefect.cloud/api/accounts/a/workspaces/b", False),
        ("http://localhost.example.org/api", False),
        ("http://127.0.0.1.example.org/api", False),
        ("http://me:127.0.0.1@example.org/api", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_only_a_server_that_is_surely_on_this_machine_hears_text(url, shares):
    assert may_share("loopback", url) is shares
    assert may_share("always", url) is True
    assert may_share("never", url) is False


@pytest.fixture
def workspace(workspace_of):
    return workspace_of({"a.py": SOURCE})


@pytest.fixture
def discreet(workspace):
    return workspace.night.model_copy(update={"discreet": True})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SandboxError(SOURCE), SandboxError),
        (NightmendError(SOURCE), NightmendError),
        (OSError(5, SOURCE), OSError),
        (TimeoutError(SOURCE), TimeoutError),
        (KeyError(SOURCE), RuntimeError),
    ],
)
def test_an_error_keeps_its_kind_and_the_report_has_its_text_back(workspace, discreet, error, kind):
    with pytest.raises(kind) as caught, discreetly(discreet):
        raise error
    assert type(caught.value) is kind
    assert SOURCE not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    quiet = str(pickle.loads(pickle.dumps(caught.value)))
    assert SOURCE in revealed(workspace, f"before: {quiet}, behind")


def test_a_closed_phase_keeps_what_it_had_done(workspace, discreet):
    error = ClosedPhaseError(SOURCE)
    error.result = PhaseResult(phase="repairs", snapshot=workspace.night.base, commit="c")
    with pytest.raises(ClosedPhaseError) as caught, discreetly(discreet):
        raise error
    assert caught.value.result == error.result


def test_what_is_withheld_once_is_not_withheld_again(workspace, discreet):
    once = told(discreet, SOURCE)
    assert told(discreet, once) == once != SOURCE
    assert revealed(workspace, once) == SOURCE


def test_where_the_server_is_here_nothing_changes(workspace):
    assert told(workspace.night, SOURCE) == SOURCE
    with pytest.raises(KeyError, match="password"), discreetly(workspace.night):
        raise KeyError(SOURCE)
