"""A chamber of horrors: one repository with as much of what is strange as can stand side by side."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

FAULTY = '''\
"""A module with a fault that a night mends."""


def price(prices, name):
    """Return the price of a thing."""
    try:
        return prices[name]
    except KeyError:
        raise ValueError("no price")
'''
"""The last line lacks `from error`."""


def mended(content: bytes) -> bytes:
    """What a night makes of a file with the fault, every other byte as it was."""
    named = content.replace(b"except KeyError:", b"except KeyError as error:")
    return named.replace(b'("no price")', b'("no price") from error')


CODE = FAULTY.encode()
TRAP = """\
try:
    open("{mark}", "a").write("the target ran outside a sandbox")
except OSError:
    pass
"""
LONG_LINE = 10 * 2**20

ODD_NAMES = (
    "with space.py",
    "new\nline.py",
    "naïve_ünïcode.py",
    "東京.py",
    "-dash.py",
    "--output-format=evil.py",
    "@list.py",
    "quote'\".py",
    "back\\slash.py",
    "trailing .py",
    "#hash.py",
    "star*.py",
    "[brackets].py",
    "$(touch owned).py",
    "<b>bold.py",
    "%s{0}.py",
    "tab\there.py",
    "~home.py",
    "a,b;c.py",
    "Upper.py",
    "upper.py",
    "é.py",
    "e\u0301.py",
    "-/inner.py",
    ".hidden.py",
    "deep/" + "d/" * 40 + "end.py",
    "n" * 240 + ".py",
    "\U0001f40d.py",
    "\u202egnp.py",
)


def ended(line_end: str) -> bytes:
    """The faulty module with other line ends."""
    return FAULTY.replace("\n", line_end).encode()


MENDABLE: Mapping[str, bytes] = {
    **dict.fromkeys(ODD_NAMES, CODE),
    "plain.py": CODE,
    "crlf.py": ended("\r\n"),
    "mixed.py": FAULTY.replace("\n", "\r\n", 4).encode(),
    "form_feed.py": FAULTY.replace("\n\n\n", "\n\n\f\n", 1).encode(),
    "form_feed_inside.py": FAULTY.replace("    try:", "\f    try:").encode(),
    "bom.py": b"\xef\xbb\xbf" + CODE,
    "bom_crlf.py": b"\xef\xbb\xbf" + ended("\r\n"),
    "no_last_newline.py": CODE.rstrip(b"\n"),
    "wide_letters.py": CODE.replace(b"of a thing", "of a thing 東京 é \U0001f40d".encode()),
    "separators.py": CODE.replace(b"of a thing", "of a\u2028thing\x85 \x1c \x0b here".encode()),
    "tabs.py": CODE.replace(b"    ", b"\t"),
    "old_mac.py": ended("\r"),
    "declared_utf8.py": b"# -*- coding: utf-8 -*-\n" + CODE,
}
"""Each has the fault, and must have it mended with every other byte as it was."""
UNREADABLE: Mapping[str, bytes] = {
    "syntax.py": b"def broken(:\n",
    "nul.py": CODE + b"\0\n",
    "latin.py": CODE.replace(b"price of", b"pr\xefce of"),
    "utf16.py": FAULTY.encode("utf-16"),
    "unknown_coding.py": b"# coding: klingon\n" + CODE,
    "python2.py": b"print 'hello'\n",
    "binary.py": bytes(range(256)) * 40,
    "conflict.py": b"<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n",
}
"""Each must be named as an issue: no tool, or only some, can read it."""
LEFT_OUT: Mapping[str, bytes] = {
    "long_line.py": CODE + b"TABLE = '" + b"x" * LONG_LINE + b"'\n",
    "long_list.py": b"x = 1\n" * 4000 + b"T = [" + b"1, " * 300_000 + b"]\n",
    "long_comment.py": b"x = 1\n" * 4000 + b"# " + b"y" * 100_000 + b"\n",
    "pointer.py": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n",
    "filtered.py": CODE,
    "long_sum.py": b"x = " + b" + ".join([b"1"] * 8_000) + b"\n",
    "docs/long.md": b"# Long\n\n" + b"[a](b " * (LONG_LINE // 24) + b"\n\n" + b"`" * 50_000 + b"\n",
    "docs/long.rst": b"Long\n====\n\n" + b"`a <b" * (LONG_LINE // 24) + b"\n",
    "docs/long_links.md": b"# Long\n\n" + b"[a](b " * 100_000 + b"\n",
}
"""Each must be named as one that nobody looked at."""
LEFT_ALONE: Mapping[str, bytes] = {
    "empty.py": b"",
    "only_bom.py": b"\xef\xbb\xbf",
    "declared_latin.py": b"# -*- coding: latin-1 -*-\n" + CODE.replace(b"price of", b"pr\xefce of"),
    "deep_expression.py": b"x = " + b"(" * 150 + b"1" + b")" * 150 + b"\n",
    "deep_list.py": b"x = " + b"[\n" * 8_000 + b"]\n" * 8_000,
}
DOCUMENTS: Mapping[str, bytes] = {
    "README.md": b"# Read\n\n[gone](docs/no-such-page.md)\n",
    "readme.md": b"# read, in other letters\n",
    "docs/latin.md": b"# Caf\xe9\n\n[gone](no-such.md)\n",
    "docs/nul.rst": b"Nul\0\n====\n",
    "data.json": b'{"a": "' + b"z" * LONG_LINE + b'"}\n',
}
BROKEN_SETTINGS: Mapping[str, bytes] = {
    "pyproject.toml": b"[tool.ruff\nselect = [\n",
    "setup.cfg": b"nonsense without a section\n",
    ".pylintrc": b"[MASTER\n\xff\xfe\n",
    "mypy.ini": b"]]mypy[[\nplugins = evil\n",
    "tox.ini": b"\0\0\0",
    "ruff.toml": b"line-length = 'eighty'\n",
    ".flake8": b"flake8\n",
}
TESTS = """\
import os
import pathlib
import subprocess
import sys

