"""Suites that hang, flood, write where they stand, or need what is not there: what runs, and what is said."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.proof.baseline import HANGING_TESTS, Baseline, establish_baseline
from nightmend.proof.suite import run_suite
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

GOOD = "def test_good():\n    assert True\n"
SLEEP = "import time\n    time.sleep(900)"
IN_C = "import threading\n    lock = threading.Lock()\n    lock.acquire()\n    lock.acquire()"
DEAF = "import signal\n    signal.alarm(0)\n    while True:\n        pass"
Begin = Callable[..., Baseline]


@pytest.fixture
def workspace_on(
    make_target: Callable[[Mapping[str, str]], Path], open_workspace: Callable[..., Workspace]
) -> Callable[..., Workspace]:
    def opened(files: Mapping[str, str], test_timeout: float = 300) -> Workspace:
        return open_workspace(make_target(files), test_timeout=test_timeout)

    return opened


@pytest.fixture
def begin(workspace_on: Callable[..., Workspace]) -> Begin:
    def established(files: Mapping[str, str], test_timeout: float = 300) -> Baseline:
        workspace = workspace_on(files, test_timeout)
        return establish_baseline(workspace, workspace.night.base)

    return established


@pytest.mark.parametrize("body", [SLEEP, IN_C, DEAF], ids=["sleep", "in C", "in a loop"])
def test_a_test_that_hangs_costs_only_itself(begin: Begin, body: str) -> None:
    hanging = (
        f"def test_first():\n    pass\n\n\ndef test_hangs():\n    {body}\n\n\ndef test_last():\n    pass\n"
    )
    baseline = begin({"test_a.py": hanging, "test_b.py": GOOD}, test_timeout=5)
    suite = baseline.suite
    assert (suite.usable, suite.left_out) == (True, ("test_a.py::test_hangs",))
    assert suite.outcomes == dict.fromkeys(
        ["test_a.py::test_first", "test_a.py::test_last", "test_b.py::test_good"], "passed"
    )
    assert suite.reason == "left out, since it hangs: test_a.py::test_hangs"
    assert suite.spectrum.reached["test_b.py"] == (1, 2)
    assert baseline.unsteady == ()


def test_a_file_that_hangs_while_it_is_collected_costs_only_itself(begin: Begin) -> None:
    files = {"test_a.py": "import time\n\ntime.sleep(900)\n", "test_b.py": GOOD}
    suite = begin(files, test_timeout=5).suite
    assert (suite.usable, suite.left_out) == (True, ("test_a.py",))
    assert suite.outcomes == {"test_b.py::test_good": "passed"}


def test_a_conftest_that_hangs_is_known_as_such(begin: Begin) -> None:
    settings = "[pytest]\naddopts = --strict-markers\n"
    hanging = {"conftest.py": "import time\n\ntime.sleep(900)\n", "pytest.ini": settings, "test_a.py": GOOD}
    suite = begin(hanging, test_timeout=5).suite
    assert (suite.usable, suite.limit) == (False, "test_timeout")
    assert suite.reason == "pytest did not start: the limit of test_timeout was reached"


def test_a_suite_in_which_too_much_hangs_is_not_used_and_says_so(begin: Begin) -> None:
    body = "".join(f"def test_{number}():\n    {SLEEP}\n\n\n" for number in range(HANGING_TESTS + 1))
    suite = begin({"test_a.py": body + GOOD}, test_timeout=5).suite
    assert not suite.usable
    assert suite.reason.startswith("test_a.py::test_0, test_a.py::test_1, ")
    assert suite.reason.endswith(" hang: the tests cannot be run to their end")


def test_a_thread_that_never_ends_keeps_nobody_waiting(
    workspace_on: Callable[..., Workspace],
) -> None:
    start = "import threading, time\n    threading.Thread(target=time.sleep, args=(900,)).start()"
    workspace = workspace_on({"test_a.py": f"def test_it():\n    {start}\n"}, 5)
    run = run_suite(workspace, workspace.night.base)
    assert (run.usable, run.outcomes) == (True, {"test_a.py::test_it": "passed"})
    assert run.seconds < 60
    assert (run.limit, run.reason) == ("", "")


def test_a_test_sees_no_thread_and_no_timer_of_ours(begin: Begin) -> None:
    source = (
        "import signal, threading\n\n\ndef test_it():\n"
        "    assert threading.enumerate() == [threading.main_thread()]\n"
        "    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)\n"
        "    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL\n"
    )
    assert begin({"test_a.py": source}).suite.outcomes == {"test_a.py::test_it": "passed"}


def test_a_slow_suite_of_quick_tests_does_not_hang(begin: Begin) -> None:
    slow = "".join(f"def test_{n}():\n    __import__('time').sleep(1.5)\n\n\n" for n in range(5))
    suite = begin({"test_a.py": slow}, test_timeout=5).suite
    assert (len(suite.outcomes), suite.left_out) == (5, ())


@pytest.mark.parametrize(
    "how", ["print('x' * 10**8)", "os.write(1, b'x' * 10**8)", "os.system('yes | head -c 100000000')"]
)
@pytest.mark.parametrize("capture", ["", "[pytest]\naddopts = -s\n"], ids=["captured", "not captured"])
def test_a_hundred_megabytes_of_output_are_dropped(begin: Begin, how: str, capture: str) -> None:
    source = f"import os\n\n\ndef test_it():\n    {how}\n\n\n{GOOD}"
    suite = begin({"test_a.py": source, "pytest.ini": capture or "[pytest]\n"}).suite
    assert (suite.usable, suite.reason) == (True, "")
    assert list(suite.outcomes.values()) == ["passed", "passed"]


@pytest.mark.parametrize(
    "body",
    [
        "open('new.txt', 'w').write('x')",
        "open('lib.py', 'w').write('x = 2')",
        "import shutil; shutil.rmtree('docs')",
        "import os; os.rename('lib.py', 'bil.py')",
        "import os; os.symlink('/etc', 'etc'); os.mkfifo('pipe')",
        "import os; os.chmod('lib.py', 0)",
        "import subprocess; subprocess.Popen(['sleep', '900'])",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import lib'], check=True)",
        "import subprocess; subprocess.run(['git', 'init', '.'], check=False)",
        "assert 'é東'.encode('ascii', 'ignore') == b''; open('é東', 'w').write('é東'); print('é東')",
        "import locale; assert locale.getpreferredencoding(False) == 'UTF-8'",
        "import locale; locale.setlocale(locale.LC_ALL, '')",
        "import subprocess; assert subprocess.check_output(['printf', 'é'], text=True) == 'é'",
    ],
)
def test_what_a_test_may_do_to_its_own_tree(begin: Begin, body: str) -> None:
    files = {"lib.py": "x = 1\n", "docs/a.txt": "a\n", "test_a.py": f"def test_it():\n    {body}\n\n\n{GOOD}"}
    baseline = begin(files)
    assert set(baseline.suite.outcomes.values()) == {"passed"}, baseline.suite.messages
    assert (baseline.suite.reason, baseline.unsteady) == ("", ())


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"lib.py": "x = 1\n"}, "the target has no tests that pytest finds"),
        ({"conftest.py": "import no_such_package\n", "test_a.py": GOOD}, "No module named 'no_such_package'"),
        (
            {"test_a.py": "import no_such_package\n"},
            "no test could be collected; test_a.py: .*no_such_package",
        ),
        ({"test_a.py": "def test(:\n"}, "no test could be collected; test_a.py: SyntaxError"),
        ({"pytest.ini": "nonsense\n", "test_a.py": GOOD}, "pytest did not start: .*pytest.ini"),
        ({"pyproject.toml": "[tool\n", "test_a.py": GOOD}, "pytest did not start: .*pyproject.toml"),
        ({"conftest.py": "import os\nos._exit(7)\n", "test_a.py": GOOD}, "pytest did not start: "),
        ({"conftest.py": "raise SystemExit\n", "test_a.py": GOOD}, "pytest did not start: "),
        (
            {"pytest.ini": "[pytest]\nrequired_plugins = no-such-plugin\n", "test_a.py": GOOD},
            "no-such-plugin",
        ),
    ],
)
def test_a_suite_that_cannot_run_says_why_in_a_sentence(
    begin: Begin, files: dict[str, str], says: str
) -> None:
    suite = begin(files).suite
    assert not suite.usable
    assert re.search(says, suite.reason), suite.reason
    assert "\n" not in suite.reason


def test_what_is_missing_costs_only_the_tests_that_need_it(begin: Begin) -> None:
    needs = "def test_it():\n    import no_such_package\n\n\ndef test_file():\n    open('generated.json')\n"
    locale = "import locale\n\n\ndef test_it():\n    locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')\n"
    files = {
        "test_a.py": needs,
        "test_b.py": GOOD,
        "test_c.py": "import no_such_package\n",
        "test_d.py": locale,
    }
    suite = begin(files).suite
    assert [name for name, outcome in suite.outcomes.items() if outcome == "passed"] == [
        "test_b.py::test_good"
    ]
    assert list(suite.collection_errors) == ["test_c.py"]
    assert "no_such_package" in suite.messages["test_a.py::test_it"]
    assert "generated.json" in suite.messages["test_a.py::test_file"]
    assert "unsupported locale" in suite.messages["test_d.py::test_it"]
