import hashlib
import os
import tempfile
import zlib
from pathlib import Path


def blob_id(content: bytes) -> str:
    """Return git's name for a blob of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def write_blob(objects: Path, content: bytes) -> str:
    """Write a loose blob into an object folder, atomically, and return its id; one that is there stays."""
    blob = blob_id(content)
    place = objects / blob[:2] / blob[2:]
    if place.exists():
        return blob
    place.parent.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="tmp_obj_", dir=place.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(zlib.compress(b"blob %d\0" % len(content) + content, 1))
        os.fchmod(descriptor, 0o444)
    os.replace(name, place)
    return blob