import pytest

from plain import price

HERE = pathlib.Path(__file__).parent


def test_known():
    assert price({"tea": 3}, "tea") == 3


def test_unknown():
    with pytest.raises(ValueError):
        price({}, "tea")


def test_that_fails():
    assert price({"tea": 3}, "tea") == 4


def test_that_writes_into_its_tree():
    (HERE / "written.txt").write_text("mine")
    (HERE.parent / "plain.pyc").write_bytes(b"x")
    (HERE.parent / "crlf.py").write_text("overwritten")


def test_that_starts_a_subprocess():
    code = "import plain; print(plain.price({'a': 1}, 'a'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE.parent, capture_output=True, text=True)
    assert done.stdout == "1\\n", done.stderr


def test_that_leaves_a_process_behind():
    subprocess.Popen(["sleep", "600"])


def test_that_needs_a_utf_8_locale():
    assert "東京".encode(sys.getfilesystemencoding()) and sys.stdout.encoding.lower() == "utf-8"
    (HERE / "東京.txt").write_text("é")
    assert (HERE / "東京.txt").read_text() == "é"


def test_that_needs_a_locale_that_is_not_here():
    import locale

    locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")


def test_that_needs_a_generated_file():
    assert (HERE.parent / "build" / "generated.json").exists()


def test_that_prints():
    print("x" * 1_000_000)
"""
FLOOD = (
    b"import os\n\n\ndef test_flood(capfd):\n    with capfd.disabled():\n        os.write(1, b'x' * 10**8)\n"
)
SUITE: Mapping[str, bytes] = {
    "tests/test_chamber.py": TESTS.encode(),
    "tests/test_missing_dependency.py": b"import no_such_package\n\n\ndef test_it():\n    pass\n",
    "tests/test_hangs.py": b"import time\n\n\ndef test_that_hangs():\n    time.sleep(9_000)\n",
    "tests/test_flood.py": FLOOD,
    "tests/test_syntax.py": b"def test_it(:\n",
    "tests/test with space.py": b"def test_spaced():\n    pass\n",
    "docs/conftest.py": b"raise RuntimeError('a conftest at an odd place')\n",
    "pytest.ini": b"[pytest]\ntestpaths = tests\n",
}


def traps(mark: Path) -> dict[str, bytes]:
    """Files that leave a mark when something imports or runs them outside of a sandbox."""
    names = (
        "flows/__init__.py",
        "flows/recover.py",
        "tasks/__init__.py",
        "blocks/__init__.py",
        "sitecustomize.py",
    )
    names += (
        "nightmend/__init__.py",
        "nightmend/errors.py",
        "isort.py",
        "prefect.py",
        "typing_extensions.py",
        "setup.py",
    )
    return {name: TRAP.format(mark=mark).encode() for name in names}


def chamber(root: Path, mark: Path) -> Path:
    """Make the repository; `mark` is where anything appears that escapes."""
    plain = {
        **MENDABLE,
        **UNREADABLE,
        **LEFT_OUT,
        **LEFT_ALONE,
        **DOCUMENTS,
        **BROKEN_SETTINGS,
        **SUITE,
        **traps(mark),
    }
    attributes = [
        "plain.py text eol=crlf ident",
        "form_feed.py export-ignore",
        "bom.py working-tree-encoding=UTF-16",
    ]
    attributes += ["filtered.py filter=evil diff=evil", "*.bin filter=lfs -text", "-dash.py -text"]
    git(root.parent, "init", "-q", "-b", "main", str(root))
    lines = [blob(root, path.encode(), content) for path, content in plain.items()]
    lines += [
        blob(root, b"not-utf8-\xff.py", CODE),
        blob(root, b".gitattributes", "\n".join(attributes).encode()),
    ]
    lines += [blob(root, b"weights.bin", UNFETCHED), blob(root, b".gitmodules", MODULES)]
    lines += [blob(root, path, goal, "120000") for path, goal in LINKS.items()]
    lines += [b"160000 " + b"12" * 20 + b"\tmodules/gone\0"]
    git(root, "update-index", "-z", "--index-info", stdin=b"".join(lines))
    git(root, "commit", "-q", "-m", "horrors")
    git(root, "checkout-index", "--all", "--force")
    return root


UNFETCHED = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"1" * 64 + b"\nsize 9\n"
MODULES = b'[submodule "gone"]\n\tpath = modules/gone\n\turl = ext::sh -c touch%20owned\n'
LINKS = {
    b"passwd.py": b"/etc/passwd",
    b"outside.py": b"../../../outside.py",
    b"circle.py": b"circle.py",
    b"ring/one": b"two",
    b"ring/two": b"one",
    b"up": b"..",
    b"alias.py": b"plain.py",
    b"dangling.py": b"gone.py",
    b"docs/up": b"../docs",
}


def blob(root: Path, path: bytes, content: bytes, mode: str = "100644") -> bytes:
    """Write an object; return the line that puts it into the index."""
    name = git(root, "hash-object", "-w", "--stdin", stdin=content).strip()
    return f"{mode} {name}\t".encode() + path + b"\0"


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git as a user would, without any configuration of this machine."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    settings = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "core.protectNTFS=false"]
    settings += ["-c", "core.protectHFS=false", "-c", "core.quotePath=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *settings, *arguments],
        input=stdin,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode(errors="surrogateescape")
