"""The tables of the ledger; a change here needs a revision in `migrations/versions`."""

from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What all tables share."""

    type_annotation_map = {dict[str, Any]: JSON, list[str]: JSON, list[list[str]]: JSON}  # noqa: RUF012 -- SQLAlchemy's


class RunRow(Base):
    """A night, as it ended."""

    __tablename__ = "run"

    name: Mapped[str] = mapped_column(primary_key=True)
    ended: Mapped[float]
    """Seconds since the epoch."""
    seconds: Mapped[float]
    status: Mapped[str]
    """PASSED or FAILED."""
    error: Mapped[str]
    base_commit: Mapped[str]
    result_commit: Mapped[str]
    branch: Mapped[str | None]
    unreached: Mapped[int] = mapped_column(server_default="0")
    """How many repairs its time budget left untried."""


class IssueRow(Base):
    """An issue of the target's HEAD over the nights."""

    __tablename__ = "issue"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    """open, resolved, or reopened: resolved once, and there again."""
    fault: Mapped[str]
    category: Mapped[str]
    severity: Mapped[str]
    agent: Mapped[str]
    path: Mapped[str]
    line: Mapped[int]
    tools: Mapped[list[str]]
    """Who saw it last: where none of them looked again, its absence says nothing."""
    first_seen: Mapped[str] = mapped_column(ForeignKey("run.name"))
    last_seen: Mapped[str] = mapped_column(ForeignKey("run.name"))
    resolved_in: Mapped[str | None] = mapped_column(ForeignKey("run.name"))
    """The first night that did not see it any more."""


class RepairRow(Base):
    """A repair as it was last judged; the same edits of the same file are the same repair in every night."""

    __tablename__ = "repair"

    id: Mapped[str] = mapped_column(primary_key=True)
    run: Mapped[str] = mapped_column(ForeignKey("run.name"), index=True)
    agent: Mapped[str]
    pattern: Mapped[str]
    safety: Mapped[str]
    verdict: Mapped[str]
    grade: Mapped[str | None]
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    path: Mapped[str]
    line: Mapped[int]
    keys: Mapped[list[str]]
    """By what it is known again, `drop_keys`."""
    commit: Mapped[str | None]
    """Its commit on the branch, where it is on one."""
    traces: Mapped[list[list[str]]]
    """By what its work is known in a file: path, lines before and lines after, bytes as Latin-1."""
    merged: Mapped[str | None]
    """The date on which a night saw that a person had merged it."""


class DecisionRow(Base):
    """What a person does not want again."""

    __tablename__ = "decision"

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """dropped or reverted."""
    date: Mapped[str]


class AgentStateRow(Base):
    """How an agent stood at the end of a night."""

    __tablename__ = "agent_state"

    run: Mapped[str] = mapped_column(ForeignKey("run.name"), primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    since: Mapped[float]
    """Seconds since the epoch."""
    detail: Mapped[str]
