from nightmend.diagnosis.import_graph import Hub, import_graph

FILES = {
    "src/pkg/__init__.py": b"from . import a\n",
    "src/pkg/a.py": b"import pkg.b\nfrom .deep.c import thing as other\nimport os, numpy.linalg\n",
    "src/pkg/b.py": b"from pkg.a import x\n",
    "src/pkg/deep/__init__.py": b"",
    "src/pkg/deep/c.py": b"from .. import b as bb\nfrom ..d import y\nif bb:\n    import pkg.e\n",
    "src/pkg/d.py": b"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import a\n\n"
    b"def f():\n    from pkg import b\n",
    "src/pkg/e.py": b"from ....far import z\n",
    "tests/test_a.py": b"import pkg.a\n",
    "src/pkg/broken.py": b"import (\n",
}


def test_modules_that_need_each_other_are_one_cycle():
    found = import_graph(FILES)
    assert found.cycles == (("pkg.a", "pkg.b", "pkg.deep.c"),)
    assert "tests.test_a" not in found.modules
    assert found.modules["pkg"] == "src/pkg/__init__.py"


def test_imports_in_functions_and_for_type_checkers_need_nothing_but_count_for_hubs():
    found = import_graph(FILES)
    of_d = {(one.imported, one.deferred) for one in found.imports if one.importer == "pkg.d"}
    assert of_d == {("pkg.a", True), ("pkg.b", True)}
    assert found.hubs[0] == Hub(module="pkg.a", fan_in=3, fan_out=2)


def test_each_layer_needs_only_those_below():
    assert import_graph(FILES).layers == (
        ("pkg.broken", "pkg.d", "pkg.deep", "pkg.e"),
        ("pkg.a", "pkg.b", "pkg.deep.c"),
        ("pkg",),
    )


def test_a_name_of_a_package_is_its_own_module_first():
    use = b"from pkg import VERSION\nfrom pkg import b\n"
    found = import_graph({"pkg/__init__.py": b"from pkg.a import go\n", "pkg/a.py": use, "pkg/b.py": b""})
    assert {(one.importer, one.imported) for one in found.imports} == {
        ("pkg", "pkg.a"), ("pkg.a", "pkg"), ("pkg.a", "pkg.b"),
    }  # fmt: skip
    assert found.cycles == (("pkg", "pkg.a"),)


def test_a_long_chain_is_no_matter_of_recursion():
    files = {f"pkg/m{number}.py": f"import pkg.m{number + 1}\n".encode() for number in range(3000)}
    found = import_graph({"pkg/__init__.py": b"", "pkg/m3000.py": b"import pkg.m0\n", **files})
    assert len(found.cycles[0]) == 3001
