"""From a user-interface message to plain text: placeholders, plural rules, markup and escapes taken away."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Literal

from workbench.languages import nfc, script_counts, scripts_of_writing, words
from workbench.records import Lang

GAP = "…"  # is shown where a program would put a name or a number
_MARK = "\ue000"  # stands there meanwhile: a message may have an ellipsis of its own
Style = Literal["icu", "printf"]
Flaw = Literal["malformed message", "web address or code", "no words", "mostly gaps", "too long"]

MAX_WORDS = 80

_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_PRINTF = re.compile(r"%\(\s*\w+\s*\)[sdifr]|%[-+0]?[0-9]*(?:\.[0-9]+)?[sdifr](?![^\W\d_])|\{[^{}]*\}")
_BREAK = re.compile(r"<\s*/?\s*(?:br|p|li|ul|ol|div|h[1-6])\b[^>]*>|\\n", re.IGNORECASE)
_TAG = re.compile(r"<\s*/?\s*[A-Za-z][^<>]*>")
_STARRED = re.compile(r"\*([^*\s](?:[^*]*[^*\s])?)\*")
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()]*)\)")
_CODE = re.compile(r"https?:|www\.|\w@\w|[{}<>\\|=]|\w_\w|/\w+/|\.(?:com|org|io|py|html|yaml|json)\b|&\w+;|%[(\w]|\$")
_GAPS = re.compile(rf"{_MARK}(?:[\s,.:;/()-]*{_MARK})+")


class MalformedError(ValueError):
    """A message whose braces do not match."""


@lru_cache(maxsize=1 << 16)
def plain(message: str, style: Style) -> str | Flaw:
    """What a reader would see of a message, each inserted value shown as `…`; or why it is of no use (a `Flaw`)."""
    try:
        text = icu_other(message) if style == "icu" else _PRINTF.sub(_MARK, message).replace("%%", "%")
    except MalformedError:
        return "malformed message"
    text = _LINK.sub(r"\1", _TAG.sub("", _BREAK.sub(" ", text)))
    text = _STARRED.sub(r"\1", html.unescape(text).replace("**", ""))
    text = text.replace("`", "").translate(_INVISIBLE).replace("...", GAP)
    text = _GAPS.sub(_MARK, " ".join(nfc(text).split()))
    found = words(text)
    if not any(len(word) > 1 and not word.isdigit() for word in found):
        return "no words"
    if _CODE.search(text):
        return "web address or code"
    if text.count(_MARK) * 2 > len(found):
        return "mostly gaps"
    return text.replace(_MARK, GAP) if len(found) <= MAX_WORDS else "too long"


def icu_other(message: str) -> str:
    """An ICU MessageFormat pattern with each argument as one private-use character, plurals and selects as for `other`.

    Raises: MalformedError. Source: https://unicode-org.github.io/icu/userguide/format_parse/messages/ (its apostrophe
    quoting is not followed: these catalogues use apostrophes as apostrophes).
    """
    text, end = _icu_text(message, 0, depth=0, in_plural=False)
    if end != len(message):
        raise MalformedError(message)
    return text


def _icu_text(message: str, at: int, depth: int, in_plural: bool) -> tuple[str, int]:
    pieces: list[str] = []
    while at < len(message):
        char = message[at]
        if char == "{":
            piece, at = _icu_argument(message, at + 1, depth)
            pieces.append(piece)
        elif char == "}":
            if depth == 0:
                raise MalformedError(message)
            return "".join(pieces), at
        else:
            pieces.append(_MARK if char == "#" and in_plural else char)
            at += 1
    if depth:
        raise MalformedError(message)
    return "".join(pieces), at


_BRANCH = re.compile(r"\s*(?:offset:\s*\d+\s*)?(=?[\w-]+)\s*\{")


def _icu_argument(message: str, at: int, depth: int) -> tuple[str, int]:
    head = re.compile(r"\s*[\w.-]*\s*(?:(\})|,\s*(\w+)\s*)").match(message, at)
    if head is None or depth > 20:
        raise MalformedError(message)
    at = head.end()
    if head[1]:
        return _MARK, at
    if head[2] not in ("plural", "select", "selectordinal"):
        _, at = _icu_text(message, at, depth + 1, in_plural=False)
        return _MARK, at + 1
    branches: dict[str, str] = {}
    at += message.startswith(",", at)
    while branch := _BRANCH.match(message, at):
        text, at = _icu_text(message, branch.end(), depth + 1, in_plural=head[2] != "select")
        branches[branch[1]] = text
        at += 1
    closing = re.compile(r"\s*\}").match(message, at)
    if closing is None or "other" not in branches:
        raise MalformedError(message)
    return branches["other"], closing.end()


def in_script(text: str, lang: Lang, share: float = 0.5) -> bool:
    """Whether at least `share` of the letters belong to the language's script."""
    if text.isascii():
        return lang.script == "Latn" and any(map(str.isalpha, text))
    counts = script_counts(text)
    wanted = scripts_of_writing(lang.script)
    return sum(counts[script] for script in wanted) >= share * sum(counts.values()) > 0


def mostly_english(text: str, english: str, share: float = 0.6) -> bool:
    """Whether a translation still consists of the English sentence's words (names and half-translated messages do)."""
    source = {word.lower() for word in words(english)}
    found = [word.lower() for word in words(text)]
    return bool(found) and sum(word in source for word in found) >= share * len(found)
