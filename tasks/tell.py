from pathlib import Path

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from nightmend.night import Night
from nightmend.report.build import build_report
from nightmend.report.html import write_report
from nightmend.report.pull_request import pull_request
from nightmend.results import Course
from nightmend.workspace import target_folder
from tasks.publish import Published


@task(name="tell", persist_result=False)
def tell(night: Night, course: Course, published: Published, report: str | None, seconds: float) -> str:
    """Write the report of a night and show it in the Prefect UI; returns its folder."""
    told = build_report(night, course, published.branch, seconds)
    folder = Path(report) if report else default_folder(night)
    write_report(told.report, told.diffs, folder)
    create_markdown_artifact(
        pull_request(told.report), key="nightmend-report", description=f"Night {night.run}"
    )
    create_table_artifact(
        [
            {
                "phase": phase.name,
                "gate": gate.name,
                "kind": gate.kind,
                "measured": gate.measured,
                "target": gate.target,
                "passed": gate.passed,
            }
            for phase in told.report.phases
            for gate in phase.gates
        ],
        key="nightmend-gates",
        description=f"Gates of night {night.run}",
    )
    return str(folder)


def default_folder(night: Night) -> Path:
    """Return where a night's report goes when nobody says where."""
    return target_folder(Path(night.home), Path(night.target)) / "reports" / night.run
