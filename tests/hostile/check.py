"""A check is one hole: how an attack is shown to work where nothing protects, and what must hold inside.

A check whose attack never ran would pass for the wrong reason, so none counts without its proof: the same
program outside, or inside with its limit removed, or a demonstration of its own. `verify` insists on it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from nightmend.settings import Limits
from tests.hostile.scene import Outcome, Scene

HELD_OFF = r"\b(OSError|LookupError)\b"
"""What an attack may fail of inside: what the system says, or that there was nothing to find."""
PROMPT_SECONDS = 45


class UnprovedError(AssertionError):
    """An attack did not work where nothing protects, so that nothing can be said of the protection."""


Plant = Callable[[Scene], AbstractContextManager[object]]
After = Callable[[Scene, Outcome], None]


def _nothing(_: Scene) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(frozen=True)
class Check:
    """One row of the list."""

    name: str
    tries: str
    """What the attack tries, for the page."""
    holds: str
    """What must hold after it, for the page."""
    prove: Callable[[Scene], object]
    """Shows that the attack works without the protection; anything false, or an UnprovedError, is none."""
    attack: Callable[[Scene], None]
    """Attacks a sandbox, and asserts that it held."""
    plant: Plant = _nothing
    only_root: str = ""
    """Why there is nothing to show where we are an ordinary user."""
    cannot: Callable[[], str] = lambda: ""
    """Why this machine cannot show it, empty where it can."""
    gaps: Mapping[str, str] = field(default_factory=dict)
    """Back ends that do not hold, each with the reason."""


def verify(check: Check, scene: Scene) -> None:
    """Prove that the attack works, then attack."""
    with check.plant(scene):
        if not check.prove(scene):
            raise UnprovedError(f"{check.name}: the attack was never shown to work")
        check.attack(scene)


def program(
    name: str,
    tries: str,
    source: str,
    *,
    holds: str = "it is refused",
    because: str = HELD_OFF,
    plant: Plant = _nothing,
    as_sandbox: bool = False,
    after: After | None = None,
    **options: object,
) -> Check:
    """Make a check of a program that works outside, where it runs unprotected, and is refused inside.

    `because` matches the error inside. `as_sandbox` runs it outside as the user of the sandboxes.
    """

    def prove(scene: Scene) -> bool:
        seen = scene.outside(source, as_sandbox=as_sandbox)
        return _shown(name, seen)

    def attack(scene: Scene) -> None:
        seen = scene.inside(source)
        assert seen.began, seen
        assert not seen.worked, seen
        assert re.search(because, seen.refused), seen
        if after:
            after(scene, seen)

    return Check(name, tries, holds, prove, attack, plant, **options)  # type: ignore[arg-type]


def confined(
    name: str,
    tries: str,
    source: str,
    *,
    holds: str,
    plant: Plant,
    unharmed: Callable[[Scene], bool],
    works_inside: bool = True,
    **options: object,
) -> Check:
    """Make a check of a program that does harm outside, and inside whatever it likes, but none to the host.

    `unharmed` looks at what was planted; it must say no after the program ran outside.
    """

    def prove(scene: Scene) -> bool:
        with _again(plant, scene):
            if not unharmed(scene):
                raise UnprovedError(f"{name}: harmed before the attack")
            _shown(name, scene.outside(source))
            return not unharmed(scene)

    def attack(scene: Scene) -> None:
        with _again(plant, scene):
            seen = scene.inside(source)
            assert seen.began, seen
            assert seen.worked or not works_inside, seen
            assert unharmed(scene), seen

    return Check(name, tries, holds, prove, attack, **options)  # type: ignore[arg-type]


def flood(
    name: str,
    tries: str,
    source: str,
    *,
    limit: str,
    tight: Limits,
    loose: Limits | None = None,
    because: str = HELD_OFF,
    after: After | None = None,
    **options: object,
) -> Check:
    """Make a check of a program that comes to its end only without the limit; scaled down to do no harm.

    `limit` is the field of Limits that ends it, or "" where the program is only refused more.
    """
    generous = loose or Limits()

    def prove(scene: Scene) -> bool:
        return _shown(name, scene.inside(source, generous))

    def attack(scene: Scene) -> None:
        seen = scene.inside(source, tight)
        assert seen.began or seen.limit, seen
        assert not seen.worked, seen
        assert (seen.limit == limit and seen.code != 0) or re.search(because, seen.refused), seen
        assert seen.seconds < PROMPT_SECONDS, seen
        if after:
            after(scene, seen)

    holds = f"ends as `{limit}`, or is refused more" if limit else "it is refused more"
    return Check(name, tries, holds, prove, attack, **options)  # type: ignore[arg-type]


def _shown(name: str, seen: Outcome) -> bool:
    if not seen.worked:
        raise UnprovedError(f"{name}: the attack does not work where nothing protects: {seen}")
    return True


@contextmanager
def _again(plant: Plant, scene: Scene) -> Iterator[None]:
    with plant(scene):
        yield
