import os
from pathlib import Path


def state_folder() -> Path:
    """Return where nightmend keeps its state: NIGHTMEND_HOME, else the user's own state folder."""
    named = os.environ.get("NIGHTMEND_HOME")
    if named:
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser().absolute() / "nightmend"
