"""What tools say of an excerpt is what they say of the file, as far as a change has a part in it."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightmend.proof.excerpt import excerpts, left_out
from nightmend.repairs.recheck import Change, FaultCounts, Variant, compare, recheck
from nightmend.repairs.repair import Edit, apply_edits, overlap

SHOP = '''\
"""A shop."""
import os
import subprocess as sub

PRICES = {"a": 1}


# how it runs
def run(command):
    """Run it."""
    first = command[0]
    second = command[1]
    return sub.call(first + second, shell=True)


def idle():
    x = 1
    y = 2
    return x


class Shop(object):
    size = 1

    def open(self):
        assert self.size
        self.is_open = True
        self.late = False
        return self

    def close(self):
        pass

    def sell(self, what):
        price = PRICES[what]
        return price


def last():
    return os
'''


def edit(old, new, content=SHOP):
    start = content.index(old)
    return Edit(path="shop.py", start=start, end=start + len(old), text=new)


def shown(*edits, content=SHOP):
    return [one.content.decode() for one in excerpts("shop.py", content.encode(), edits)]


class TestWhatIsShown:
    def test_other_definitions_are_left_out_and_those_beside_keep_their_end(self):
        before, after = shown(edit("assert self.size", "assert self"))
        assert "class Shop" in before
        assert "import subprocess" in before, "calls mean what the imports say"
        assert "assert self.size" in before
        assert "assert self\n" in after
        for left in ("def run", "PRICES =", "self.late", "def sell", "x = 1"):
            assert left not in before
        assert "return x" in before, "the end of what stands in front"
        assert before.replace("assert self.size", "assert self") == after

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("import os\n", ""),
            ("x = 1", "import os"),
            ("x = 1", "x = ("),
            ("x = 1", '"""'),
            ("x = 1", "\tx = 1"),
            ("    y = 2\n    return x\n\n\nclass", "class"),
        ],
    )
    def test_all_is_shown_where_a_change_may_reach_further(self, old, new):
        before, after = shown(edit(old, new))
        assert before == SHOP
        assert after == SHOP.replace(old, new, 1)

    @pytest.mark.parametrize("mark", ["\tx = 1\n", "mark_safe(x)\n", "x = '\u202e'\n"])
    def test_all_is_shown_of_a_file_with_what_tools_look_for_in_the_whole_of_it(self, mark):
        content = f"{SHOP}\nif 1:\n    {mark}" if mark[0] != "\t" else f"{SHOP}\nif 1:\n{mark}"
        before, _ = shown(edit("y = 2", "y = 3"), content=content)
        assert before == content

    def test_documents_and_what_does_not_parse_are_shown_whole(self):
        assert left_out("shop.md", SHOP.encode(), [edit("x = 1", "x = 2")]) == ()
        assert left_out("shop.py", (SHOP + "(").encode(), [edit("x = 1", "x = 2")]) == ()

    def test_a_line_of_an_excerpt_is_known_in_the_file(self):
        edits = [edit("assert self.size", "assert (\n            self)"), edit("pass", "return 1")]
        before, after = excerpts("shop.py", SHOP.encode(), edits)
        for excerpt, whole in ((before, SHOP.encode()), (after, apply_edits(SHOP.encode(), edits))):
            lines = whole.split(b"\n")
            found = excerpt.content.split(b"\n")[:-1]
            assert excerpt.gaps
            for number, text in enumerate(found, 1):
                assert lines[excerpt.line(number) - 1] == text
            numbers = [excerpt.line(number) for number in range(1, len(found) + 1)]
            assert numbers == sorted(set(numbers))


