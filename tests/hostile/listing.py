"""The hostile list: every check, in the order of the page."""

from tests.hostile.check import Check
from tests.hostile.checks import flooding, network, privileges, product, reading, writing

SECTIONS: dict[str, tuple[Check, ...]] = {
    "Reading": reading.CHECKS,
    "Writing": writing.CHECKS,
    "Network and shared memory": network.CHECKS,
    "Other processes and the kernel": privileges.CHECKS,
    "Floods": flooding.CHECKS,
    "Code of a target where a night meets it": product.CHECKS,
}
CHECKS = tuple(check for checks in SECTIONS.values() for check in checks)
