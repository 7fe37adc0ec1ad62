"""What modules hold once they are imported, really looked at in a sandbox: faults that no coverage sees."""

from collections.abc import Callable

import pytest

from nightmend.proof.bench import Bench
from nightmend.proof.import_state import Difference, differences
from nightmend.proof.rungs import imports_rung
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

FILES = {
    "kit/__init__.py": "from kit.core import Core\n",
    "kit/core.py": "import os\nimport json\nfrom os.path import join\n\nfrom kit import plugins\n\n\n"
    "class Core:\n    size = 3\n\n    def path(self):\n        return os.sep\n\n\nLIMITS = {'a': [1, 2]}\n",
    "kit/plugins.py": "from kit.registry import register\n\nregister('plugins')\n",
    "kit/registry.py": "import time\n\nKNOWN = []\nSTARTED = time.time_ns()\n\n\n"
    "def register(name):\n    KNOWN.append(name)\n",
    "kit/front.py": "from kit.core import Core, join\nfrom kit.registry import KNOWN\n\nCOUNT = len(KNOWN)\n",
    "kit/broken.py": "import no_such_module\n",
    "kit/noisy.py": "import os\n\nprint('imported [\"base\", []]')\nos.write(1, b'imported\\n')\n",
    "test_kit.py": "import kit\n\n\ndef test_kit():\n    assert kit.Core().path()\n",
}


@pytest.fixture(scope="module")
def workspace(shared_workspace_of: Callable[..., Workspace]) -> Workspace:
    return shared_workspace_of(FILES)


CHANGES = {
    "nothing": ("kit/core.py", "import json\n", "import json  # noqa\n"),
    "unused": ("kit/core.py", "import json\n", ""),
    "in a function": ("kit/core.py", "return os.sep", "return os.altsep"),
    "re-export": ("kit/__init__.py", "from kit.core import Core\n", ""),
    "taken elsewhere": ("kit/core.py", "from os.path import join\n", ""),
    "registers": ("kit/core.py", "from kit import plugins\n", ""),
    "value": ("kit/core.py", "[1, 2]", "[1, 3]"),
    "attribute": ("kit/core.py", "size = 3", "size = 4"),
    "fails": ("kit/core.py", "import json\n", "import jsonn\n"),
    "hangs": ("kit/core.py", "import json\n", "while True: pass\n"),
}


@pytest.fixture(scope="module")
def found(workspace: Workspace) -> dict[str, tuple[Difference, ...] | None]:
    variants = {
        name: {path: FILES[path].replace(old, new).encode()} for name, (path, old, new) in CHANGES.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nightmend.proof.import_state.LOOK_SECONDS", 3)
        return differences(workspace, workspace.night.base, variants)


def test_equal_programs_look_equal_though_one_of_their_values_never_is(found):
    assert found["nothing"] == ()
    assert found["in a function"] == ()


def test_a_module_of_a_library_less_is_harmless(found):
    assert found["unused"] == (Difference(module="kit.core", name="json", before="module", after=""),)
    assert all(one.harmless for one in found["unused"])


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("re-export", ("kit", "Core", "own", "")),
        (
            "taken elsewhere",
            ("kit.front", "", "", "failed ImportError: cannot import name 'join' from 'kit.core'"),
        ),
        ("registers", ("kit.core", "plugins", "module", "")),
        ("registers", ("kit.plugins", "", "loaded", "")),
        ("registers", ("kit.registry", "", "loaded", "")),
        ("value", ("kit.core", "LIMITS", "value", "value")),
        ("attribute", ("kit.core", "Core", "own", "own")),
        ("fails", ("kit.core", "", "", "failed ModuleNotFoundError: No module named 'jsonn'")),
    ],
)
def test_what_others_could_notice_is_named_and_not_harmless(found, change, difference):
    told = [(one.module, one.name, one.before, one.after) for one in found[change]]
    module, name, before, after = difference
    (match,) = {one for one in told if one[:3] == (module, name, before) and one[3].startswith(after)}
    assert match
    assert not all(one.harmless for one in found[change])


def test_what_did_not_come_back_in_time_is_not_known(found):
    assert found["hangs"] is None


def test_the_rung_clears_what_is_the_same_and_leaves_the_rest_to_the_tests(workspace, repair_in):
    unused = repair_in(workspace, "kit/core.py", "import json\n", "", pattern="unused")
    shared = repair_in(workspace, "kit/__init__.py", "from kit.core import Core\n", "", pattern="shared")
    inside = repair_in(workspace, "kit/core.py", "return os.sep", "return os.altsep", pattern="inside")
    bench = Bench(workspace, workspace.night.base, [unused, shared, inside])
    imports_rung(bench)
    assert {one.repair.pattern: one.evidence.imports_same for one in bench.judgements()} == {
        "unused": True,
        "shared": False,
        "inside": None,
    }
    assert bench.imports_same == {unused.id}
    assert {one.verdict for one in bench.judgements()} == {"kept"}
