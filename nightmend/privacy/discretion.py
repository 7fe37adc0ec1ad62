"""What must not leave the machine: a Prefect server elsewhere hears numbers and names, no text of a target.

Such text (source, diffs, test output) hides in what goes wrong. On such a night the text of an error is put
into the store of ours, and its place is taken by a sentence that names it; the report has it back.
"""

import contextlib
import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from nightmend.errors import NightmendError
from nightmend.night import Night
from nightmend.results import ClosedPhaseError
from nightmend.settings import Share
from nightmend.workspace import Workspace

SENTENCE = "what went wrong is told in the report, and not to this Prefect server (text {text})"
_MARK = re.compile(re.escape(SENTENCE).replace(r"\{text\}", "([0-9a-f]{40})"))


def may_share(share: Share, api_url: str | None) -> bool:
    """Say whether text of a target may reach the Prefect server at this address; none is one of our own."""
    if share == "loopback":
        return api_url is None or _on_loopback(urlsplit(api_url).hostname or "")
    return share == "always"


def _on_loopback(host: str) -> bool:
    """Say whether a host is this machine for certain; a name that must be looked up is not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def told(night: Night, text: str) -> str:
    """Return what the server may hear of a text: the text, or a sentence that names it."""
    if not night.discreet or _MARK.search(text):
        return text
    return SENTENCE.format(text=Workspace(night).store.put(text.encode(errors="replace")))


def revealed(workspace: Workspace, text: str) -> str:
    """Put the withheld texts back in their places."""
    return _MARK.sub(lambda mark: workspace.store.get(mark[1]).decode(errors="replace"), text)


@contextlib.contextmanager
def discreetly(night: Night) -> Iterator[None]:
    """Let an error out only as much as the server may hear of it, as one of its own kind."""
    try:
        yield
    except Exception as error:
        if not night.discreet:
            raise
        raise _withheld(night, error) from None


def _withheld(night: Night, error: Exception) -> Exception:
    """Return an error of the kind that decides what follows: a retry, a rollback, an exit code."""
    if isinstance(error, NightmendError):
        quiet: Exception = type(error)(told(night, str(error)))
        if isinstance(error, ClosedPhaseError) and isinstance(quiet, ClosedPhaseError):
            quiet.result = error.result
        return quiet
    kind = next((kind for kind in (TimeoutError, OSError) if isinstance(error, kind)), RuntimeError)
    return kind(told(night, f"{type(error).__name__}: {error}"))
