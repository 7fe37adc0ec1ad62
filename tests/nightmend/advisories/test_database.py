import pytest

from nightmend.advisories.database import Database, make_index
from nightmend.advisories.dependency import Dependency


def wanted(version: str | None = None, specifier: str = "", name: str = "a-b") -> Dependency:
    return Dependency(name=name, version=version, specifier=specifier, path="uv.lock", line=3)


@pytest.mark.parametrize(
    ("version", "hit"), [("0.9", False), ("1.0", True), ("1.7.3", True), ("2.0rc1", True), ("2.0", False)]
)
def test_a_locked_version_is_matched_by_its_range(folder, advisory, version, hit):
    advisory("GHSA-1", "A_b", database_specific={"severity": "CRITICAL"})
    found = Database(folder).vulnerabilities([wanted(version)])
    assert [(one.id, one.severity, one.fixed) for one in found] == (
        [("GHSA-1", "high", "2.0")] if hit else []
    )


@pytest.mark.parametrize(
    ("specifier", "hit"), [("<2", True), (">=1.5,<1.9", True), (">=1", False), ("", False), ("<1", False)]
)
def test_a_range_counts_only_where_it_admits_no_cure_and_never_gravely(folder, advisory, specifier, hit):
    advisory("GHSA-1", "a-b", database_specific={"severity": "HIGH"})
    found = Database(folder).vulnerabilities([wanted(specifier=specifier)])
    assert [one.severity for one in found] == (["medium"] if hit else [])


def test_names_of_one_vulnerability_are_one_and_others_stay_apart(folder, advisory):
    advisory("PYSEC-1", "a-b", aliases=["CVE-1", "GHSA-1"])
    advisory("GHSA-1", "a-b", aliases=["CVE-1"], database_specific={"severity": "LOW"})
    advisory("GHSA-2", "a-b", fixed=None)
    advisory("GHSA-3", "other")
    advisory("GHSA-4", "a-b", withdrawn="2026-01-01T00:00:00Z")
    found = Database(folder).vulnerabilities([wanted("1.5")])
    assert [(one.id, one.severity, one.fixed) for one in found] == [
        ("CVE-1", "low", "2.0"),
        ("GHSA-2", "medium", None),
    ]
    assert set(found[0].aliases) == {"GHSA-1", "PYSEC-1"}


def test_the_date_is_that_of_the_newest_and_an_index_spares_reading(folder, advisory):
    advisory("GHSA-1", "a-b")
    advisory("GHSA-2", "other", modified="2026-05-06T00:00:00Z")
    (folder / "broken.json").write_text("{")
    assert Database(folder).date == "2026-05-06"
    (folder / "index.json").write_text(make_index(folder).model_dump_json())
    (folder / "GHSA-2.json").write_text("{")
    assert len(Database(folder).vulnerabilities([wanted("1.5")])) == 1


def test_an_empty_folder_is_no_database(folder):
    with pytest.raises(ValueError, match="no advisory"):
        Database(folder)
