import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path


def blob_id(content: bytes) -> str:
    """Return git's name for a blob of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def write_blob(objects: Path, content: bytes) -> str:
    """Write a loose blob into an object folder, atomically, and return its id; a whole one there stays."""
    blob = blob_id(content)
    place = objects / blob[:2] / blob[2:]
    if place.exists() and whole(place):
        return blob
    place.parent.mkdir(exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix="tmp_obj_", dir=place.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(zlib.compress(b"blob %d\0" % len(content) + content, 1))
        os.fchmod(descriptor, 0o444)
    os.replace(name, place)
    return blob


def whole(place: Path) -> bool:
    """Say whether a loose object holds what its name says: git itself looks only when it reads all of it."""
    try:
        content = zlib.decompress(place.read_bytes())
    except (OSError, zlib.error):
        return False
    return hashlib.sha1(content, usedforsecurity=False).hexdigest() == place.parent.name + place.name


def damaged(objects: Path) -> Iterator[Path]:
    """Yield the loose objects of a folder that hold something else than their names say."""
    for place in objects.glob("[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 38):
        if not whole(place):
            yield place
