"""Pylint's command line, from options of ours and those of the target that are plain data."""

import re

from nightmend.configured.pylint import PylintSelection
from nightmend.detectors.running import run_tool
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.frozen import Frozen
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

MODULE = "pylint"
FIXED = (
    "--rcfile=/dev/null", "--persistent=n", "--jobs=1", "--recursive=n", "--reports=n",
    "--score=n", "--exit-zero", "--unsafe-load-any-extension=n", "--extension-pkg-allow-list=",
    "--output-format=json2",
)  # fmt: skip
LISTED = re.compile(r"^  [\w-]+ \(([A-Z]\d{4})\)$", re.MULTILINE)


class PylintChoice(Frozen):
    """The messages that the target enables, and whether its other options are to be passed on."""

    enabled: frozenset[str] = frozenset()
    shaped: bool = True


def enabled_messages(box: Sandbox, tree: TreeView, selection: PylintSelection) -> frozenset[str]:
    """Ask pylint which messages the target's own words switch on."""
    switches = [f"--{verb}={','.join(names)}" for verb, names in _order(selection) if names]
    options = ["--rcfile=/dev/null", f"--load-plugins={','.join(selection.plugins)}", *switches]
    listing = run_tool(box, tree, MODULE, [*options, "--list-msgs-enabled"], good=(0,))
    enabled = listing.stdout.decode(errors="replace").split("Disabled messages:")[0]
    return frozenset(LISTED.findall(enabled))


def arguments(config: TargetConfig, wide: Wide, choice: PylintChoice) -> list[str]:
    """Return all of pylint's arguments but the files."""
    wanted = sorted(code for code in {*wide.select, *choice.enabled} if not left_out(code, wide))
    options = dict(config.pylint.options) if config.pylint and choice.shaped else {}
    if config.python_floor:
        options.setdefault("py-version", "{}.{}".format(*config.python_floor))
    shape = [f"--{key}={value}" for key, value in options.items() if value]
    plugins = config.pylint.plugins if config.pylint and choice.shaped else ()
    switches = [f"--load-plugins={','.join(plugins)}", "--disable=all", f"--enable={','.join(wanted)}"]
    return [*FIXED, *switches, *shape]


def left_out(code: str, wide: Wide) -> bool:
    """Say whether a message never counts; some are said whatever is enabled."""
    return any(code.startswith(ignored) for ignored in wide.ignore)


def _order(selection: PylintSelection) -> list[tuple[str, tuple[str, ...]]]:
    """Switch everything off first, unless the target means everything but a few."""
    pair = [("disable", selection.disable), ("enable", selection.enable)]
    return pair[::-1] if "all" in selection.enable and "all" not in selection.disable else pair
