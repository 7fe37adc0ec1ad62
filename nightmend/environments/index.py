"""The package indexes of the user: what uv's own settings say, else what pip's say, as options of uv.

Only the step that downloads is given any of it. Addresses may hold passwords, so they travel in variables and
on standard input, never on a command line, and are taken out of what is told.
"""

import configparser
import netrc
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pydantic import Field

from nightmend.configured.files import strings
from nightmend.frozen import Frozen

PUBLIC = "https://pypi.org/simple"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
PASSED_ON = ("SSL_CERT_FILE", "SSL_CERT_DIR", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_SYSTEM_CERTS")
PIP_SECTIONS = ("global", "download", "install")


class Indexes(Frozen):
    """Where packages come from, and with what right."""

    default: str = PUBLIC
    """Address of the index that all others add to; empty is none."""
    extra: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    """Whose certificates are not looked at."""
    constraints: tuple[str, ...] = ()
    """Lines of the user's own constraint files."""
    best_match: bool = False
    """Whether every index may answer, as pip has it; for uv the first that knows a name does."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Proxies and certificates."""

    @property
    def variables(self) -> dict[str, str]:
        """What uv is told; of a place on this machine, its path."""
        told = {
            "UV_DEFAULT_INDEX": self.default,
            "UV_INDEX": " ".join(self.extra),
            "UV_FIND_LINKS": " ".join(self.find_links),
            "UV_INSECURE_HOST": " ".join(self.trusted_hosts),
            "UV_INDEX_STRATEGY": "unsafe-best-match" if self.best_match else "",
            "UV_NO_INDEX": "" if self.default or self.extra else "1",
        }
        return {**{name: value for name, value in told.items() if value}, **self.environment}

    @property
    def logins(self) -> dict[str, tuple[str, str]]:
        """User and password by host and port, for files that an index keeps."""
        found = {}
        for address in (self.default, *self.extra, *self.find_links):
            parts = urlsplit(address)
            if parts.username is not None:
                login = (unquote(parts.username), unquote(parts.password or ""))
                found[parts.netloc.rpartition("@")[2]] = login
        return found

    @property
    def local(self) -> tuple[Path, ...]:
        """Folders of this machine that serve as index, or that links lead to."""
        places = (_local(address) for address in (self.default, *self.extra, *self.find_links))
        return tuple(dict.fromkeys(place for place in places if place is not None))

    def scrubbed(self, text: str) -> str:
        """Return a text without what the addresses hold of users and passwords."""
        for address in (self.default, *self.extra, *self.find_links):
            text = text.replace(address, _bare(address))
        for user, password in self.logins.values():
            for secret in filter(None, (password, quote(password, safe=""), user if not password else "")):
                text = text.replace(secret, "****")
        return text


def user_indexes(
    environment: Mapping[str, str] | None = None, home: Path | None = None, etc: Path = Path("/etc")
) -> Indexes:
    """Read the settings of whoever runs us: variables before files, uv's before pip's."""
    env = dict(os.environ if environment is None else environment)
    home = home or Path.home()
    uv, pip = _uv_settings(env, home, etc), _pip_settings(env, home, etc)
    chosen = uv if any(uv.get(key) for key in ("default", "extra", "find_links")) else pip
    given = netrc_logins(env, home)
    default = (chosen.get("default") or [PUBLIC])[-1]
    nothing = bool(chosen.get("no_index"))
    return Indexes(
        default="" if nothing else _with_login(default, given),
        extra=() if nothing else tuple(_with_login(one, given) for one in _unique(chosen.get("extra", ()))),
        find_links=tuple(_with_login(one, given) for one in _unique(chosen.get("find_links", ()))),
        trusted_hosts=tuple(_unique((*uv.get("trusted", ()), *pip.get("trusted", ())))),
        constraints=_constraints(pip.get("constraints", ())) if chosen is pip else (),
        best_match=chosen is pip or (uv.get("strategy") or [""])[-1].startswith("unsafe"),
        environment=_surroundings(env, pip),
    )


Settings = dict[str, list[str]]
PIP_KEYS = {
    "index-url": "default", "extra-index-url": "extra", "find-links": "find_links", "trusted-host": "trusted",
    "constraint": "constraints", "cert": "cert", "proxy": "proxy", "no-index": "no_index",
    "timeout": "timeout", "default-timeout": "timeout",
}  # fmt: skip


def _pip_settings(env: Mapping[str, str], home: Path, etc: Path) -> Settings:
    """Merge pip's files as pip does: each key of a later one replaces that of an earlier one."""
    found: Settings = {}
    for path in _pip_files(env, home, etc):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, configparser.Error):
            continue
        for section in PIP_SECTIONS:
            for key, value in parser.items(section) if parser.has_section(section) else ():
                _put(found, key, value)
    for name, value in env.items():
        if name.startswith("PIP_"):
            _put(found, name[4:].lower().replace("_", "-"), value)
    return found


