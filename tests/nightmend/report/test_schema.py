"""report.json keeps its contract, and the published schema is the one of the models."""

import json
from pathlib import Path

import jsonschema
import pytest

from nightmend.report.schema import schema

PUBLISHED = Path(__file__).parents[3] / "docs" / "report.schema.json"


@pytest.fixture
def data(report_of):
    return json.loads(report_of("x").model_dump_json())


def test_the_published_schema_is_current():
    assert PUBLISHED.read_text() == schema(), (
        "run: python -m nightmend.report.schema > docs/report.schema.json"
    )


def test_a_report_obeys_its_schema(data):
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    validator.check_schema(json.loads(schema()))
    assert list(validator.iter_errors(data)) == []
    data["repairs"][0]["grade"] = "E"
    del data["tests"]["before"]
    assert {error.json_path for error in validator.iter_errors(data)} == {"$.repairs[0].grade", "$.tests"}


def test_the_contract(data):
    assert data["schema_version"] == "1"
    assert {
        "target", "run", "base_commit", "result_commit", "branch", "profile", "status", "seconds", "tests",
        "phases", "issues", "repairs", "quality",
    } <= data.keys()  # fmt: skip
    assert (
        {"passed", "failed", "errors", "skipped"}
        <= data["tests"]["before"].keys()
        == data["tests"]["after"].keys()
    )
    assert {"name", "status", "seconds", "agents", "gates"} <= data["phases"][0].keys()
    assert {"name", "status", "seconds", "metrics"} <= data["phases"][0]["agents"][0].keys()
    assert {"name", "kind", "measured", "target", "passed"} <= data["phases"][0]["gates"][0].keys()
    assert {"identified", "actionable", "resolved", "resolution_rate", "actionable_rate"} <= data[
        "issues"
    ].keys()
    assert data["issues"]["by_category"]["data_pipeline"] == {"identified": 10, "resolved": 4}
    assert {
        "id", "agent", "pattern", "safety", "grade", "issues", "files", "commit", "verdict", "reason",
        "evidence",
    } <= data["repairs"][0].keys()  # fmt: skip
    assert data["quality"]["before"].keys() == {
        "pep8_compliance",
        "type_hint_coverage",
        "documentation_coverage",
    }
