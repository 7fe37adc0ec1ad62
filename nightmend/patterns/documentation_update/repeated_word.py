import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator

from nightmend.documents.documents import is_document
from nightmend.documents.prose import prose
from nightmend.patterns.document import Document
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

WORDS = (
    r"the|an?|of|and|or|to|with|are|was|were|be|been|by|from|this|these|those|which|we|you|they|it|is|as|at|its"
    r"|their|has|have|into|when|where|should|would|will|must|can|your|our|but|than|then|there|if|not"
)
TWICE = re.compile(rf"(?<![\w`'\"./*-])({WORDS})(\s+)(\1)(?![\w`'\"*-]|\.\w|[ \t]*[=([])", re.IGNORECASE)
MEANT = re.compile(
    r"\b(what|it|this|that|one|who|which|how|where|there) is is\b|\bif if\b|\b[a-z] a a\b|\ba a [a-z]\b"
    r"|\b(with|from|and|or|not|as|is|if) \2\s+(statement|keyword|clause|operator|block)",
    re.IGNORECASE,
)
MISTYPED = re.compile(
    r"([.,;:!?(]|\b(and|or|but|if|when|while|because|since|so|as|then))\s+(is|was|has)\s+\3\b", re.IGNORECASE
)
"""Without a subject, the first of the two was to be `it`: taking it out would hide what was meant."""
KEYWORDS = frozenset({"with", "from", "and", "or", "not", "as", "is", "if"})
CODE = re.compile(r"^\s*(>>>|\.\.\.\s|\$ )", re.MULTILINE)


def find(module: Module) -> Iterable[Fault]:
    """Yield each small word of prose that stands there twice."""
    for start, text in _runs(module):
        for match in TWICE.finditer(text):
            around = text[max(0, match.start() - 12) : match.end() + 12]
            behind = text[match.end() :].split("\n")[0]
            is_keyword = match[1] in KEYWORDS and not behind.strip()
            if not is_keyword and not _is_meant(around) and _is_one_sentence(match):
                place = start + len(text[: match.start(3)].encode())
                word = module.place(place, place + len(match[3].encode()))
                gap = module.place(start + len(text[: match.start()].encode()), place)
                yield Fault(word, f"'{match[1]} {match[3]}': the word stands there twice", parts=(gap,))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Take one of them out: the first where a line ends between them, so that the lines stay apart."""
    first, second = module.start(fault.parts[0]), module.start(fault.node)
    word = len(module.text(fault.node).encode())
    if module.line_of(first) == module.line_of(second):
        return [module.edit(first + word, second + word, "")]
    before = module.between(module.line_start(module.line_of(first)), first)
    if not before.strip() or before.rstrip() == before:
        return None
    return [module.edit(first - len(before) + len(before.rstrip()), first + word, "")]


def _is_meant(around: str) -> bool:
    return bool(MEANT.search(around) or MISTYPED.search(around))


def _is_one_sentence(match: re.Match[str]) -> bool:
    """A capital, or a blank line between them, may start another; capitals throughout are an operator."""
    shouted = len(match[1]) > 1 and match[1].isupper()
    mistyped = match[1] in {"It", "Is"}  # of "If it" and "It is": taking it out would hide what was meant
    return match[2].count("\n") < 2 and match[3].islower() and not shouted and not mistyped


def _runs(module: Module) -> Iterator[tuple[int, str]]:
    if isinstance(module, Document):
        if is_document(module.path):
            yield from prose(module.path, module.content)
        return
    lines = (line for line in module.content.splitlines() if b"#" in line)
    if any(TWICE.search(line[line.index(b"#") :].decode()) for line in lines):
        yield from _comments(module)
    for node in module.nodes(ast.Constant):
        if isinstance(node.value, str) and isinstance(module.parent(node), ast.Expr):
            text = module.text(node)
            if not CODE.search(text):
                yield module.start(node), text


def _comments(module: Module) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(module.content.decode("utf-8-sig")).readline):
            if token.type == tokenize.COMMENT and " " in token.string:
                line = module.line_start(token.start[0])
                yield line + len(token.line[: token.start[1]].encode()), token.string
    except (tokenize.TokenError, IndentationError):
        return
