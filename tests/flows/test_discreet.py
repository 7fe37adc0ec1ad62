"""A night whose Prefect server may hear no text of the target, and what that server then knows."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.flows.driving import ROOT, SHOP, TESTS, House, shop

pytestmark = pytest.mark.night

TEXT = "l4vender"
"""Stands in a name, a string, a test and what a test prints; not in the name of a file or folder."""
FILES = {
    "shop.py": SHOP.replace("no price for", f"no {TEXT} price for") + f"\n\n{TEXT} = '{TEXT}'\n",
    "tests/test_shop.py": TESTS + f"\n\ndef test_{TEXT}():\n    print('{TEXT}')\n    assert greeting()\n",
}
SABOTEUR = f"""
from nightmend.repairs.repairing import RepairAgent

sound = RepairAgent._work

def broken(self, start):
    if self.name == "code_quality":
        raise ValueError("the text of the target: {TEXT}")
    return sound(self, start)

RepairAgent._work = broken
"""
NEVER = """
from blocks.orchestrator import Orchestrator
Orchestrator(share="never").save("nightmend", overwrite=True)
"""


def asked(server: str) -> str:
    """Return everything that the server knows of runs, logs and artifacts."""
    answers = []
    for what in ("flow_runs", "task_runs", "logs", "artifacts"):
        request = urllib.request.Request(
            f"{server}/{what}/filter",
            data=json.dumps({"limit": 200}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            answers.append(answer.read().decode())
    return "\n".join(answers)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory):
    """A server of its own that is told to be a stranger, and a night on it that fails in its last phase."""
    from flows.server import private_server

    folder = tmp_path_factory.mktemp("story")
    with private_server(folder / "server") as url:
        house = House(folder / "home", url)
        command = [sys.executable, "-c", NEVER]
        subprocess.run(command, cwd=ROOT, env=house.environment, check=True, capture_output=True)
        outcome = house.recover(shop(folder / "shop", FILES), saboteur=SABOTEUR)
        yield outcome, asked(url), folder


def test_the_server_hears_no_text_of_the_target(story):
    outcome, heard, _ = story
    assert outcome.code == 1, outcome.said
    assert "raise without cause" in heard, "names of patterns are heard"
    assert "nightmend-gates" in heard
    assert TEXT not in heard
    assert "what went wrong is told in the report" in heard


def test_the_report_holds_all_of_it(story):
    outcome, _, _ = story
    assert f"ValueError: the text of the target: {TEXT}" in outcome.known["error"]
    page = (outcome.folder / "report.html").read_text()
    assert f"no {TEXT} price for" in page


def test_what_is_kept_for_the_next_night_has_none_of_it_either(story):
    _, _, folder = story
    kept = [path for path in (folder / "home" / "results").rglob("*") if path.is_file()]
    assert kept
    assert [path.name for path in kept if TEXT in Path(path).read_text(errors="replace")] == []
