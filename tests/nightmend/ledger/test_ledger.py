"""What the ledger remembers over the nights, and what it survives."""

import sqlite3
import subprocess
import sys
import threading

import pytest
from alembic import command

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.errors import NightmendError, PrerequisiteError
from nightmend.evidence import Evidence
from nightmend.issue import Issue
from nightmend.ledger.entries import NightEntry, RepairEntry
from nightmend.ledger.ledger import FILE, Ledger
from nightmend.ledger.migrating import configuration
from nightmend.recovery.states import AgentState
from tests.nightmend.ledger.conftest import judged

OPEN = """
import pathlib, sys
from nightmend.ledger.ledger import Ledger
Ledger.open(pathlib.Path(sys.argv[1]))
"""


def issue(name, *, tools=("ruff",), line=1):
    return Issue(
        fingerprint=name, fault=f"fault-{name}", category="quality", severity="low", agent="code_quality",
        path="a.py", line=line, column=1, end_line=line, message=name,
        rules=tuple(f"{tool}:X" for tool in tools), actionable=True,
    )  # fmt: skip


def diagnosis(*issues, looked=("ruff", "mypy"), failed=()):
    return Diagnosis(
        issues=issues, analysed_lines=1, total_lines=1,
        tool_failures=dict.fromkeys(failed, "crashed"), tool_seconds=dict.fromkeys(looked, 1.0),
    )  # fmt: skip


def night(run, found=None, repairs=(), error=""):
    state = AgentState(agent="code_quality", status="registered", since=1.0)
    return NightEntry(
        run=run, ended=float(run), seconds=2.0, error=error, base_commit="base", result_commit="tip",
        branch=f"nightmend/{run}", diagnosis=found, repairs=repairs, states=(state,),
    )  # fmt: skip


@pytest.fixture
def ledger(tmp_path):
    return Ledger.open(tmp_path)


def standing(ledger):
    return {
        one.fingerprint: (one.status, one.first_seen, one.last_seen, one.resolved_in)
        for one in ledger.issues()
    }


def test_issues_are_followed_over_the_nights(ledger):
    ledger.remember(night("1", diagnosis(issue("a"), issue("b"))))
    ledger.remember(night("2", diagnosis(issue("a", line=9), issue("c"))))
    assert standing(ledger) == {
        "a": ("open", "1", "2", None), "b": ("resolved", "1", "1", "2"), "c": ("open", "2", "2", None)
    }  # fmt: skip
    ledger.remember(night("3", diagnosis(issue("b"))))
    assert standing(ledger) == {
        "a": ("resolved", "1", "2", "3"), "b": ("reopened", "1", "3", None), "c": ("resolved", "2", "2", "3")
    }  # fmt: skip


def test_what_no_tool_looked_for_again_is_not_resolved(ledger):
    ledger.remember(night("1", diagnosis(issue("a", tools=("mypy",)), issue("b", tools=("mypy", "ruff")))))
    ledger.remember(night("2", diagnosis(failed=("mypy",))))
    assert {name: one[0] for name, one in standing(ledger).items()} == {"a": "open", "b": "resolved"}


def test_a_night_that_found_nothing_out_leaves_the_issues_as_they_were(ledger):
    ledger.remember(night("1", diagnosis(issue("a"))))
    ledger.remember(night("2", None, error="the tests could not start"))
    assert standing(ledger) == {"a": ("open", "1", "1", None)}
    assert ledger.runs() == ("1", "2")


def test_a_repair_is_one_over_the_nights_and_its_merge_is_not_forgotten(ledger, story):
    repair = story.repairs["put-in"]
    kept = RepairEntry(judgement=judged(repair), keys=("k",), commit="c")
    ledger.remember(night("1", repairs=(kept,)))
    ledger.merged([repair.id], "2026-11-27")
    refused = judged(repair, "refused").model_copy(update={"evidence": Evidence(new_issues=("x",))})
    ledger.remember(night("2", repairs=(kept.model_copy(update={"judgement": refused}),)))
    (known,) = ledger.shipped()
    assert (known.run, known.merged, known.keys) == ("2", True, ("k",))
    with sqlite3.connect(ledger.path) as database:
        row = database.execute("SELECT verdict, grade, json_extract(evidence, '$.new_issues[0]') FROM repair")
        assert list(row) == [("refused", "C", "x")]
        assert list(database.execute("SELECT count(*) FROM agent_state")) == [(2,)]


def test_a_night_is_written_whole_or_not_at_all(ledger, story):
    entry = RepairEntry(judgement=judged(story.repairs["put-in"]), keys=())
    torn = entry.model_copy(update={"keys": (object(),)})
    with pytest.raises(Exception, match="not JSON serializable"):
        ledger.remember(night("1", diagnosis(issue("a")), repairs=(entry, torn)))
    assert (ledger.runs(), ledger.issues()) == ((), ())


