"""A study written as TOML, to be read, run and changed like any other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml(values: Mapping[str, Any]) -> str:
    """Top-level values, then a section per table; what is deeper stands in its line. None is left out."""
    plain = {name: value for name, value in values.items() if not _is_section(value)}
    text = "".join(f"{_key(name)} = {_value(value)}\n" for name, value in plain.items() if value is not None)
    for name, value in values.items():
        if isinstance(value, list) and _is_section(value):
            text += "".join(f"\n[[{_key(name)}]]\n{_lines(one)}" for one in value)
        elif isinstance(value, Mapping):
            inner = {key: one for key, one in value.items() if isinstance(one, Mapping)}
            rest = {key: one for key, one in value.items() if key not in inner}
            text += f"\n[{_key(name)}]\n{_lines(rest)}" if rest or not inner else ""
            text += "".join(f"\n[{_key(name)}.{_key(key)}]\n{_lines(one)}" for key, one in inner.items())
    return text


def _is_section(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in values.items() if value is not None)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str | bool | int):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float):
        return repr(value)
    raise TypeError(f"no TOML for {value!r}")
