import hashlib
from collections.abc import Mapping

from nightmend.repairs.repair import Repair


def drop_keys(repair: Repair, contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return by what a repair is known again: its pattern with each issue, or with the change that it makes.

    Neither knows lines, so that both survive what happens elsewhere in the files.
    """
    if repair.issues:
        return tuple(f"{repair.pattern} {issue}" for issue in repair.issues)
    change = [
        (edit.path, contents[edit.path][edit.start : edit.end], edit.text)
        for edit in sorted(repair.edits, key=lambda edit: (edit.path, edit.start, edit.end))
    ]
    return (f"{repair.pattern} {hashlib.sha256(repr(change).encode()).hexdigest()[:16]}",)
