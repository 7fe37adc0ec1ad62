import ast
from collections.abc import Iterable

from nightmend.patterns.registries import registries
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield the one entry of a registry whose name is not the one that its class gives itself."""
    for registry in registries(module):
        named = [(entry.key, entry.own, entry.owner) for entry in registry.entries if entry.own]
        odd = [(key, own, owner) for key, own, owner in named if key.value != own.value]
        if len(odd) != 1 or len(named) < len(registry.entries):
            continue
        (key, own, owner) = odd[0]
        used = {entry.key.value for entry in registry.entries if entry.key is not key}
        wrong = [one for one in (key, own) if one.value != registry.usual(owner)]
        if not {key.value, own.value} & used:
            message = f"{owner.name} is registered as {key.value!r} and calls itself {own.value!r}"
            yield Fault(key, message, parts=(key, own, *wrong))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Let the name that the class's own stands for win; where neither is that, a person decides."""
    key, own, *wrong = (fault.part(ast.Constant, number) for number in range(len(fault.parts)))
    if len(wrong) != 1:
        return None
    right = own if wrong[0] is key else key
    return [module.replace(wrong[0], module.text(right))]
