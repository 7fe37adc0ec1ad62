"""Say what a source distribution needs, to be built and at run time, without running it; printed as JSON.

Run by our own interpreter in the sandbox of the download, with the path of the file as argument.
"""

import email.parser
import json
import sys
import tarfile
import tomllib
import zipfile

LARGEST = 4 << 20
LEGACY = ["setuptools", "wheel"]


def main(path):
    """Print `build` and `run`, two lists of requirements."""
    texts = dict(_texts(path))
    try:
        system = tomllib.loads(texts.get("pyproject.toml", "")).get("build-system", {})
        build = system.get("requires", LEGACY)
    except (ValueError, AttributeError):
        build = LEGACY
    said = email.parser.HeaderParser().parsestr(texts.get("PKG-INFO", ""))
    run = said.get_all("Requires-Dist") or _plain(texts.get("requires.txt", ""))
    if not isinstance(build, list):
        build = LEGACY
    print(json.dumps({"build": [str(one) for one in build], "run": run}))


def _plain(text):
    """Return what setuptools wrote down for every use, before the sections of the extras."""
    lines = (line.strip() for line in text.partition("[")[0].splitlines())
    return [line for line in lines if line]


def _texts(path):
    """Yield the name and the text of what says so at the top of the archive."""
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if _wanted(entry.filename) and entry.file_size <= LARGEST:
                    yield _last(entry.filename), archive.read(entry).decode("utf-8", "replace")
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and _wanted(member.name) and member.size <= LARGEST:
                yield _last(member.name), archive.extractfile(member).read().decode("utf-8", "replace")


def _wanted(name):
    top = name.count("/") == 1 and name.endswith(("/pyproject.toml", "/PKG-INFO"))
    return top or name.endswith(".egg-info/requires.txt")


def _last(name):
    return name.rpartition("/")[2]


if __name__ == "__main__":
    main(sys.argv[1])
