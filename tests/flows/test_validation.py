"""`nightmend validate` as a person runs it."""

from pathlib import Path

import pytest

from tests.flows.driving import House, git, shop, untouched

pytestmark = pytest.mark.night


def test_a_sound_target_is_valid_and_what_is_left_for_a_person_is_said(
    tmp_path: Path, prefect_server: str
) -> None:
    house, target = House(tmp_path / "home", prefect_server), shop(tmp_path / "shop")
    before = untouched(target)
    outcome = house.run("validate", target)
    assert outcome.code == 0, outcome.said
    lines = [line.split(": ")[0].split(maxsplit=1) for line in outcome.done.stdout.splitlines()]
    statuses = {line.split(":")[0][13:]: line[:12].strip() for line in outcome.done.stdout.splitlines()}
    assert len(lines) == 9 + 3, "four parts, one of them in four metrics, and five entries"
    assert statuses["functionality"] == statuses["security"] == statuses["system health"] == "passed"
    assert statuses["error handling"] == statuses["backup recovery"] == "passed"
    assert statuses["user workflows"] == "for a person"
    assert "performance" in statuses
    assert untouched(target) == before


def test_what_is_not_valid_is_said_in_one_sentence(tmp_path: Path, prefect_server: str) -> None:
    house, target = House(tmp_path / "home", prefect_server), shop(tmp_path / "shop")
    text = (target / "shop.py").read_text()
    (target / "shop.py").write_text(text.replace("come in", "go away") + "\n\neval(input())\n")
    (target / "run.py").write_text("import subprocess\n\nsubprocess.call(input(), shell=True)\n")
    git(target, "add", "-A")
    git(target, "commit", "-q", "-m", "worse")
    outcome = house.run("validate", target)
    assert outcome.code == 1
    sentence = outcome.done.stderr.strip()
    assert "\n" not in sentence
    assert sentence.startswith(f"nightmend: {target} is not valid: functionality: ")
    assert "security: 1 issues of high severity, bandit:B602 in run.py:3" in sentence
