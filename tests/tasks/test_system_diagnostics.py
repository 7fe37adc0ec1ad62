"""What the diagnostics agent says of a small target beside its issues."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from flows.cli import cli
from nightmend.nights import open_night
from tasks.system_diagnostics import SystemDiagnosticsAgent, vulnerable_dependencies

pytestmark = pytest.mark.integration

FILES = {
    "pkg/__init__.py": "",
    "pkg/a.py": "from pkg import b\n\n\ndef count(n):\n    return sum(i % 7 for i in range(n))\n",
    "pkg/b.py": "import pkg.a\n",
    "test_a.py": "from pkg.a import count\n\n\ndef test_count():\n    assert count(100000)\n",
    "requirements.txt": "left-pad==1.5\n",
}
ADVISORY = {
    "id": "GHSA-1",
    "modified": "2026-03-04T00:00:00Z",
    "affected": [{"package": {"ecosystem": "PyPI", "name": "left-pad"}, "versions": ["1.5"]}],
}


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diagnostics")
    target = folder / "target"
    for path, content in FILES.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_text(content)
    who = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", target, *words], check=True)
    return SystemDiagnosticsAgent(open_night(target, home=folder / "home"))


def test_dependencies_between_modules_are_mapped(agent):
    graph = agent.map_dependencies()
    assert graph.cycles == (("pkg.a", "pkg.b"),)
    assert graph.metrics["import_cycles"] == 1


def test_the_slowest_tests_are_profiled(agent):
    profile = agent.profile_performance()
    assert profile.functions[0].name == "count"
    assert profile.metrics["peak_memory_mib"] > 10


def test_the_machine_is_looked_at(agent):
    machine = agent.examine_machine()
    assert machine.cores >= 1
    assert 0 < machine.memory_available <= machine.memory_total
    assert machine.disk_free > 0


def test_known_vulnerabilities_are_a_number_only_where_a_database_is(agent, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTMEND_ADVISORIES", str(tmp_path / "advisories"))
    monkeypatch.setattr(agent, "_diagnosis", None)
    assert vulnerable_dependencies(agent.diagnosis) is None
    monkeypatch.setattr(agent, "_diagnosis", None)
    (tmp_path / "advisories").mkdir()
    (tmp_path / "advisories" / "GHSA-1.json").write_text(json.dumps(ADVISORY))
    assert vulnerable_dependencies(agent.diagnosis) == 1


def test_an_update_that_fails_says_so_and_what_it_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTMEND_ADVISORIES", str(tmp_path / "advisories"))
    outcome = CliRunner().invoke(cli, ["advisories", "update", "--source", str(tmp_path / "none.zip")])
    assert str(outcome.exception).endswith("copy the file here and name it by --source")
    assert not (tmp_path / "advisories").exists()
