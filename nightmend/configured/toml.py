"""Write a table as TOML; the settings of tools are written anew, never handed on as they are."""

import json
from collections.abc import Mapping

from pydantic import JsonValue

from nightmend.configured.files import Table


def to_toml(settings: Table) -> bytes:
    """Write a table as TOML, its sub-tables inline."""
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in settings.items()).encode()


def _value(value: JsonValue) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _key(value) if isinstance(value, str) else json.dumps(value)


def _key(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
