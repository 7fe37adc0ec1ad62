def test_a_cycle_is_found_at_the_import_that_its_first_module_has(look):
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "import os\nimport pkg.b\n",
        "pkg/b.py": "import pkg.a\n",
        "pkg/c.py": "def f():\n    import pkg.a\n",
    }
    (finding,) = look("imports", files)
    assert (finding.path, finding.line, finding.rule) == ("pkg/a.py", 2, "import-cycle")
    assert finding.message == "these modules import each other: pkg.a, pkg.b"


def test_without_a_cycle_there_is_nothing(look):
    files = {"pkg/__init__.py": "", "pkg/a.py": "import pkg.b\n", "pkg/b.py": "import os\n"}
    assert look("imports", files) == []
