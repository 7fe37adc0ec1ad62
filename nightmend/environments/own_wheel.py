"""A wheel that stands for the target itself, as an editable install would: metadata, commands, and a path.

It is made of what the target declares, so that nothing of the target has to run for it. The tests import the
snapshot, which stands at the target's own path.
"""

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

from nightmend.environments.declared import Declaration

VERSION = re.compile(
    r"^(?:__version__|version|VERSION)\s*(?::\s*str\s*)?=\s*['\"](\d[\w.+!-]*)['\"]", re.MULTILINE
)
UNKNOWN = "0"


class OwnWheel(NamedTuple):
    """What stands for the target, and how to get more where that does not do."""

    file: str
    content: bytes
    version: str
    tree: Path | None = None
    """The files of the snapshot, where it must be built; our wheel serves where that fails."""


def own_wheel(declared: Declaration, version: str, roots: Iterable[str]) -> OwnWheel:
    """Return the wheel; `roots` are the folders from which the target is imported."""
    assert declared.name is not None  # noqa: S101 -- a target without a name has no metadata
    stem = f"{canonicalize_name(declared.name).replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    needs = "".join(f"Requires-Dist: {text}\n" for text in declared.own_dependencies)
    files = {
        f"__editable__.{stem}.pth": "".join(f"{root}\n" for root in roots),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {declared.name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": _sections(declared.entry_points),
    }
    record = "".join(f"{name},{_digest(text)},{len(text.encode())}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return OwnWheel(f"{stem}-py3-none-any.whl", content.getvalue(), version)


def version_in(contents: Iterable[bytes]) -> str:
    """Return the version that a target's sources name, where its metadata does not."""
    found = (VERSION.search(content.decode("utf-8", "replace")) for content in contents)
    return next((match[1] for match in found if match), UNKNOWN)


def _sections(entry_points: Mapping[str, Mapping[str, str]]) -> str:
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in names.items())
        for group, names in entry_points.items()
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
