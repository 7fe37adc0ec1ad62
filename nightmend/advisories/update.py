"""Bring the folder of advisories up to date, from the public export of OSV or from a copy of it."""

import contextlib
import json
import os
import shutil
import tempfile
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

from nightmend.advisories.database import INDEX, Index, make_index
from nightmend.errors import NightmendError, UsageError

EXPORT = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
SECONDS = 60
LARGEST = 4 << 20
"""Bytes of one advisory; the export has none that comes near."""


class UpdateError(NightmendError):
    """The advisories could not be brought up to date; those that were there still are."""


def update_advisories(folder: Path, source: str = EXPORT) -> Index:
    """Replace the folder by what a zip file of advisories holds: the path of one, or an http address."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".advisories-") as temporary:
        archive, fresh = Path(temporary) / "all.zip", Path(temporary) / "fresh"
        fresh.mkdir()
        _fetch(source, archive)
        _unpack(archive, fresh, source)
        index = make_index(fresh)
        if not index.packages:
            raise UpdateError(f"{source} holds no advisory of a Python package; name an export of OSV")
        (fresh / INDEX).write_text(index.model_dump_json(), encoding="utf-8")
        if folder.exists():
            _only_ours(folder)
            folder.rename(Path(temporary) / "old")
        fresh.rename(folder)
    return index


def _fetch(source: str, archive: Path) -> None:
    try:
        if urlparse(source).scheme in ("http", "https"):
            with urllib.request.urlopen(source, timeout=SECONDS) as answer, archive.open("wb") as file:  # noqa: S310
                shutil.copyfileobj(answer, file)
        else:
            shutil.copyfile(Path(source).expanduser(), archive)
    except (OSError, ValueError, HTTPException) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise UpdateError(
            f"{source} cannot be read: {said}; copy the file here and name it by --source"
        ) from None


def _unpack(archive: Path, fresh: Path, source: str) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if entry.filename.endswith(".json") and entry.file_size <= LARGEST:
                    (fresh / os.path.basename(entry.filename)).write_bytes(opened.read(entry))
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise UpdateError(f"{source} is no zip file that can be read: {error}; fetch it again") from None


def _only_ours(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but advisories."""
    for place in folder.iterdir():
        with contextlib.suppress(OSError, ValueError):
            if place.suffix == ".json" and isinstance(json.loads(place.read_bytes()), dict):
                continue
        raise UsageError(
            f"{folder} holds {place.name}, which is no advisory; name a folder for advisories alone"
        )
