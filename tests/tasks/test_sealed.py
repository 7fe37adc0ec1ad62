"""A kept result of which any byte was changed is none, and nothing else is asked of Prefect."""

import pytest

from nightmend.results import AgentResult
from tasks.sealed import SEALED

RESULT = AgentResult(agent="code_quality", seconds=1.5, started=0, pid=7, metrics={"kept": 3})


def test_a_result_comes_back_as_it_was():
    assert SEALED.loads(SEALED.dumps(RESULT)) == RESULT


def test_a_changed_byte_anywhere_is_found():
    blob = SEALED.dumps(RESULT)
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(ValueError, match="the digest of a kept result"):
            SEALED.loads(bytes(changed))


def test_what_was_cut_off_or_comes_from_elsewhere_is_found():
    blob = SEALED.dumps(RESULT)
    for other in (b"", blob[:-1], blob.partition(b" ")[2], b"{}"):
        with pytest.raises(ValueError, match="the digest of a kept result"):
            SEALED.loads(other)


def test_prefect_takes_a_changed_record_for_none(tmp_path):
    from prefect.filesystems import LocalFileSystem
    from prefect.results import ResultStore

    storage = LocalFileSystem(basepath=str(tmp_path))
    store = ResultStore(result_storage=storage, serializer=SEALED, metadata_storage=None)
    store.write(key="agent", obj=RESULT)
    other = ResultStore(result_storage=storage, metadata_storage=None)
    assert other.read("agent").result == RESULT
    record = tmp_path / "agent"
    record.write_text(record.read_text().replace("1.5", "2.5"))
    assert not other.exists("agent")
