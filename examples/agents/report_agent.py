"""Writes what people read in the morning."""

import os
from datetime import datetime
from pathlib import Path

from agents.core.base_agent import BaseAgent
from agents.core.messages import Task
from pipeline.aggregate import moving_average

TEMPLATE = """# Sales report of {shop}

Written at {written}.

| day | amount |
| --- | ---: |
{rows}

Total: **{total:.2f}**. See the [guide]({{guide}}) for what the columns mean.
"""


class ReportAgent(BaseAgent):
    """`daily` writes a Markdown file, `table` returns the table alone."""

    name = "report"

    def do_table(self, task: Task) -> str:
        return "\n".join(
            [f"| {day} | {amount:.2f} |" for day, amount in sorted(task.payload["totals"].items())]
        )

    def do_daily(self, task: Task) -> str:
        """Write the report of a day and return its path."""
        folder = self.settings.get("folder", "outbox")
        if not os.path.exists(folder):
            os.makedirs(folder)
        totals = task.payload["totals"]
        text = TEMPLATE.format(
            shop=task.payload.get("shop", "all shops"),
            written=datetime.now().isoformat(timespec="minutes"),
            rows=self.do_table(task),
            total=sum([amount for amount in totals.values()]),
        )
        path = Path(folder) / "{}.md".format(task.payload.get("name", "daily"))
        with open(path, "w") as handle:
            handle.write(text)
        return str(path)

    def trend(self, totals: dict[str, float], window: int = 7) -> str:
        """One word on the direction: up, down or flat (less than two percent).

        :param totals: amount of each day
        :param window_size: days of the moving average
        """
        values = [totals[day] for day in sorted(totals)]
        if len(values) < 2:
            return "flat"
        means = moving_average(values, window)
        if means[-1] > 1.02 * means[0]:
            return "up"
        return "down" if means[-1] < 0.98 * means[0] else "flat"
