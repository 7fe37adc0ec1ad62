"""Advisories of our own writing, in the format of OSV."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AddAdvisory = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of advisories, which is the one that is looked into."""
    place = tmp_path / "advisories"
    place.mkdir()
    monkeypatch.setenv("NIGHTMEND_ADVISORIES", str(place))
    return place


@pytest.fixture
def advisory(folder: Path) -> AddAdvisory:
    """Write an advisory about a package into the folder."""

    def add(name: str, package: str, *, fixed: str | None = "2.0", **fields: Any) -> None:
        events: list[dict[str, str]] = [{"introduced": "1.0"}, *([{"fixed": fixed}] if fixed else [])]
        affected = {
            "package": {"ecosystem": "PyPI", "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
            "versions": ["1.0", "1.5"],
        }
        entry = {
            "id": name,
            "modified": "2026-03-04T05:06:07Z",
            "summary": "It leaks.",
            "affected": [affected],
        }
        (folder / f"{name}.json").write_text(json.dumps({**entry, **fields}))

    return add
