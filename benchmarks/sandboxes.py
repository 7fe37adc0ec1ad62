"""What a sandbox costs, beside bubblewrap and a process alone: `python benchmarks/sandboxes.py [ROUNDS]`.

All variants take turns in one run, so that a busy machine is unfair to none of them. Run it as root and as
an ordinary user: each has its columns in docs/results.md.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import page
from row import Machine, machine

from nightmend.errors import SandboxError
from nightmend.frozen import Frozen
from nightmend.sandboxes.backends import create
from nightmend.sandboxes.binary import bubblewrap_binary
from nightmend.sandboxes.cgroups import PREFIX, group_places
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.protocol import Sandbox, SandboxSpec

RESULTS = page.ROWS / "sandboxes"
TREES = {"empty": (0, 0), "5,000 files, 100 MB": (5000, 20_000)}
IN_A_ROW = 1000
DAEMONS = "for i in $(seq 30); do setsid sh -c 'trap \"\" HUP INT TERM; sleep 60' & done; echo made; sleep 60"


class Quartiles(Frozen):
    """Milliseconds."""

    low: float
    median: float
    high: float


class Series(Frozen):
    """One way to run `true`, over one tree."""

    tree: str
    variant: str
    times: Quartiles


class Figures(Frozen):
    """What one run of this script measured."""

    user: str
    rounds: int
    series: tuple[Series, ...]
    first_hundred: tuple[float, float]
    """Milliseconds of a sandbox, and of plain bubblewrap beside it, in a thousand in a row."""
    last_hundred: tuple[float, float]
    left_over: dict[str, int]
    """After a thousand in a row, more than before it."""
    one_at_a_time: float
    """Milliseconds a sandbox, as the two below."""
    two_at_a_time: float
    ended: Quartiles
    """Milliseconds until thirty daemons and all files were gone."""
    load: float
    machine: Machine
    engine: str


def main(rounds: int) -> None:
    """Measure, keep the figures and draw them."""
    with tempfile.TemporaryDirectory(prefix="nightmend-") as name:
        figures = measure(Path(name), rounds)
    page.keep(RESULTS, figures.user.split()[0], figures)
    draw()


def draw() -> None:
    """Write the tables of all figures that are kept into the page."""
    kept = page.kept(RESULTS, Figures)
    page.put("sandboxes", table(kept))


def measure(folder: Path, rounds: int) -> Figures:
    """Run everything, one after the other."""
    folder.chmod(0o755)
    trees = {label: plant(folder / f"tree-{count}", count, size) for label, (count, size) in TREES.items()}
    empty = trees["empty"]
    series = [one for label, tree in trees.items() for one in side_by_side(folder, label, tree, rounds)]
    before = held(folder)
    first, last = in_a_row(folder, empty)
    left_over = {what: count - before[what] for what, count in held(folder).items()}
    return Figures(
        user="root" if os.geteuid() == 0 else "ordinary user",
        rounds=rounds,
        series=tuple(series),
        first_hundred=first,
        last_hundred=last,
        left_over=left_over,
        one_at_a_time=at_a_time(1, folder, empty, rounds),
        two_at_a_time=at_a_time(2, folder, empty, rounds),
        ended=quartiles([ending(folder, empty) for _ in range(20)]),
        load=os.getloadavg()[0],
        machine=machine(),
        engine=engine(),
    )


def side_by_side(folder: Path, label: str, tree: Path, rounds: int) -> list[Series]:
    """Let every variant run `true` over a tree, in turns."""
    variants: dict[str, Callable[[], None]] = {
        "plain process": lambda: plain(tree),
        "plain bubblewrap": lambda: bare(folder, tree),
        "sandbox": lambda: ours(folder, tree),
    }
    times: dict[str, list[float]] = {variant: [] for variant in variants}
    for turn in range(rounds + 3):
        for variant, run in variants.items():
            taken = milliseconds(run)
            if turn >= 3:  # caches are warm then
                times[variant].append(taken)
    return [Series(tree=label, variant=name, times=quartiles(taken)) for name, taken in times.items()]


def plain(tree: Path) -> None:
    subprocess.run(["true"], cwd=tree, capture_output=True, check=True)


def bare(folder: Path, tree: Path) -> None:
    """Run bubblewrap with the namespaces and the overlay of our sandboxes, and nothing else of them."""
    place = folder / "bare"
    for name in ("upper", "work"):
        (place / name).mkdir(parents=True)
    binary = bubblewrap_binary()
    command = (
        f"{binary.folder}/{binary.program}", "--unshare-all", "--unshare-user", "--die-with-parent",
        "--new-session",
        "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
        "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
        "--overlay-src", str(tree), "--overlay", str(place / "upper"), str(place / "work"), "/jail",
        "--chdir", "/jail", "--", "true",
    )  # fmt: skip
    subprocess.run(command, capture_output=True, check=True)
    (place / "work" / "work").chmod(0o700)
    shutil.rmtree(place)


def ours(folder: Path, tree: Path) -> None:
    with made(folder, tree) as box:
        result = box.run(["true"])
    if result.return_code:
        raise SystemExit(f"`true` failed in a sandbox: {result}")


def made(folder: Path, tree: Path) -> Sandbox:
    return create(SandboxSpec(name="bench", base_directory=str(folder / "boxes"), lower=str(tree)))


def in_a_row(folder: Path, tree: Path) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the medians of the first and the last hundred, and of bubblewrap beside them."""
    pairs = []
    for number in range(IN_A_ROW):
        taken = milliseconds(lambda: ours(folder, tree))
        if not 100 <= number < IN_A_ROW - 100:
            pairs.append((taken, milliseconds(lambda: bare(folder, tree))))
    return medians(pairs[:100]), medians(pairs[100:])


def medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    ours, beside = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(beside)


def at_a_time(count: int, folder: Path, tree: Path, rounds: int) -> float:
    """Return the milliseconds that a sandbox takes where so many run at once."""
    with ThreadPoolExecutor(count) as pool:
        taken = milliseconds(lambda: list(pool.map(lambda _: ours(folder, tree), range(rounds))))
    return taken / rounds


def ending(folder: Path, tree: Path) -> float:
    """Return the milliseconds that `close` takes while daemons run which ignore every polite signal."""
    box = made(folder, tree)
    thread = threading.Thread(target=daemons, args=(box,))
    thread.start()
    while not (box.path / "upper" / "made").exists():
        time.sleep(0.01)
    taken = milliseconds(box.close)
    thread.join()
    return taken


def daemons(box: Sandbox) -> None:
    with suppress(SandboxError):
        box.execute_command(DAEMONS.replace("echo made", "touch made"))


def held(folder: Path) -> dict[str, int]:
    """Count what a sandbox could leave behind."""
    groups = [group for place in group_places().values() for group in place.glob(f"{PREFIX}{os.getpid()}-*")]
    return {
        "processes": len(descendants(os.getpid())),
        "mounts": sum(str(folder) in line for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        "folders": len(list((folder / "boxes").iterdir())),
        "control groups": len(groups),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
    }


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def plant(folder: Path, count: int, size: int) -> Path:
    """Make a tree of so many files, owned as a checkout is."""
    folder.mkdir()
    for number in range(count):
        file = folder / f"{number // 100}" / f"{number}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(os.urandom(size))
    owner = sandbox_owner()
    if owner:
        for place in (folder, *folder.rglob("*")):
            os.chown(place, *owner)
    return folder


def milliseconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) * 1000


def quartiles(times: Sequence[float]) -> Quartiles:
    low, median, high = statistics.quantiles(times, n=4)
    return Quartiles(low=low, median=median, high=high)


def engine() -> str:
    root = str(Path(__file__).resolve().parent.parent)
    asked = ["git", "-C", root, "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def table(kept: Sequence[Figures]) -> str:
    """One column for each user who ran this."""
    facts: dict[str, Callable[[Figures], str]] = {}
    for label in TREES:
        for variant in ("plain process", "plain bubblewrap", "sandbox"):
            facts[f"{label}: {variant}"] = _times(label, variant)
        facts[f"**{label}: sandbox beside plain bubblewrap**"] = _ratio(label)
    facts |= {
        f"{IN_A_ROW:,} in a row: first hundred, plain bubblewrap beside": lambda figures: _pair(
            figures.first_hundred
        ),
        "last hundred, plain bubblewrap beside": lambda figures: _pair(figures.last_hundred),
        "left over after them": _left_over,
        "one at a time, two at a time": lambda figures: (
            f"{figures.one_at_a_time:.1f}, {figures.two_at_a_time:.1f} ms a sandbox"
        ),
        "closed while thirty daemons run": lambda figures: _shown(figures.ended),
        "rounds": lambda figures: str(figures.rounds),
        "machine": lambda figures: (
            f"{figures.machine.cores} cores, load {figures.load:.1f}, Python {figures.machine.python}"
        ),
        "nightmend": lambda figures: f"`{figures.engine}`",
    }
    lines = [[name, *(fact(figures) for figures in kept)] for name, fact in facts.items()]
    return page.grid(["", *(figures.user for figures in kept)], lines)


def _of(figures: Figures, tree: str, variant: str) -> Quartiles:
    return next(one.times for one in figures.series if (one.tree, one.variant) == (tree, variant))


def _times(tree: str, variant: str) -> Callable[[Figures], str]:
    return lambda figures: _shown(_of(figures, tree, variant))


def _ratio(tree: str) -> Callable[[Figures], str]:
    def ratio(figures: Figures) -> str:
        times = [_of(figures, tree, variant).median for variant in ("sandbox", "plain bubblewrap")]
        return f"**{times[0] / times[1]:.2f}**"

    return ratio


def _pair(times: tuple[float, float]) -> str:
    return f"{times[0]:.1f}, {times[1]:.1f} ms ({times[0] / times[1]:.2f})"


def _left_over(figures: Figures) -> str:
    return ", ".join(f"{count} {what}" for what, count in figures.left_over.items() if count) or "nothing"


def _shown(times: Quartiles) -> str:
    return f"{times.median:.1f} ms ({times.low:.1f} to {times.high:.1f})"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
