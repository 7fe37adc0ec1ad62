from nightmend.frozen import Frozen


class Snapshot(Frozen):
    """The state of a target: the id of a git tree. The only state that moves between phases."""

    tree: str


class FileEntry(Frozen):
    """One regular file of a snapshot: git mode, blob id, and size in bytes."""

    mode: str
    blob: str
    size: int