def _put(found: Settings, key: str, value: str) -> None:
    if known := PIP_KEYS.get(key.replace("_", "-")):
        false = known == "no_index" and value.strip().lower() in ("", "0", "false", "no", "off")
        found[known] = [] if false else value.split()


def _pip_files(env: Mapping[str, str], home: Path, etc: Path) -> Iterator[Path]:
    named = env.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    for folder in reversed((env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")):
        yield Path(folder) / "pip" / "pip.conf"
    yield etc / "pip.conf"
    yield home / ".pip" / "pip.conf"
    yield Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if named:
        yield Path(named)


def _uv_settings(env: Mapping[str, str], home: Path, etc: Path) -> Settings:
    found: Settings = {}
    for folder in (etc / "uv", Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "uv"):
        _merge(found, _uv_file(folder / "uv.toml", env))
    if named := env.get("UV_CONFIG_FILE"):
        found = _uv_file(Path(named), env)
    said = {
        "default": env.get("UV_DEFAULT_INDEX") or env.get("UV_INDEX_URL") or "",
        "extra": f"{env.get('UV_INDEX', '')} {env.get('UV_EXTRA_INDEX_URL', '')}",
        "find_links": env.get("UV_FIND_LINKS", "").replace(",", " "),
        "trusted": env.get("UV_INSECURE_HOST", ""),
        "strategy": env.get("UV_INDEX_STRATEGY", ""),
        "no_index": env.get("UV_NO_INDEX", "").replace("0", "").replace("false", ""),
    }
    named_by_variable = {key: [_named(word, env) for word in value.split()] for key, value in said.items()}
    return {**found, **{key: words for key, words in named_by_variable.items() if words}}


def _uv_file(path: Path, env: Mapping[str, str]) -> Settings:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    listed = [entry for entry in table.get("index", ()) if isinstance(entry, dict) and "url" in entry]
    addresses = [(_named(f"{e.get('name', '')}={e['url']}", env), e.get("default")) for e in listed]
    pip = table.get("pip", {})

    def words(key: str) -> list[str]:
        value = pip.get(key, table.get(key))
        return [value] if isinstance(value, str) else list(strings(value))

    return {
        "default": [*words("index-url"), *(address for address, default in addresses if default)],
        "extra": [*(address for address, default in addresses if not default), *words("extra-index-url")],
        "find_links": words("find-links"),
        "trusted": words("allow-insecure-host"),
        "strategy": words("index-strategy"),
        "no_index": ["1"] if pip.get("no-index", table.get("no-index")) is True else [],
    }


def _named(word: str, env: Mapping[str, str]) -> str:
    """Return the address of `name=address`, with the login that uv's variables have for that name."""
    name, separator, address = word.partition("=")
    if not separator or "/" in name or ":" in name:
        return word
    key = "".join(letter if letter.isalnum() else "_" for letter in name).upper()
    user, password = (env.get(f"UV_INDEX_{key}_{part}") for part in ("USERNAME", "PASSWORD"))
    return address if user is None and password is None else _login(address, user or "", password or "")


def _merge(found: Settings, later: Settings) -> None:
    for key, words in later.items():
        if words:
            found[key] = words


def netrc_logins(env: Mapping[str, str], home: Path) -> dict[str, tuple[str, str]]:
    """Read user and password by host from the user's netrc file, where there is one."""
    try:
        hosts = netrc.netrc(env.get("NETRC") or home / ".netrc").hosts
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return {}
    return {host: (login, password or "") for host, (login, _, password) in hosts.items()}


def _with_login(address: str, given: Mapping[str, tuple[str, str]]) -> str:
    parts = urlsplit(address)
    login = given.get(parts.hostname or "")
    return _login(address, *login) if login and "@" not in parts.netloc else address


def _login(address: str, user: str, password: str) -> str:
    parts = urlsplit(address)
    place = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=place)) if parts.netloc else address


def _bare(address: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _constraints(files: Iterable[str]) -> tuple[str, ...]:
    lines: list[str] = []
    for file in files:
        try:
            lines += Path(file).expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            continue
    bare = (line.partition(" #")[0].strip() for line in lines)
    return tuple(line for line in bare if line and not line.startswith(("#", "-")))


def _surroundings(env: Mapping[str, str], pip: Settings) -> dict[str, str]:
    found = {name: env[name] for name in PASSED_ON if env.get(name)}
    for name in PROXIES:
        value = env.get(name) or env.get(name.lower())
        if value:
            found |= {name: value, name.lower(): value}
    if pip.get("proxy"):
        found |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), pip["proxy"][0])
    if pip.get("timeout"):
        found.setdefault("UV_HTTP_TIMEOUT", pip["timeout"][0])
    if pip.get("cert"):
        found["SSL_CERT_FILE"] = pip["cert"][0]
    return found


def _local(address: str) -> Path | None:
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(address).expanduser().absolute() if address and not parts.scheme else None


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
