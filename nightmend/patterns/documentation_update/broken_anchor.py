import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from nightmend.documents.anchors import bare, github_slug, known_anchors, slugs
from nightmend.documents.documents import is_document, links_of
from nightmend.documents.link import Link
from nightmend.patterns.document import Document
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

ELSEWHERE = re.compile(rb"--8<--|\{%|\{\{|include::|\[\[_?toc|<details", re.IGNORECASE)
"""Other files, or code that runs, may bring more anchors with them."""
OF_THE_PAGE = frozenset({"top", "readme", "content", "main", "toc", "start-of-content"})
MARKDOWN = (".md", ".markdown")


def find(module: Module) -> Iterable[Fault]:
    """Yield each link to a heading of its own document that is not there, but under another name."""
    if not isinstance(module, Document) or not module.path.lower().endswith(MARKDOWN):
        return
    if b"](#" not in module.content or not is_document(module.path) or ELSEWHERE.search(module.content):
        return
    known = known_anchors(module.content)
    for link in links_of(module.path, module.content):
        anchor = unquote(link.tail.removeprefix("#"))
        if not link.path and link.tail.startswith("#") and anchor.lower() not in known | OF_THE_PAGE:
            new = _meant(module, link, anchor)
            if new is not None:
                yield Fault(module.place(link.start, link.end), f"#{anchor} leads nowhere; it is #{new} now")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Lead it to the heading."""
    links = {link.start: link for link in links_of(module.path, module.content)}
    link = links[module.start(fault.node)]
    new = _meant(module, link, unquote(link.tail.removeprefix("#")))
    return None if new is None else [module.replace(fault.node, f"#{quote(new, safe='/._-+~,=@!')}")]


def _meant(module: Module, link: Link, anchor: str) -> str | None:
    """The one heading with the anchor's letters, or with the words of the link."""
    found = slugs(module.content)
    for wanted in (bare(anchor), bare(github_slug(_label(module, link)))):
        same = [slug for slug in found if bare(slug) == wanted] if wanted else []
        if len(same) == 1 and same[0].isascii() and f"{same[0]}-1" not in found:
            return same[0]
    return None


def _label(module: Module, link: Link) -> str:
    """What a reader sees of an inline link."""
    before = module.between(module.line_start(link.line), link.start)
    match = re.search(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(\s*<?$", before)
    return match[1] if match else ""
