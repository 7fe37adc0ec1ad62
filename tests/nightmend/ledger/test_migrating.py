"""An older ledger is migrated, a newer one is refused by name; neither loses anything."""

import sqlite3

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from nightmend.errors import PrerequisiteError
from nightmend.ledger.engine import open_engine
from nightmend.ledger.ledger import Ledger
from nightmend.ledger.migrating import MIGRATIONS, configuration
from nightmend.ledger.models import Base


def test_the_migrations_make_the_tables_of_the_models(tmp_path):
    ledger = Ledger.open(tmp_path)
    with open_engine(f"sqlite:///{ledger.path}").begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_every_revision_can_be_taken_back_and_done_again(tmp_path):
    ledger = Ledger.open(tmp_path)
    engine = open_engine(f"sqlite:///{ledger.path}")
    for _ in ScriptDirectory(str(MIGRATIONS)).walk_revisions():
        with engine.begin() as connection:
            command.downgrade(configuration(connection), "-1")
    with sqlite3.connect(ledger.path) as database:
        left = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert left == {"alembic_version"}
    assert Ledger.open(tmp_path).runs() == ()


def test_an_older_one_is_migrated_and_loses_nothing(tmp_path):
    ledger = Ledger.open(tmp_path)
    ledger.decide("dropped", ["k"], "2026-11-26")
    with open_engine(f"sqlite:///{ledger.path}").begin() as connection:
        command.downgrade(configuration(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO run VALUES ('1', 1.0, 2.0, 'PASSED', '', 'base', 'tip', 'nightmend/1')"
        )
    ledger = Ledger.open(tmp_path)
    assert (ledger.runs(), ledger.refused().keys()) == (("1",), {"k"})
    with sqlite3.connect(ledger.path) as database:
        assert list(database.execute("SELECT unreached FROM run")) == [(0,)]


def test_a_migration_that_fails_leaves_it_as_it_was(tmp_path):
    ledger = Ledger.open(tmp_path)
    with open_engine(f"sqlite:///{ledger.path}").begin() as connection:
        command.downgrade(configuration(connection), "0001")
        connection.exec_driver_sql("ALTER TABLE run ADD COLUMN unreached INTEGER")
    with pytest.raises(PrerequisiteError, match="duplicate column name"):
        Ledger.open(tmp_path)
    with sqlite3.connect(ledger.path) as database:
        assert list(database.execute("SELECT version_num FROM alembic_version")) == [("0001",)]


def test_a_newer_one_is_refused_by_name_and_nothing_changes(tmp_path):
    ledger = Ledger.open(tmp_path)
    with sqlite3.connect(ledger.path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("CREATE TABLE later (x)")
    database.close()
    before = ledger.path.read_bytes()
    with pytest.raises(
        PrerequisiteError, match=r"is of revision 9999 and .* knows them up to \d{4}: a newer"
    ) as refused:
        Ledger.open(tmp_path)
    assert refused.value.exit_code == 3
    assert str(ledger.path) in str(refused.value)
    assert ledger.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]