def test_decisions_say_what_was_done_and_when(ledger):
    ledger.decide("dropped", ["p i"], "2026-11-26")
    ledger.decide("reverted", ["q i"], "2026-11-27")
    assert ledger.refused() == {"p i": "dropped it on 2026-11-26", "q i": "reverted it by 2026-11-27"}


def test_it_is_durable_in_one_file_that_only_its_owner_reads(ledger, tmp_path):
    ledger.remember(night("1"))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert ledger.path.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(ledger.path) as database:
        assert list(database.execute("PRAGMA journal_mode")) == [("wal",)]


def test_several_that_open_a_new_one_at_once_make_one(tmp_path):
    running = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [(one.communicate()[1], one.returncode) for one in running] == [(b"", 0)] * 3
    assert Ledger.open(tmp_path).runs() == ()


def test_a_writer_waits_for_another(ledger):
    other = sqlite3.connect(ledger.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: other.execute("COMMIT")).start()
    ledger.decide("dropped", ["k"], "2026-11-27")
    assert ledger.refused().keys() == {"k"}
    other.close()


@pytest.mark.parametrize("damage", ["rubbish", "its last page"])
def test_a_corrupt_one_is_set_aside_by_name_and_a_new_one_begins(tmp_path, ledger, damage):
    ledger.remember(night("1", diagnosis(*(issue(f"i{number}") for number in range(200)))))
    content = bytearray(ledger.path.read_bytes())
    content[0 if damage == "rubbish" else -4096 :] = b"\xff" * 4096
    ledger.path.write_bytes(content)
    said = []
    fresh = Ledger.open(tmp_path, said.append)
    assert fresh.runs() == ()
    (aside,) = [path for path in tmp_path.iterdir() if path.name != FILE]
    assert aside.read_bytes() == content
    assert len(said) == 1
    assert f"it is {aside.name} now, and a new one begins" in said[0]
    assert Ledger.open(tmp_path, said.append).runs() == ()
    assert len(said) == 1


def test_a_backup_brings_back_exactly_what_was(ledger, tmp_path):
    ledger.remember(night("1", diagnosis(issue("a"))))
    ledger.decide("dropped", ["k"], "2026-11-26")
    before = standing(ledger), ledger.refused(), ledger.runs()
    folder = tmp_path / "backups"
    name = ledger.backup(folder)
    assert ledger.backup(folder) == name, "what did not change needs no room"
    assert [path.name for path in folder.iterdir()] == [name]
    with sqlite3.connect(folder / name) as database:
        assert list(database.execute("SELECT name FROM run")) == [("1",)]

    ledger.remember(night("2", diagnosis(*(issue(f"i{number}") for number in range(500)))))
    ledger.decide("reverted", ["l"], "2026-11-27")
    later = ledger.backup(folder)
    ledger.restore(folder, name)
    assert (standing(ledger), ledger.refused(), ledger.runs()) == before
    ledger.remember(night("3"))
    ledger.restore(folder, later)
    assert (ledger.runs(), len(ledger.issues())) == (("1", "2"), 501)


def test_a_backup_is_of_one_moment_though_another_process_writes(ledger, tmp_path):
    ledger.remember(night("1"))
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM agent_state")
    name = ledger.backup(tmp_path / "backups")
    other.execute("COMMIT")
    other.close()
    with sqlite3.connect(tmp_path / "backups" / name) as database:
        assert list(database.execute("SELECT count(*) FROM agent_state")) == [(1,)]


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_a_backup_that_is_not_whole_changes_nothing(ledger, tmp_path, damage):
    ledger.remember(night("1"))
    backup = tmp_path / "backups" / ledger.backup(tmp_path / "backups")
    ledger.remember(night("2"))
    backup.unlink() if damage == "gone" else backup.write_bytes(backup.read_bytes()[:-1])
    with pytest.raises(NightmendError, match=f"the ledger's backup .* is {damage}"):
        ledger.restore(backup.parent, backup.name)
    assert ledger.runs() == ("1", "2")


def test_a_backup_of_an_older_revision_is_migrated_when_it_is_opened(ledger, tmp_path):
    with ledger._engine.begin() as connection:
        command.downgrade(configuration(connection), "base")
    name = ledger.backup(tmp_path / "backups")
    Ledger.open(tmp_path).remember(night("1"))
    ledger.restore(tmp_path / "backups", name)
    assert Ledger.open(tmp_path).runs() == ()


def test_one_that_cannot_be_opened_is_a_sentence_and_stays(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(PrerequisiteError, match="cannot be used"):
        Ledger.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
