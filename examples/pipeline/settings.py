"""Where the pipeline finds its files, and the few numbers that people change."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

# the export of the tills lands here every night at two
SALES_FILE = "/srv/agent-service/data/sales.csv"
STORES_FILE = "/srv/agent-service/data/stores.csv"

# written by operations, never in the repository; may be missing
OVERRIDE_FILE = "/etc/agent-service/override.json"


@dataclass(frozen=True)
class PipelineSettings:
    """Files and limits of one pipeline run."""

    sales: str = SALES_FILE
    stores: str = STORES_FILE
    max_missing_share: float = 0.05
    max_amount: float = 50_000.0
    week_start: int = 0
    max_days_ahead: int = 1

    def missing_files(self) -> list[str]:
        """Input files that are not there."""
        return [path for path in (self.sales, self.stores) if not os.path.exists(path)]


def load_settings(override: str | Path = OVERRIDE_FILE) -> PipelineSettings:
    """The defaults, changed by the override file where there is one."""
    values = {}
    try:
        with open(override) as handle:
            values = json.load(handle)
    except FileNotFoundError:
        pass
    known = set(PipelineSettings.__dataclass_fields__)
    return PipelineSettings(**{key: value for key, value in values.items() if key in known})
