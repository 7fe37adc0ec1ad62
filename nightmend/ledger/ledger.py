"""The ledger of a target: its runs, issues and repairs over the nights, and what people decided of them."""

import contextlib
import hashlib
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.errors import NightmendError, PrerequisiteError
from nightmend.files import write_atomically
from nightmend.ledger.engine import BUSY_MILLISECONDS, open_engine
from nightmend.ledger.entries import KnownIssue, NightEntry, RepairEntry, ShippedRepair, Trace
from nightmend.ledger.migrating import migrate
from nightmend.ledger.models import AgentStateRow, DecisionRow, IssueRow, RepairRow, RunRow

FILE = "ledger.db"
SIDES = ("", "-wal", "-shm")
"""What SQLite keeps beside a database belongs to it."""
Decision = Literal["dropped", "reverted"]
SAID: dict[str, str] = {"dropped": "dropped it on", "reverted": "reverted it by"}


class Ledger:
    """The ledger in the folder of a target. Only who holds the target's lock writes to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._engine = open_engine(f"sqlite:///{self.path}")

    @classmethod
    def open(cls, folder: Path, tell: Callable[[str], None] = lambda _: None) -> "Ledger":
        """Open a ledger, a new one where there is none; an older one is migrated.

        One that cannot be read is set aside, and `tell` hears its new name. PrerequisiteError where a newer
        nightmend wrote it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        ledger = cls(folder)
        try:
            ledger._migrate()
        except (sqlite3.DatabaseError, DBAPIError) as error:
            if not _corrupt(error):
                raise ledger._unusable(error) from error
            tell(ledger._set_aside(_why(error)))
            ledger._migrate()
        return ledger

    def remember(self, entry: NightEntry) -> None:
        """Write down a night that has ended, in one transaction."""
        with self._session() as session:
            session.merge(_run_row(entry))
            session.flush()
            if entry.diagnosis is not None:
                _see(session, entry.run, entry.diagnosis)
            for repair in entry.repairs:
                known = session.get(RepairRow, repair.judgement.repair.id)
                session.merge(_repair_row(entry.run, repair, known.merged if known else None))
            for state in entry.states:
                session.merge(AgentStateRow(run=entry.run, **state.model_dump()))

    def decide(self, kind: Decision, keys: Iterable[str], date: str) -> None:
        """Note that a person does not want these repairs, known by their keys, again."""
        with self._session() as session:
            for key in keys:
                session.merge(DecisionRow(key=key, kind=kind, date=date))

    def refused(self) -> dict[str, str]:
        """Return the keys of what a person does not want again, each with what they did, and when."""
        with self._session() as session:
            rows = session.scalars(select(DecisionRow).order_by(DecisionRow.key))
            return {row.key: f"{SAID[row.kind]} {row.date}" for row in rows}

    def unreached(self) -> frozenset[str]:
        """Return the keys of the repairs that no night had time for since one proposed them."""
        query = select(RepairRow.verdict, RepairRow.keys).join(RunRow, RepairRow.run == RunRow.name)
        waiting: set[str] = set()
        with self._session() as session:
            for verdict, keys in session.execute(query.order_by(RunRow.ended)):
                waiting = waiting | set(keys) if verdict == "unreached" else waiting - set(keys)
        return frozenset(waiting)

    def shipped(self) -> tuple[ShippedRepair, ...]:
        """Return the repairs that nights have put on branches."""
        query = select(RepairRow, RunRow).join(RunRow, RepairRow.run == RunRow.name)
        with self._session() as session:
            rows = session.execute(query.where(RepairRow.commit.is_not(None)).order_by(RepairRow.id))
            return tuple(_shipped(repair, run) for repair, run in rows)

    def merged(self, ids: Iterable[str], date: str) -> None:
        """Note that a person has merged these repairs, where that was not known."""
        with self._session() as session:
            for name in ids:
                row = session.get_one(RepairRow, name)
                row.merged = row.merged or date

    def issues(self) -> tuple[KnownIssue, ...]:
        """Return every issue that a night ever saw."""
        with self._session() as session:
            rows = session.scalars(select(IssueRow).order_by(IssueRow.path, IssueRow.line))
            return tuple(
                KnownIssue(**{name: getattr(row, name) for name in KnownIssue.model_fields}) for row in rows
            )

    def runs(self) -> tuple[str, ...]:
        """Return the names of the nights, in their order."""
        with self._session() as session:
            return tuple(session.scalars(select(RunRow.name).order_by(RunRow.ended, RunRow.name)))

    def backup(self, folder: Path) -> str:
        """Copy the ledger into a folder; returns the name of the copy, the SHA-256 of its bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            copy = Path(scratch) / FILE
            with self._connected(self.path) as ledger, self._connected(copy) as other:
                ledger.backup(other)
                other.execute("PRAGMA journal_mode = DELETE")  # one file by itself
            content = copy.read_bytes()
        name = hashlib.sha256(content).hexdigest()
        if not (folder / name).exists() or (folder / name).read_bytes() != content:
            write_atomically(folder / name, content)
        return name

    def restore(self, folder: Path, name: str) -> None:
        """Make the ledger what a copy holds, in one transaction; NightmendError where that is not whole."""
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise NightmendError(f"the ledger's backup {folder / name} is gone: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != name:
            raise NightmendError(f"the ledger's backup {folder / name} is damaged")
        with self._connected(folder / name) as copy, self._connected(self.path) as ledger:
            copy.backup(ledger)
            ledger.execute("PRAGMA journal_mode = WAL")

    @contextlib.contextmanager
    def _connected(self, place: Path) -> Iterator[sqlite3.Connection]:
        """Give SQLite's own connection, for what SQLAlchemy does not have."""
        try:
            with contextlib.closing(sqlite3.connect(place, timeout=BUSY_MILLISECONDS / 1000)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    @contextlib.contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(self._engine) as session, session.begin():
                yield session
        except DBAPIError as error:
            raise self._unusable(error) from error

    def _migrate(self) -> None:
        self.path.touch(mode=0o600)  # it holds lines of the target
        with self._engine.begin() as connection:
            if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
                raise sqlite3.DatabaseError("its pages contradict each other")
            migrate(connection, f"the ledger {self.path}")

    def _unusable(self, error: Exception) -> PrerequisiteError:
        sentence = (
            f"the ledger {self.path} cannot be used ({_why(error)}): see that its folder can be written"
        )
        return PrerequisiteError(f"{sentence} and has room, and start again")

    def _set_aside(self, why: str) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        aside = self.path.with_name(f"{FILE}.corrupt-{stamp}")
        for side in SIDES:
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(FILE + side).rename(aside.with_name(aside.name + side))
        return f"the ledger {self.path} cannot be read ({why}): it is {aside.name} now, and a new one begins"


def _corrupt(error: Exception) -> bool:
    """Tell a damaged file from one that is locked, may not be read, or has no room."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, sqlite3.DatabaseError) and not isinstance(cause, sqlite3.OperationalError)


def _why(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _run_row(entry: NightEntry) -> RunRow:
    fields = entry.model_dump(exclude={"run", "diagnosis", "repairs", "states"})
    unreached = sum(one.judgement.verdict == "unreached" for one in entry.repairs)
    status = "FAILED" if entry.error else "PASSED"
    return RunRow(name=entry.run, status=status, unreached=unreached, **fields)


def _see(session: Session, run: str, diagnosis: Diagnosis) -> None:
    """Bring the issues up to what a night saw; what no tool looked for again stays as it was."""
    known = {row.fingerprint: row for row in session.scalars(select(IssueRow))}
    for issue in diagnosis.issues:
        row = known.pop(issue.fingerprint, None)
        if row is None:
            row = IssueRow(fingerprint=issue.fingerprint, status="open", first_seen=run)
            session.add(row)
        elif row.status == "resolved":
            row.status, row.resolved_in = "reopened", None
        row.fault, row.category, row.severity, row.agent = (
            issue.fault, issue.category, issue.severity, issue.agent,
        )  # fmt: skip
        row.path, row.line, row.last_seen = issue.path, issue.line, run
        row.tools = sorted({rule.partition(":")[0] for rule in issue.rules})
    looked = diagnosis.tool_seconds.keys() - diagnosis.tool_failures.keys()
    for row in known.values():
        if row.status != "resolved" and looked & set(row.tools):
            row.status, row.resolved_in = "resolved", run


def _repair_row(run: str, entry: RepairEntry, merged: str | None) -> RepairRow:
    judgement = entry.judgement
    repair = judgement.repair
    return RepairRow(
        id=repair.id,
        run=run,
        agent=repair.agent,
        pattern=repair.pattern,
        safety=repair.safety,
        verdict=judgement.verdict,
        grade=judgement.grade,
        reason=judgement.reason,
        evidence=judgement.evidence.model_dump(mode="json"),
        path=repair.paths[0],
        line=repair.line,
        keys=list(entry.keys),
        commit=entry.commit,
        traces=[[trace.path, trace.before, trace.after] for trace in entry.traces],
        merged=merged,
    )


def _shipped(repair: RepairRow, run: RunRow) -> ShippedRepair:
    return ShippedRepair(
        id=repair.id,
        run=run.name,
        base=run.base_commit,
        tip=run.result_commit,
        commit=repair.commit or "",
        keys=tuple(repair.keys),
        traces=tuple(Trace(path=path, before=old, after=new) for path, old, new in repair.traces),
        merged=repair.merged is not None,
    )
