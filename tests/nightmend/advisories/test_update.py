import functools
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nightmend.advisories.database import Database
from nightmend.advisories.update import UpdateError, update_advisories
from nightmend.errors import UsageError


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def export(folder, advisory, tmp_path):
    advisory("GHSA-1", "a-b")
    place = tmp_path / "all.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.write(folder / "GHSA-1.json", "../GHSA-1.json")
        archive.writestr("notes.txt", "x")
    return place


def test_a_copy_of_the_export_replaces_what_was_there(export, folder):
    (folder / "GHSA-old.json").write_text("{}")
    assert update_advisories(folder, str(export)).date == "2026-03-04"
    assert sorted(place.name for place in folder.iterdir()) == ["GHSA-1.json", "index.json"]
    assert Database(folder).index.packages == {"a-b": ("GHSA-1.json",)}


def test_the_export_is_fetched_by_http(export, tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        update_advisories(tmp_path / "new" / "place", f"http://127.0.0.1:{server.server_port}/all.zip")
        server.shutdown()
    assert Database(tmp_path / "new" / "place").date == "2026-03-04"


@pytest.mark.parametrize(
    "source",
    ["http://127.0.0.1:9/all.zip", "http://127.0.0.1:x/all.zip", "missing.zip", "notes.zip", "empty.zip"],
)
def test_what_cannot_be_read_leaves_the_old_ones(export, folder, tmp_path, source):
    (tmp_path / "notes.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("notes.txt", "x")
    place = source if source.startswith("http") else str(tmp_path / source)
    with pytest.raises(UpdateError, match=r"127\.0\.0\.1|zip"):
        update_advisories(folder, place)
    assert [place.name for place in folder.iterdir()] == ["GHSA-1.json"]
    assert not list(tmp_path.glob(".advisories-*"))


def test_a_folder_of_anything_else_is_never_replaced(export, folder):
    (folder / "thesis.tex").write_text("years")
    with pytest.raises(UsageError, match=r"thesis\.tex, which is no advisory"):
        update_advisories(folder, str(export))
    assert (folder / "thesis.tex").exists()
