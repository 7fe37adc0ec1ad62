"""Reads what the shops send, cleans it, and keeps the known sales."""

import logging
from pathlib import Path

from agents.core.base_agent import BaseAgent
from agents.core.errors import TaskFailed
from agents.core.messages import Task
from pipeline.checks import run_checks
from pipeline.cleaning import Sale, correct_refunds, first_seen, latest_day, new_sales
from pipeline.readers import UnreadableFile, files_of_manifest, read_sales
from pipeline.settings import load_settings

logger = logging.getLogger(__name__)


class IngestAgent(BaseAgent):
    """`load` reads one file, `merge` all files of a manifest. Known sales are counted once."""

    name = "ingest"

    def __init__(self, permissions=(), settings=None):
        super().__init__(permissions, settings)
        self.sales: list[Sale] = []
        self.complaints: list[str] = []

    def do_load(self, task: Task) -> dict:
        """Read one file, by default the export of the tills."""
        defaults = load_settings()
        path = task.payload.get("path", defaults.sales)
        return self.take(task, [path])

    def do_merge(self, task: Task) -> dict:
        """Read the files of a manifest; a file that is listed but not there is skipped."""
        files = files_of_manifest(task.payload["manifest"])
        return self.take(task, files)

    def take(self, task: Task, files) -> dict:
        """Add the new sales of some files to the known ones, and say what was found in them."""
        before = len(self.sales)
        for path in files:
            try:
                sales, complaints = read_sales(path)
            except UnreadableFile as error:
                raise TaskFailed(task.id, str(error))
            self.sales += new_sales(self.sales, correct_refunds(sales))
            self.complaints += [f"{Path(path).name}, {complaint}" for complaint in complaints]
        findings = run_checks(self.sales, self.complaints, load_settings())
        last = latest_day(self.sales)
        return {
            "new": len(self.sales) - before,
            "known": before,
            "dropped": len(self.complaints),
            "findings": findings,
            "stores": first_seen([sale.store for sale in self.sales]),
            "last_day": last.isoformat() if last else None,
        }
