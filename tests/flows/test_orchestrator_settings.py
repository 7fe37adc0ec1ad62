"""Each of the orchestrator's five settings changes the night; all are set as people do, in their block."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nightmend.agents import PHASES
from nightmend.settings import OrchestratorSettings
from tests.flows.driving import MENDED, SHOP, TESTS, House, Outcome, branches, git, shop

pytestmark = pytest.mark.night

READS = '''

def read(path: str) -> str:
    """Return a text, nothing where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except IOError:
        return ""
'''
"""What the quality agent changes by a name: what leaves the instructions as they are needs no test."""
HANGS = """\
import time
from pathlib import Path

import shop


def test_hangs_once_somebody_touches_the_handler():
    assert shop.read("nowhere") == ""
    if "except IOError" not in Path(shop.__file__).read_text():
        time.sleep(600)
"""
SILENCE = 20
"""Seconds: longer than a busy machine keeps an agent that works from a sign of life."""
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


@dataclass
class Site:
    """An installation with a Prefect server of its own, on which blocks can be set."""

    house: House
    server: str

    def set(self, **settings: Any) -> None:
        """Set the orchestrator's block, and leave what is not named at its default."""
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from blocks.orchestrator import Orchestrator

        with temporary_settings({PREFECT_API_URL: self.server}):
            Orchestrator(**settings).save("nightmend", overwrite=True)

    def night(self, target: Path, **settings: Any) -> Outcome:
        """Run a night with these settings of the orchestrator."""
        self.set(**settings)
        return self.house.recover(target)

    def settings(self) -> OrchestratorSettings:
        """What the block says now."""
        from prefect.settings import PREFECT_API_URL, temporary_settings

        from blocks.load import configured

        with temporary_settings({PREFECT_API_URL: self.server}):
            return configured()["orchestrator"]

    def logged(self, since: float) -> list[tuple[int, str]]:
        """The level and text of what Prefect was told after a moment."""
        with sqlite3.connect(f"file:{self.house.home / 'prefect' / 'prefect.db'}?mode=ro", uri=True) as base:
            query = "SELECT level, message FROM log WHERE unixepoch(timestamp) >= ?"
            return list(base.execute(query, (int(since),)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from flows.environment import QUIET
    from flows.server import private_server

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        with private_server(home) as url:
            yield Site(House(home, url), url)


@pytest.fixture(scope="module")
def careful(site: Site) -> Outcome:
    """One agent at a time, looked after often, everything logged."""
    target = shop(site.house.home / "careful")
    return site.night(target, max_concurrent_agents=1, health_check_interval=1, log_level="DEBUG")


@pytest.fixture(scope="module")
def calm(site: Site, careful: Outcome) -> Outcome:
    """Two agents at once, hardly looked after, only errors logged."""
    target = shop(site.house.home / "calm")
    return site.night(target, max_concurrent_agents=2, health_check_interval=3600, log_level="ERROR")


def most_at_once(outcome: Outcome) -> int:
    """How many of the three repair agents worked at the same moment, at most."""
    spans = [
        (agent["started"], agent["started"] + agent["seconds"])
        for name, agent in outcome.agents.items()
        if name in PHASES["repairs"]
    ]
    assert len(spans) == 3
    return max(sum(begun <= start < ended for begun, ended in spans) for start, _ in spans)


def test_max_concurrent_agents_is_how_many_work_at_once(careful: Outcome, calm: Outcome) -> None:
    for outcome, most in ((careful, 1), (calm, 2)):
        assert outcome.code == 0, outcome.said
        assert outcome.statuses["repairs"] == "PASSED"
        assert most_at_once(outcome) == most
        assert len({outcome.agents[name]["pid"] for name in PHASES["repairs"]}) == most


def test_health_is_checked_at_the_interval_and_the_outcome_recorded(careful: Outcome, calm: Outcome) -> None:
    often, hardly = (outcome.known["monitoring"]["health"] for outcome in (careful, calm))
    assert (often["interval"], often["failed"], often["troubles"]) == (1, 0, [])
    assert often["checks"] >= 5
    assert hardly["checks"] == 0


def test_log_level_is_the_least_that_is_logged(site: Site, careful: Outcome, calm: Outcome) -> None:
    begun = {name: min(a["started"] for a in one.agents.values()) for name, one in
             (("careful", careful), ("calm", calm))}  # fmt: skip
    everything = site.logged(begun["careful"])
    assert (LEVELS["DEBUG"], "health check: every part answers") in everything
    assert {level for level, _ in site.logged(begun["calm"])} <= {LEVELS["ERROR"], 50}
    assert any(level == LEVELS["INFO"] for level, _ in everything)
    assert "foundation: master_orchestrator" in calm.said, "the terminal still tells how the night goes"


def test_what_was_measured_stands_in_the_report(careful: Outcome) -> None:
    targets = careful.known["monitoring"]["performance"]["targets"]
    assert {name: target["target"] for name, target in targets.items()} == {
        "response_time": 2.0,
        "memory_usage": 80,
        "cpu_usage": 70,
        "error_rate": 5,
    }
    assert all(target["samples"] and target["passed"] is not None for target in targets.values())
    assert targets["error_rate"]["current"] == 0
    commands = [agent["metrics"]["sandbox_commands"] for agent in careful.agents.values()]
    assert sum(commands) > 10


@pytest.fixture(scope="module")
def stuck(site: Site, calm: Outcome) -> tuple[Path, Outcome]:
    """A night in which the tests hang on what the quality agent changes, and only on that."""
    files = {"shop.py": SHOP + READS, "tests/test_shop.py": TESTS, "tests/test_touched.py": HANGS}
    target = shop(site.house.home / "stuck", files)
    return target, site.night(target, default_timeout=SILENCE)


def test_default_timeout_ends_an_agent_that_is_silent(stuck: tuple[Path, Outcome]) -> None:
    _, outcome = stuck
    assert outcome.code == 1, outcome.said
    assert outcome.statuses["quality"] == "ROLLED_BACK"
    sentence = outcome.known["error"]
    assert sentence.startswith("phase quality was rolled back: agent code_quality gave no sign of life")
    assert f"for {SILENCE} seconds after the start of a command in the sandbox `suite`" in sentence
    assert "documentation_update" not in sentence, "it was not silent"
    assert outcome.done.stderr.count("\n") == 1


def test_nothing_of_a_silent_agent_is_left(site: Site, stuck: tuple[Path, Outcome]) -> None:
    assert [line for line in site.house.processes() if "pytest" in line or "bwrap" in line] == []


def test_what_was_achieved_before_an_agent_was_silent_is_published(stuck: tuple[Path, Outcome]) -> None:
    target, outcome = stuck
    assert branches(target) == [outcome.known["branch"]]
    assert {repair["pattern"] for repair in outcome.kept} == {"raise-without-cause"}
    assert MENDED in git(target, "show", f"{outcome.known['branch']}:shop.py")


def test_no_agent_that_worked_was_ended(stuck: tuple[Path, Outcome]) -> None:
    _, outcome = stuck
    for phase in ("foundation", "diagnostics", "repairs", "optimization"):
        assert outcome.statuses[phase] == "PASSED"


def test_a_silent_agent_in_a_process_of_its_own_is_ended_too(site: Site) -> None:
    """The tests hang on what the first of three agents at once changes; the others are not blamed."""
    hangs = HANGS.replace('if "except IOError" not in', 'if "from error" in').replace(
        'assert shop.read("nowhere") == ""', 'assert shop.price({"tea": 3}, "tea") == 3'
    )
    assert "from error" in hangs
    files = {"shop.py": SHOP, "tests/test_shop.py": TESTS, "tests/test_touched.py": hangs}
    target = shop(site.house.home / "stuck-at-once", files)
    outcome = site.night(target, default_timeout=SILENCE)
    assert outcome.code == 1, outcome.said
    assert outcome.statuses["repairs"] == "ROLLED_BACK"
    assert (
        f"agent agent_framework_repair gave no sign of life for {SILENCE} seconds" in outcome.known["error"]
    )
    assert "model_system_repair" not in outcome.known["error"]
    assert branches(target) == []
    assert [line for line in site.house.processes() if "pytest" in line or "bwrap" in line] == []


def test_a_rollback_brings_back_the_settings_of_that_night(site: Site, calm: Outcome) -> None:
    site.set(max_concurrent_agents=7)
    done = site.house.run("rollback", site.house.home / "calm", f"{calm.known['run']}/repairs")
    assert done.code == 0, done.said
    now = site.settings()
    assert (now.max_concurrent_agents, now.health_check_interval, now.log_level) == (2, 3600, "ERROR")
