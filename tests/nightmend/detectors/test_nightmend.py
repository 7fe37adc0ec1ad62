import pytest

from nightmend.detectors.nightmend import unreadable

CAUSE = "try:\n    x = 1\nexcept ValueError:\n    raise KeyError(1)\n"


def test_patterns_find_their_faults_at_the_place_in_the_box(look):
    findings = look("nightmend", {"pkg/a.py": CAUSE})
    assert [(finding.path, finding.rule, finding.line) for finding in findings] == [
        ("pkg/a.py", "raise-without-cause", 4)
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x = 1\0\n", "NUL"),
        (b"x = '\xff'\n", "encoding"),
        (b"# coding: nonsense\n", "encoding"),
        (b"# coding: latin-1\nx = '\xff'\n", None),
        ("x = '\u00e9'\n".encode(), None),
        (b"\xef\xbb\xbfx = 1\n", None),
        (b"", None),
    ],
)
def test_a_file_is_unreadable_when_python_itself_cannot_decode_it(content, says):
    problem = unreadable(content)
    assert (says in problem) if says else problem is None


def test_a_file_that_nobody_can_read_or_repair_is_named_and_bad_syntax_quietly(look):
    findings = look(
        "nightmend", {"a.py": b"x = 1\0\n", "b.py": "def (:\n", "c.py": b"# coding: latin-1\nx = '\xff'\n"}
    )
    assert {(finding.path, finding.rule) for finding in findings} == {
        ("a.py", "unreadable-file"),
        ("b.py", "unread"),
        ("c.py", "unread"),
        ("c.py", "left-out"),
    }
