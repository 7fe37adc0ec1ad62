"""Tells people. Messages go to an outbox folder; the mail gateway collects them from there."""

import asyncio
import json
import logging
import time
from pathlib import Path

from agents.core.base_agent import BaseAgent
from agents.core.errors import TaskFailed
from agents.core.messages import Task

logger = logging.getLogger(__name__)


class Outbox:
    """A folder of JSON messages, numbered in the order of sending."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def put(self, to: str, subject: str, body: str = "") -> Path:
        """Write a message and return its file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = len(list(self.folder.glob("*.json"))) + 1
        path = self.folder / f"{number:05}.json"
        with open(path, "w") as handle:
            json.dump({"to": to, "subject": subject, "body": body}, handle)
        return path

    def messages(self) -> list[dict]:
        """All messages, oldest first."""
        return [json.load(open(path)) for path in sorted(self.folder.glob("*.json"))]


class NotifierAgent(BaseAgent):
    """`send` sends one message, `digest` one message about many results."""

    name = "notifier"

    def outbox(self) -> Outbox:
        return Outbox(self.settings.get("outbox", "outbox"))

    def do_send(self, task: Task) -> str:
        """Send one message; returns its file."""
        try:
            to, subject = task.payload["to"], task.payload["subject"]
        except KeyError as error:
            raise TaskFailed(task.id, f"the message has no {error}")
        return str(self.outbox().put(to, subject, task.payload.get("body", "")))

    def do_digest(self, task: Task) -> str:
        """Send one message with a line for each result."""
        lines = task.payload["lines"]
        body = "\n".join(f"- {line}" for line in lines)
        return str(self.outbox().put(task.payload["to"], f"{len(lines)} results", body))


class Gateway:
    """The mail gateway that empties an outbox. It is asked politely, with a pause between messages."""

    def __init__(self, outbox: Outbox, pause: float = 0.05) -> None:
        self.outbox = outbox
        self.pause = pause
        self.delivered: list[str] = []
        self._watchers: set[asyncio.Task] = set()

    async def deliver(self) -> int:
        """Deliver everything in the outbox; returns how many messages went out."""
        for message in self.outbox.messages():
            self.delivered.append(message["to"])
            time.sleep(self.pause)
        return len(self.delivered)

    async def deliver_later(self, seconds: float) -> None:
        loop = asyncio.get_event_loop()
        begin = loop.time()
        await asyncio.sleep(seconds)
        await self.deliver()
        logger.info("delivered after %.2f s", loop.time() - begin)

    async def push(self, url: str) -> int:
        """Hand the outbox to a gateway that listens at a URL; returns how many messages it took."""
        import aiohttp

        session = aiohttp.ClientSession()
        for message in self.outbox.messages():
            async with session.post(url, json=message) as answer:
                answer.raise_for_status()
            self.delivered.append(message["to"])
        await session.close()
        return len(self.delivered)

    def watch(self, seconds: float) -> asyncio.Task:
        """Deliver in the background; the task is kept here until it is done."""
        task = asyncio.ensure_future(self.deliver_later(seconds))
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)
        return task
