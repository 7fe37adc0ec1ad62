"""The published JSON schema of report.json: `python -m nightmend.report.schema > docs/report.schema.json`."""

import json
import sys

from nightmend.report.model import Report


def schema() -> str:
    """Return the JSON schema of `report.json`, as it is published."""
    described = Report.model_json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "report.json of a night"}
    return json.dumps({**described, **head}, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
