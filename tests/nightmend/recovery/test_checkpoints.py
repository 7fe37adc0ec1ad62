import pytest

from nightmend.errors import UsageError
from nightmend.night import Night
from nightmend.recovery.checkpoints import Checkpoints, DatabaseState, SystemCheckpoint
from nightmend.recovery.states import AgentState
from nightmend.results import PhaseResult
from nightmend.snapshot import Snapshot

STATES = (AgentState(agent="code_quality", status="registered", since=1.5),)


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


def night(run="20261124-010203"):
    return Night(
        run=run, target="/srv/shop", home="/var/nightmend", python="/usr/bin/python3", profile="ratchet",
        base_commit="b" * 40, base=Snapshot(tree="d" * 40),
    )  # fmt: skip


def record(checkpoints, phase, run="20261124-010203", commit="c" * 40, timestamp=1.0):
    result = PhaseResult(phase=phase, snapshot=Snapshot(tree="a" * 40), commit=commit)
    checkpoints.put(
        SystemCheckpoint(
            name=f"{run}/{phase}", timestamp=timestamp, phase=phase, snapshot=result.snapshot,
            commit=result.commit, agent_states=STATES, configuration=night(run),
            result_key=f"nightmend-{phase}-key",
        )
    )  # fmt: skip


def test_a_checkpoint_holds_all_that_a_rollback_restores(checkpoints):
    record(checkpoints, "repairs")
    kept = checkpoints.get("20261124-010203/repairs")
    assert (kept.phase, kept.commit, kept.snapshot.tree) == ("repairs", "c" * 40, "a" * 40)
    assert kept.agent_states == STATES
    assert kept.configuration == night()
    assert kept.result_key == "nightmend-repairs-key"


def test_a_listing_tells_what_a_checkpoint_takes_with_its_copy_of_the_ledger(checkpoints):
    record(checkpoints, "repairs")
    [alone] = checkpoints.listing()
    [file] = checkpoints.folder.glob("*/*.json")
    assert alone.size == file.stat().st_size
    checkpoints.backups.mkdir()
    (checkpoints.backups / "f").write_bytes(b"x" * 1000)
    state = DatabaseState(checkpoints=(), digest="", ledger="f")
    checkpoints.put(alone.checkpoint.model_copy(update={"database_state": state}))
    [beside] = checkpoints.listing()
    assert beside.size == file.stat().st_size + 1000


def test_the_listing_is_in_the_order_of_time_not_of_names(checkpoints):
    for phase, moment in (("diagnostics", 30), ("repairs", 10), ("foundation", 20)):
        record(checkpoints, phase, timestamp=moment)
    assert [entry.checkpoint.phase for entry in checkpoints.listing()] == [
        "repairs",
        "foundation",
        "diagnostics",
    ]


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-20], lambda content: b"", lambda content: b"\xff\xfe"]
)
def test_a_corrupt_file_is_listed_as_such_behind_the_good_ones(checkpoints, damage):
    record(checkpoints, "foundation")
    record(checkpoints, "diagnostics")
    file = checkpoints.folder / "20261124-010203" / "foundation.json"
    file.write_bytes(damage(file.read_bytes()))
    listed = checkpoints.listing()
    assert [(entry.name, entry.state) for entry in listed] == [
        ("20261124-010203/diagnostics", "verified"),
        ("20261124-010203/foundation", "corrupt"),
    ]
    assert listed[1].checkpoint is None


def test_a_corrupt_checkpoint_is_no_place_to_go_back_to(checkpoints):
    record(checkpoints, "foundation")
    record(checkpoints, "diagnostics")
    (checkpoints.folder / "20261124-010203" / "foundation.json").write_bytes(b"{")
    with pytest.raises(
        ValueError, match=r"20261124-010203/foundation not found \(known: 20261124-010203/diagnostics\)"
    ):
        checkpoints.get("20261124-010203/foundation")


@pytest.mark.parametrize("name", ["nonsense", "", "../../etc/passwd", "20261124-010203/lunch"])
def test_an_unknown_name_is_a_value_error_as_the_specification_says(checkpoints, name):
    with pytest.raises(ValueError, match=r"not found \(known: none\)"):
        checkpoints.get(name)


def test_a_phase_that_was_rolled_back_is_forgotten(checkpoints):
    record(checkpoints, "foundation")
    record(checkpoints, "repairs")
    checkpoints.forget("20261124-010203/repairs")
    checkpoints.forget("20261124-010203/repairs")
    assert [entry.name for entry in checkpoints.listing()] == ["20261124-010203/foundation"]


def test_nights_do_not_overwrite_each_other(checkpoints):
    record(checkpoints, "repairs", run="20261124-010203", commit="1" * 40)
    record(checkpoints, "repairs", run="20261125-010203", commit="2" * 40)
    assert checkpoints.get("20261124-010203/repairs").commit == "1" * 40
    assert checkpoints.get("20261125-010203/repairs").commit == "2" * 40


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a/b/c", "a\0b", "one two"])
def test_what_is_no_file_name_is_no_name_of_a_checkpoint(checkpoints, name):
    record(checkpoints, "repairs")
    known = checkpoints.get("20261124-010203/repairs")
    with pytest.raises(UsageError, match="cannot be the name of a checkpoint"):
        checkpoints.put(known.model_copy(update={"name": name}))


def test_the_database_state_changes_with_every_record(checkpoints):
    states = [checkpoints.database_state()]
    record(checkpoints, "foundation")
    states.append(checkpoints.database_state())
    record(checkpoints, "foundation", commit="1" * 40)
    states.append(checkpoints.database_state())
    assert [state.checkpoints for state in states] == [(), *[("20261124-010203/foundation",)] * 2]
    assert len({state.digest for state in states}) == 3
