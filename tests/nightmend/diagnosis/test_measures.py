import pytest

from nightmend.diagnosis.measures import Quality, count, measure


def hints(source: str) -> tuple[int, int]:
    counts = count("a.py", source.encode())
    return counts.annotatable - counts.unannotated, counts.annotatable


def documented(source: str, path: str = "a.py") -> tuple[int, int]:
    counts = count(path, source.encode())
    return counts.documentable - counts.undocumented, counts.documentable


@pytest.mark.parametrize(
    ("source", "annotated", "of"),
    [
        ("def f(a, b: int) -> int: ...", 2, 3),
        ("def f(a, /, b, *c, d, **e): ...", 0, 6),
        ("async def f(a: int): ...", 1, 2),
        ("class A:\n    def f(self, a: int) -> int: ...", 2, 2),
        ("class A:\n    @classmethod\n    def f(cls) -> int: ...", 1, 1),
        ("class A:\n    @staticmethod\n    def f(a) -> int: ...", 1, 2),
        ("class A:\n    if True:\n        def f(self) -> int: ...", 1, 1),
        ("class A:\n    def f(self) -> int:\n        def g(a): ...", 1, 3),
        ("f = lambda a: a", 0, 0),
        ("x = 1", 0, 0),
        ("def (:", 0, 0),
    ],
)
def test_type_hints_are_annotated_parameters_and_returns(source, annotated, of):
    assert hints(source) == (annotated, of)


@pytest.mark.parametrize(
    ("source", "has", "of"),
    [
        ("", 0, 0),
        ("x = 1", 0, 1),
        ("'''Doc.'''", 1, 1),
        ("'''Doc.'''\ndef f(): ...\nclass A:\n    '''Doc.'''\n    def m(self): ...", 2, 4),
        ("'''Doc.'''\ndef _f(): ...\nclass _A:\n    def m(self): ...", 1, 1),
        ("'''Doc.'''\nclass A:\n    '''Doc.'''\n    def __init__(self): ...", 2, 2),
        ("'''Doc.'''\ndef f():\n    '''Doc.'''\n    def g(): ...", 2, 2),
        ("'''Doc.'''\nif x:\n    def f(): ...\ntry:\n    pass\nexcept E:\n    def g(): ...", 1, 3),
        (
            "'''Doc.'''\nclass A:\n    '''Doc.'''\n    @property\n    def p(self): '''Doc.'''\n"
            "    @p.setter\n    def p(self, v): ...\n    @overload\n    def f(self): ...",
            3,
            3,
        ),
    ],
)
def test_documentation_is_of_public_definitions(source, has, of):
    assert documented(source) == (has, of)


def test_a_private_module_has_no_docstring_of_its_own_to_give():
    assert documented("def f(): ...", "pkg/_a.py") == (0, 1)
    assert documented("def f(): ...", "pkg/__init__.py") == (0, 2)


def test_a_snapshot_is_measured_without_its_tests_and_what_it_only_carries(workspace_of):
    source = "x=1\n\ny = 2;  z = 3\n\n\ndef f(a: int):\n    return a\n"
    workspace = workspace_of(
        {"a.py": source, "tests/test_a.py": source, "_vendor/b.py": source, "c_pb2.py": source}
    )
    quality = measure(workspace, workspace.night.base)
    assert quality == Quality(
        pep8_violations=2,
        pep8_lines=2,
        code_lines=4,
        unannotated=1,
        annotatable=2,
        undocumented=2,
        documentable=2,
    )
    assert quality.pep8_compliance == 50
    assert quality.type_hint_coverage == 50
    assert quality.documentation_coverage == 0


def test_a_finding_on_a_blank_line_makes_that_line_count(workspace_of):
    workspace = workspace_of({"a.py": "x = 1\n   \ny = 2\n"})
    quality = measure(workspace, workspace.night.base)
    assert (quality.pep8_lines, quality.code_lines) == (1, 3)


def test_the_targets_own_line_length_counts(workspace_of):
    workspace = workspace_of(
        {"a.py": f"x = '{'x' * 90}'\n", "pyproject.toml": "[tool.black]\nline-length = 100\n"}
    )
    assert measure(workspace, workspace.night.base).pep8_compliance == 100


def test_what_is_not_there_is_not_measurable_and_never_full(workspace_of):
    workspace = workspace_of({"README.txt": "nothing\n", "tests/test_a.py": "x = 1\n"})
    quality = measure(workspace, workspace.night.base)
    assert (quality.pep8_compliance, quality.type_hint_coverage, quality.documentation_coverage) == (
        None,
    ) * 3


def test_where_pycodestyle_fails_the_other_measures_stand(workspace_of, monkeypatch):
    monkeypatch.setattr("nightmend.detectors.pycodestyle.SCRIPT", "mypy_script")
    workspace = workspace_of({"a.py": "def f(a: int): ...\n"})
    quality = measure(workspace, workspace.night.base)
    assert quality.pep8_compliance is None
    assert quality.type_hint_coverage == 50
