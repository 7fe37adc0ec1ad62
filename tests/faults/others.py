"""People, clocks, and a second night."""

from tests.faults.harness import Fault, Scene
from tests.flows.driving import git, untouched

CLOCK = """
import datetime
import time

import nightmend.nights

clock_sound = time.time


def shift():
    return {seconds} if os.path.exists(os.environ["NIGHTMEND_HOME"] + "/jumped") else 0


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=shift())


time.time = lambda: clock_sound() + shift()
nightmend.nights.datetime = Clock
"""
DAYS = 2 * 24 * 3600.0


def clock(name: str, seconds: float) -> Fault:
    """The time of day jumps in the middle of a night."""

    def inject(scene: Scene) -> None:
        flag = scene.house.home / "jumped"
        with scene.night(CLOCK.format(seconds=seconds)) as night:
            scene.wait_for(night, "code_quality")
            flag.touch()
            scene.end_of(night, 0)
        scene.house.recover(scene.target, saboteur=CLOCK.format(seconds=seconds))  # and one that begins so
        flag.unlink()

    return Fault(f"a clock that jumps {name}", inject)


def _edits(scene: Scene) -> None:
    """Edit a file and add another while a night works; then go on as before."""
    place, more = scene.target / "shop.py", scene.target / "notes.py"
    content = place.read_bytes()
    with scene.night() as night:
        scene.wait_for(night, "code_quality")
        place.write_bytes(content + b"\n# open until late\n")
        more.write_text("PRICE = 3\n")
        edited = untouched(scene.target)
        scene.end_of(night, 0)
    scene.see(untouched(scene.target) == edited, "the person's edits are not as they were")
    place.write_bytes(content)
    more.unlink()
    scene.before = untouched(scene.target)


def _commits(scene: Scene) -> None:
    """Commit while a night works; the night's branch stands on what it began with."""
    with scene.night() as night:
        scene.wait_for(night, "code_quality")
        (scene.target / "notes.py").write_text("PRICE = 3\n")
        git(scene.target, "add", "notes.py")
        git(scene.target, "commit", "-q", "-m", "notes")
        committed = untouched(scene.target)
        scene.end_of(night, 0)
    scene.see(untouched(scene.target) == committed, "the person's commit is not as it was")
    git(scene.target, "reset", "-q", "--hard", "HEAD~1")
    scene.before = untouched(scene.target)


def _moves_the_branch(scene: Scene) -> None:
    """Commit to the waiting branch of the last night while the next one works: it must stay."""
    scene.finish()
    scene.forget("quality")
    scene.missing["code_quality"] += 1
    (branch,) = git(scene.target, "branch", "--list", "nightmend/*", "--format=%(refname:short)").split()
    with scene.night() as night:
        scene.wait_for(night, "code_quality")
        message = ("-m", "my own", "-p", branch, f"{branch}^{{tree}}")
        mine = git(scene.target, "commit-tree", *message).strip()
        git(scene.target, "update-ref", f"refs/heads/{branch}", mine)
        scene.end_of(night, 0)
        scene.see(
            "merge it or delete it first" in night.said, f"nobody was told why no branch came: {night.said}"
        )
    tips = git(
        scene.target, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/nightmend"
    )
    scene.see(tips.split() == [branch, mine], f"the person's branch is not as it was: {tips}")
    git(scene.target, "branch", "-q", "-D", branch)
    scene.before = untouched(scene.target)


def _second_night(scene: Scene) -> None:
    with scene.night() as night:
        scene.wait_for(night, "code_quality")
        second = scene.finish()
        scene.see(second.code == 3, f"the second night ended with {second.code}: {second.said}")
        scene.see("is being worked on" in second.said, f"the second night said: {second.said}")
        scene.end_of(night, 0)


CLOCKS = [clock("ahead by two days", DAYS), clock("back by two days", -DAYS)]
EDITED = Fault("the target edited during the night", _edits)
COMMITTED = Fault("a commit to the target during the night", _commits)
MOVED = Fault("the waiting branch moved by someone else during the night", _moves_the_branch)
TWO = Fault("two nights at once", _second_night)