IMPORTS = (
    "import os",
    "import subprocess as sub",
    "from hashlib import md5",
    "from xml.etree import ElementTree as tree",
)
PARTS = (
    "x = 1",
    "x=1;y = 2",
    "password = 'swordfish'",
    "# a note",
    "#bad note ",
    "assert x",
    "def f(a, b=1): return a",
    "async def g(): pass",
    "@property\ndef h(self):\n    return 1",
    "if x:\n    import pickle\n    pickle.loads(x)",
    "def f(a, b):\n    '''Do it.'''\n    y = a\n    # so\n    assert y\n\n    return md5(b)",
    "def f(a):\n    try:\n        import os as sub\n    except ImportError: pass\n    return a",
    "def f(a):\n    sub.call(a, shell=True)\n    def h(): pass\n    eval(a)\n\n\n\n    h()",
    "class C:\n    x = 1\n    y: int = 2\n    def one(self): pass\n    def two(self): pass",
    "class D(C):\n\n    def one(self, a):\n        '''One.'''\n        x = tree.parse(a)\n"
    "        return  x\n\n    def two(self):\n        return f'{self}'\n\n    @staticmethod\n\n"
    "    def three(a, b):\n        return a==b\n"
    "    def four(self):\n        text = '''\n  odd\nlines'''\n        return text",
    "try:\n    import fast\nexcept ImportError:\n    fast = None",
    "def long(a):\n    return '" + "x" * 90 + "'  # nosec",
    "sub.Popen(x, shell=True)  # nosec",
)
LINES = (
    "pass", "assert x", "x=1", "# said ", "eval(x)", "'''Said.'''", "def f(): pass", "return", "import os",
    "sub.call(x, shell=True)", "md5(x)",
)  # fmt: skip
PIECES = (
    "",
    " ",
    "  ",
    "\n",
    "\n\n",
    ";",
    "(",
    ")",
    "\\\n",
    "'''",
    "  # nosec",
    "#",
    " -> int",
    ": int",
    "==",
)


@st.composite
def changes(draw):
    """Draw a file and some edits of it: lines put in, taken out or written anew, and pieces of lines."""
    parts = draw(st.lists(st.sampled_from(PARTS), min_size=6, max_size=14))
    for part in draw(st.lists(st.sampled_from(IMPORTS), max_size=4)):
        parts.insert(draw(st.sampled_from([0, 0, 0, len(parts)])), part)
    content = "".join(part + "\n" * draw(st.integers(1, 4)) for part in parts)
    lines = content.splitlines(keepends=True)
    edits: list[Edit] = []
    for _ in range(draw(st.integers(1, 3))):
        number = draw(st.integers(0, len(lines) - 1))
        start = len("".join(lines[:number]))
        indent = lines[number][: len(lines[number]) - len(lines[number].lstrip(" "))]
        line = f"{indent}{draw(st.sampled_from(LINES))}\n"
        end = start + len(lines[number])
        column = draw(st.integers(start, end))
        piece = draw(st.sampled_from(PIECES))
        put, taken = draw(
            st.sampled_from(
                [
                    (line, start),
                    (line, start),
                    (line, end),
                    (line, end),
                    ("", end),
                    ("\n", start),
                    (piece, -1),
                ]
            )
        )
        place = (column, min(column + draw(st.integers(0, 1)), end)) if taken < 0 else (start, taken)
        made = Edit(path="a.py", start=place[0], end=place[1], text=put)
        if not any(overlap(made, other) for other in edits):
            edits.append(made)
    return content.encode(), tuple(edits)


def told(before: FaultCounts, after: FaultCounts):
    """What the rungs and the end of a phase read of two counts."""
    faults = Counter(after.counts)
    faults.subtract(before.counts)
    grave = Counter(after.high)
    grave.subtract(before.high)
    return (
        {fault: count for fault, count in faults.items() if count},
        {fault: count for fault, count in grave.items() if count},
        after.pep8 - before.pep8,
        after.unannotated - before.unannotated,
        after.undocumented - before.undocumented,
        after.more_than(before), after.graver_than(before), after.below(before), after.tool_failures,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of({"a.py": SHOP})


@pytest.mark.integration
@given(drawn=st.lists(changes(), min_size=40, max_size=40))
@settings(
    max_examples=3, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
def test_all_detectors_see_of_a_change_what_they_see_in_whole_files(workspace, drawn):
    made = [Change(path="a.py", before=content, edits=edits) for content, edits in drawn]
    whole = [
        Variant(id=f"{number} {state}", path="a.py", content=content)
        for number, one in enumerate(made)
        for state, content in (("before", one.before), ("after", apply_edits(one.before, one.edits)))
    ]
    shifts = compare(workspace, workspace.night.base, made)
    counts = recheck(workspace, workspace.night.base, whole)
    assert any(excerpts("a.py", one.before, one.edits)[0].gaps for one in made)
    for number, (one, shift) in enumerate(zip(made, shifts, strict=True)):
        alone = told(counts[f"{number} before"], counts[f"{number} after"])
        assert told(shift.before, shift.after) == alone, one
