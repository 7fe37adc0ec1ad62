"""Control groups of version 2, by their files: no machine of ours has the memory controller there."""

import pytest

from nightmend.sandboxes.cgroups import CgroupV2, _delegating, group_places
from nightmend.settings import MIB, Limits


@pytest.fixture
def group(tmp_path):
    meter = CgroupV2(tmp_path, Limits(memory=64 * MIB, processes=10))
    (folder,) = tmp_path.iterdir()
    for name, text in {
        "memory.current": "1000",
        "cpu.stat": "usage_usec 2500000\nuser_usec 1",
        "memory.events": "low 0\noom 0\noom_kill 0",
        "pids.events": "max 0",
    }.items():
        (folder / name).write_text(text)
    return meter, folder


def test_limits_are_set_and_sums_are_read(group):
    meter, folder = group
    assert (folder / "memory.max").read_text() == str(64 * MIB)
    assert (folder / "pids.max").read_text() == "11"
    assert meter.usage() == (2.5, 1000, None)
    (folder / "memory.current").write_text("900")
    assert meter.usage().peak_memory == 1000


@pytest.mark.parametrize(
    ("file", "text", "limit"),
    [("memory.events", "oom 3\noom_kill 1", "memory"), ("pids.events", "max 1", "processes")],
)
def test_reached_limits_are_named(group, file, text, limit):
    meter, folder = group
    (folder / file).write_text(text)
    assert meter.usage().exceeded == limit


def test_the_nearest_group_that_delegates_is_found(tmp_path):
    own = tmp_path / "user.slice" / "app.slice" / "own.scope"
    own.mkdir(parents=True)
    for folder, handed in (
        (tmp_path, "cpu memory pids"),
        (own.parents[1], "memory pids"),
        (own.parent, "memory"),
        (own, ""),
    ):
        (folder / "cgroup.subtree_control").write_text(handed)
    assert _delegating(own, tmp_path) == own.parents[1]
    (own.parents[1] / "cgroup.subtree_control").write_text("")
    assert _delegating(own, tmp_path) == tmp_path
    (tmp_path / "cgroup.subtree_control").write_text("")
    assert _delegating(own, tmp_path) is None


def test_places_were_tried_for_real():
    for place in group_places().values():
        assert place.is_dir()
        assert [group for group in place.glob("nightmend-*") if not (group / "cgroup.procs").exists()] == []
