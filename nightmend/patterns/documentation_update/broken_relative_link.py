from collections.abc import Iterator

from nightmend.documents.documents import pointed
from nightmend.documents.places import new_place
from nightmend.patterns.document import Document
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterator[Fault]:
    """Yield the relative links of a document that surely point to nothing."""
    if isinstance(module, Document):
        for link in module.broken_links.values():
            yield Fault(module.place(link.start, link.end), f"the link to {link.path} leads nowhere")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Let the link point to where its file is now, where history or the tree leaves no doubt."""
    if not isinstance(module, Document):
        return None
    link = module.broken_links[module.start(fault.node)]
    by_name = not module.shown_elsewhere
    place = new_place(module.path, link, module.places, module.moves, by_name=by_name)
    edit = None if place is None else pointed(module.path, link, place)
    return None if edit is None else [edit]
