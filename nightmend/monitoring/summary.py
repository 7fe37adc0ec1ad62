from nightmend.frozen import Frozen
from nightmend.monitoring.health import HealthSummary
from nightmend.monitoring.performance import PerformanceSummary


class Monitoring(Frozen):
    """What watching over a night has shown: in its report, never in a safety gate."""

    health: HealthSummary
    performance: PerformanceSummary
