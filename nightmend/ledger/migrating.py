"""Bring a ledger to the revision that this nightmend knows, in one transaction, or leave it as it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from nightmend.errors import PrerequisiteError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, place: str, revision: str = "head") -> None:
    """Migrate a ledger up to a revision; PrerequisiteError where a newer nightmend wrote it."""
    known = ScriptDirectory(str(MIGRATIONS))
    newest = known.get_current_head()
    stands = MigrationContext.configure(connection).get_current_revision()
    if stands == newest:
        return
    if stands is not None and stands not in {one.revision for one in known.walk_revisions()}:
        raise PrerequisiteError(
            f"{place} is of revision {stands} and this nightmend knows them up to {newest}: a newer one wrote"
            " it and nothing was changed; install that one, or set NIGHTMEND_HOME to another folder"
        )
    command.upgrade(configuration(connection), revision)


def configuration(connection: Connection) -> Config:
    """Return how Alembic finds our migrations, for a connection that is in a transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
