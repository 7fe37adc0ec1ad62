"""How the ledger's database is opened: durable, one writer at a time, whole transactions."""

from sqlite3 import Connection as SQLiteConnection
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

BUSY_MILLISECONDS = 30_000
"""How long one process waits for another's transaction."""


def open_engine(url: str) -> Engine:
    """Return an engine that keeps no connection open between two transactions; its errors show no values."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connected)
        event.listen(engine, "begin", _begun)
    return engine


def _connected(connection: SQLiteConnection, _: Any) -> None:
    connection.isolation_level = None  # else the driver begins transactions of its own, without DDL
    for pragma in (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begun(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
