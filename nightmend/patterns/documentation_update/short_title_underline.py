import re
import unicodedata
from collections.abc import Iterable

from nightmend.documents.documents import is_document
from nightmend.documents.link import Text
from nightmend.documents.rst import text_lines
from nightmend.patterns.document import Document
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

LINE = re.compile(r"([=\-~^\"'`#*+:.<>_])\1{3,}\s*$")
"""Shorter than four, docutils takes it for text."""


def find(module: Module) -> Iterable[Fault]:
    """Yield each underline of a title that is shorter than the title."""
    if not isinstance(module, Document) or not module.path.endswith(".rst") or not is_document(module.path):
        return
    lines = Text(module.content).lines
    for number in text_lines(lines):
        below = lines[number + 1].rstrip("\r") if number + 1 < len(lines) else ""
        above = lines[number - 1].rstrip("\r") if number else ""
        title = lines[number].rstrip()
        drawn = LINE.match(below)
        if not drawn or LINE.match(title) or title[:1].isspace() or width(title) <= len(below.rstrip()):
            continue
        if not above.strip() or above.rstrip() == below.rstrip():
            rules = [number + 2, *([number] if above.strip() else [])]
            places = [module.place(module.line_start(one), _end(module, one)) for one in rules]
            message = f"the underline of {title.strip()!r} is shorter than the title"
            yield Fault(places[0], message, parts=tuple(places[1:]))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Draw it as long as the title, and an overline with it."""
    number = module.line_of(module.start(fault.node)) - 1
    missing = width(module.line(number).rstrip()) - len(module.text(fault.node))
    sign = module.text(fault.node)[0]
    return [module.insert(module.end(one), sign * missing) for one in (fault.node, *fault.parts)]


def width(title: str) -> int:
    """Columns that a title takes, as docutils counts them."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in title)
    return len(title) + wide - sum(unicodedata.combining(sign) > 0 for sign in title)


def _end(module: Module, line: int) -> int:
    return module.line_start(line) + len(module.line(line).rstrip().encode())
