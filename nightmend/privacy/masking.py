"""Likely secrets in text, masked wherever text leaves: reports, artifacts, logs, the terminal, errors.

A mask never adds or removes a line. What is masked is a guess: known shapes of tokens, key blocks, passwords
in URLs, and values that are assigned to a name like `password` or `token` and look made by a machine.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel

M = TypeVar("M", bound=BaseModel)
Span = tuple[int, int, str]
"""Where a secret begins and ends, and what it seems to be."""

SHAPES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("AWS key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    ("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9_]{30,255}"),
    ("GitHub token", ("github_pat_",), r"\bgithub_pat_\w{22,255}"),
    ("GitLab token", ("gl",), r"\bgl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[\w-]{20,}"),
    ("Slack token", ("xox", "xapp-"), r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-\d-[\w-]{10,}"),
    ("Slack webhook", ("hooks.slack.com",), r"hooks\.slack\.com/\w+/(?P<secret>[\w/+-]{20,})"),
    ("Discord webhook", ("/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d+/(?P<secret>[\w-]{30,})"),
    ("Google key", ("AIza", "GOCSPX-", "ya29."), r"\bAIza[\w-]{35}|\bGOCSPX-[\w-]{20,}|\bya29\.[\w-]{20,}"),
    ("Stripe key", ("k_live_", "k_test_", "whsec_"), r"\b(?:[rsp]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}"),
    ("API key", ("sk-",), r"\bsk-(?=[\w-]*\d)[\w-]{20,}"),
    ("Hugging Face token", ("hf_",), r"\bhf_[A-Za-z0-9]{30,}"),
    ("PyPI token", ("pypi-",), r"\bpypi-[\w-]{50,}"),
    ("npm token", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}"),
    ("SendGrid key", ("SG.",), r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("Telegram token", (":AA",), r"\b\d{8,10}:AA[\w-]{33}"),
    ("DigitalOcean token", ("_v1_",), r"\bdo[opr]_v1_[0-9a-f]{64}"),
    ("Databricks token", ("dapi",), r"\bdapi[0-9a-f]{32}"),
    ("Vault token", ("hvs.", "hvb.", "hvr."), r"\bhv[sbr]\.[\w-]{20,}"),
    ("age key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    ("Azure key", ("AccountKey=", "AccessKey="), r"(?:Account|Access)Key=(?P<secret>[\w+/=]{20,})"),
    ("JSON web token", ("eyJ",), r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?"),
    ("password", ("://",), r"://[^\s:/@'\"]{0,99}:(?!//)(?P<secret>[^\s/@'\"{}<>$%*]{3,200})@"),
    ("credentials", ("earer ", "asic "), r"\b(?:[Bb]earer|[Bb]asic) (?P<secret>[\w.~+/=-]{16,})"),
    ("password", ("ardcoded password",), r"ardcoded password[^'\"\n]{0,40}(?P<q>['\"])(?P<secret>.+?)(?P=q)"),
)  # fmt: skip
"""What a secret is, text without which it cannot be there, and its shape; `secret` is the part to mask."""

_SHAPES = tuple((kind, hints, re.compile(shape)) for kind, hints, shape in SHAPES)
_NAME = re.compile(
    "passw|passphrase|pwd|secret|token|credential"
    "|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|encryption[_-]?key"
)
_QUOTED = re.compile(
    rf"(?P<name>{_NAME.pattern})[\w.-]{{0,40}}[\"']?\]?[ \t]{{0,9}}"
    r"(?::[^=\n\"']{0,60}=|[!=:]=|=>?|:)[ \t]{0,9}[bru]{0,2}"
    r"(?P<quote>['\"])(?P<secret>[^'\"\s]{6,256})(?P=quote)",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?:{_NAME.pattern})[\w-]{{0,40}}(?:[ \t]{{0,9}}=[ \t]{{0,9}}|:[ \t]{{1,9}})"
    r"(?P<secret>[A-Za-z0-9][^\s\"'<>{}$%,;:()\[\]]{11,255})(?=[\s\"',;&)\]}]|\Z)",
    re.IGNORECASE,
)
_STRING = re.compile(r"(['\"])(?P<secret>[^'\"\s]{16,256})\1")
_PLACEHOLDER = re.compile(
    r"[x*.#_-]+|<.*>|\$.*|.*[{}].*|%.*|.*://.*|.*(example|placeholder|change.?me|your[_-]|dummy|redacted|masked).*",
    re.IGNORECASE,
)
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY")
_KEY_LONGEST = 20_000
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{16,}")
_BLIND_KEY_LINE = 40
"""Characters of a line that may be part of a key whose end is not in sight."""


class Masker:
    """Masks what looks like a secret, and every place where one of the `known` ones stands alone."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        values = sorted({value for value in known if _random(value)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, values))) if values else None

    def __call__(self, text: str) -> str:
        """Return the text with its likely secrets masked."""
        found = [*_spans(text), *self._standing_alone(text)]
        if not found:
            return text
        pieces, position = [], 0
        for start, end, kind in sorted(found):
            if start >= position:
                pieces += [text[position:start], f"[masked {kind}]"]
            position = max(position, end)
        return "".join([*pieces, text[position:]])

    def model(self, value: M) -> M:
        """Return a model with every text in it masked."""
        return type(value).model_validate(self._walk(value.model_dump()))

    def _standing_alone(self, text: str) -> Iterator[Span]:
        if self._known:
            for match in self._known.finditer(text):
                yield *match.span(), "secret"

    def _walk(self, value: object) -> object:
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {self._walk(key): self._walk(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._walk(one) for one in value)
        return value


masked: Callable[[str], str] = Masker()
"""Return a text with its likely secrets masked."""
Masked = Annotated[str, AfterValidator(masked)]
"""A text of a model that never holds what looks like a secret."""


def likely_secrets(text: str) -> set[str]:
    """Return the values in a text that look like secrets."""
    return {text[start:end] for start, end, _ in _spans(text)}


def _spans(text: str) -> Iterator[Span]:
    yield from _shaped(text)
    yield from _keys(text)
    for start, end in _telling_lines(text):
        yield from _assigned(text, start, end)


def _shaped(text: str) -> Iterator[Span]:
    for kind, hints, shape in _SHAPES:
        if any(hint in text for hint in hints):
            for match in shape.finditer(text):
                yield *match.span("secret" if "secret" in shape.groupindex else 0), kind


def _keys(text: str) -> Iterator[Span]:
    """Find the lines of private keys; where no end is in sight, only what is long enough to be one."""
    position = 0
    while begin := _KEY.search(text, position):
        position = min(len(text), begin.end() + _KEY_LONGEST)
        end = _KEY_END.search(text, begin.end(), position)
        position = end.start() if end else position
        for line in _KEY_LINE.finditer(text, begin.end(), position):
            if end or line.end() - line.start() >= _BLIND_KEY_LINE:
                yield *line.span(), "private key"


def _telling_lines(text: str) -> Iterator[tuple[int, int]]:
    """Find the lines that speak of secrets."""
    lower = text.lower()
    if len(lower) != len(text):  # some letters of some languages have no single small one
        lower = text
    position = 0
    while name := _NAME.search(lower, position):
        start, end = text.rfind("\n", 0, name.start()) + 1, text.find("\n", name.end())
        position = end if end >= 0 else len(text)
        yield start, position


def _assigned(text: str, start: int, end: int) -> Iterator[Span]:
    """Find values given to names that speak of secrets, and strings beside them that nobody would type."""
    for match in _QUOTED.finditer(text, start, end):
        value = match["secret"]
        password = match["name"].lower() in {"passw", "passphrase", "pwd"}
        if not _PLACEHOLDER.fullmatch(value) and (_random(value) or (password and _mixed(value))):
            yield *match.span("secret"), "password" if password else "secret"
    for shape in (_BARE, _STRING):
        for match in shape.finditer(text, start, end):
            if _very_random(match["secret"]) and not _PLACEHOLDER.fullmatch(match["secret"]):
                yield *match.span("secret"), "secret"


def _mixed(value: str) -> bool:
    """Say whether a value has a letter, and a digit or a sign that no name has."""
    return bool(re.search("[A-Za-z]", value) and re.search(r"[^A-Za-z_./:\- ]", value))


def _random(value: str) -> bool:
    long_enough = len(value) >= 8 and re.search("[A-Za-z]", value) and re.search(r"\d", value)
    return bool(long_enough) and _entropy(value) >= 2.8


def _very_random(value: str) -> bool:
    changes = len(re.findall(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])", value))
    return len(value) >= 12 and changes >= 4 and _entropy(value) >= 3.3


def _entropy(value: str) -> float:
    """Return bits per character."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)
