from nightmend.report.text import diff_lines, line, visible

TRICKY = """--- a/x.sql
+++ b/x.sql
@@ -1,3 +1,3 @@
 select 1
--- a/y
+++ b/y
 end
\\ No newline at end of file
--- a/z.sql
+++ b/z.sql
@@ -1 +1 @@
-a
+b
"""


def test_a_removed_line_that_looks_like_a_head_is_a_removed_line():
    assert [line.kind for line in diff_lines(TRICKY)] == [
        "file", "file", "place", "same", "removed", "added", "same", "file",
        "file", "file", "place", "removed", "added",
    ]  # fmt: skip


def test_lines_keep_their_text():
    assert "".join(f"{line.text}\n" for line in diff_lines(TRICKY)) == TRICKY
    assert diff_lines("") == []


def test_only_what_hides_or_reorders_is_replaced():
    assert visible("é\tß\n日本 👍") == "é\tß\n日本 👍"
    assert visible("a\x00b\u202ec\ufeff\r") == "a⟨U+0000⟩b⟨U+202E⟩c⟨U+FEFF⟩⟨U+000D⟩"


def test_a_line_for_a_terminal_is_one_line_and_commands_nothing():
    token = "ghp_" + "q7Zr2Kx9Lw4Tn8Vb3Hy6Jd1Ms5Pc0FgAbcde"
    assert line(f"a\nb\r\x1b]0;title\x07 {token}\udce9") == (
        "a b⟨U+000D⟩⟨U+001B⟩]0;title⟨U+0007⟩ [masked GitHub token]⟨U+DCE9⟩"
    )
