from pathlib import Path

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from nightmend.gate import Gate
from nightmend.monitoring.summary import Monitoring
from nightmend.night import Night
from nightmend.privacy.discretion import discreetly
from nightmend.report.build import build_report
from nightmend.report.html import write_report
from nightmend.report.model import Report
from nightmend.report.numbers import numbers_only
from nightmend.report.pull_request import code, pull_request
from nightmend.report.story import duration, value, words
from nightmend.results import Course
from nightmend.review.publication import Published
from nightmend.review.runs import Run, Runs
from nightmend.workspace import target_folder


@task(name="tell", persist_result=False)
def tell(
    night: Night,
    course: Course,
    published: Published,
    report: str | None,
    seconds: float,
    monitoring: Monitoring | None = None,
) -> str:
    """Write the report of a night and show it in the Prefect UI; returns its folder."""
    with discreetly(night):
        told = build_report(night, course, published, seconds, monitoring)
        folder = Path(report) if report else default_folder(night)
        write_report(told, folder)
        show(numbers_only(told.report) if night.discreet else told.report, folder)
        if published.branch:
            run = Run(
                night=night,
                course=course,
                published=published,
                report=str(folder),
                seconds=seconds,
                monitoring=monitoring,
            )
            Runs(target_folder(Path(night.home), Path(night.target))).write(run)
    return str(folder)


def show(report: Report, folder: Path) -> None:
    """Leave the artifacts from which a person reads a night without opening a log."""
    night = f"night {report.run} on {code(report.target)}"
    create_markdown_artifact(
        pull_request(report), key="nightmend-report", description=f"What {night} did, as a pull request"
    )
    create_table_artifact(gates(report), key="nightmend-gates", description=f"The gates of {night}")
    create_table_artifact(agents(report), key="nightmend-agents", description=f"The agents of {night}")
    create_link_artifact(
        (folder.absolute() / "report.html").as_uri(),
        link_text="report.html",
        key="nightmend-page",
        description=f"Every repair of {night} with its diff and evidence; open it where the night ran.",
    )


def gates(report: Report) -> list[dict[str, str]]:
    """Return a row for each gate, what was measured beside its target; first those that did not pass."""
    weighed = [(phase, gate) for phase in report.phases for gate in phase.gates]
    return [
        {
            "phase": phase.name,
            "gate": gate.name,
            "kind": gate.kind,
            "measured": value(gate.measured),
            "target": value(gate.target),
            "state": _state(gate),
        }
        for phase, gate in sorted(weighed, key=lambda pair: pair[1].passed is True)
    ]


def agents(report: Report) -> list[dict[str, str]]:
    """Return a row for each agent that worked: how long, and which of its repairs were kept."""
    return [
        {
            "phase": phase.name,
            "agent": agent.name,
            "status": words(agent.status.lower()),
            "time": duration(agent.seconds),
            "repairs tried": value(agent.metrics.get("tried", "")),
            "repairs kept": value(agent.metrics.get("kept", "")),
        }
        for phase in report.phases
        for agent in phase.agents
    ]


def _state(gate: Gate) -> str:
    """Say how a gate stands; a goal that is not met closes nothing."""
    if gate.passed is None:
        return "not measurable here"
    return "passed" if gate.passed else "CLOSED" if gate.kind == "safety" else "not met"


def default_folder(night: Night) -> Path:
    """Return where a night's report goes when nobody says where."""
    return target_folder(Path(night.home), Path(night.target)) / "reports" / night.run
