from nightmend.monitoring.health import HealthSummary, Trouble
from nightmend.monitoring.performance import Alert, PerformanceSummary, PerformanceTarget
from nightmend.monitoring.summary import Monitoring
from nightmend.report.html import render

MONITORING = Monitoring(
    health=HealthSummary(
        interval=60, checks=12, failed=1, seconds=0.5,
        troubles=(Trouble(since=1, complaints=("Dask: <b>gone</b>",)),),
    ),
    performance=PerformanceSummary(
        targets={
            "cpu_usage": PerformanceTarget(target=70, current=91.25, passed=False, highest=100, samples=9),
            "error_rate": PerformanceTarget(target=5, current=None, passed=None),
        },
        alerts=(Alert(metric="cpu_usage", value=99.5, threshold=70, since=1),),
    ),
)  # fmt: skip


def test_the_page_tells_what_was_watched(report_of):
    page = render(report_of("plain").model_copy(update={"monitoring": MONITORING}), {})
    assert "12 health checks, 1 of them with a part that did not answer" in page
    for said in ("91.25", "not met", "not measured", "stayed above 70, and was 99.5"):
        assert said in page
    assert "Dask: &lt;b&gt;gone&lt;/b&gt;" in page


def test_a_night_that_nothing_watched_says_nothing_of_it(report_of):
    assert "The machine meanwhile" not in render(report_of("plain"), {})
