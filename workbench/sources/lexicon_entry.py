"""One row of a bilingual lexicon, cleaned the same way whatever format it comes from."""

from __future__ import annotations

import re
from itertools import repeat
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast
from unicodedata import is_normalized, normalize

from workbench.sources.lines import Report, columns_of, note, reject

# Control characters, lone surrogates, noncharacters, and the character that stands for what could not be decoded.
_DAMAGED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffd\ufffe\uffff]")
_OUTER = "\u200b\ufeff\u2060 "


class Entry(NamedTuple):
    """A source word or phrase and one translation of it."""

    source: str
    target: str
    pos: str = ""
    weight: float = 1.0

    def turned(self) -> Entry:
        return Entry(self.target, self.source, self.pos, self.weight)


def entry(
    source: str, target: str, pos: str, weight: float, path: Path, at: int | str, report: Report | None
) -> Entry | None:
    """The cleaned entry, or None where a side is empty or damaged and `report` has taken that down.

    Raises: BadInput in that case when there is no `report`.
    """
    if not pos and _is_clean(source) and _is_clean(target):
        return Entry(source, target, "", weight)
    left, right = clean(source), clean(target)
    if not left or not right:
        reject(report, f"{path}:{at}", f"an empty {'target' if left else 'source'} side", f"{source}\t{target}")
        return None
    if _DAMAGED.search(f"{left}{right}{pos}"):
        reject(report, f"{path}:{at}", "a control character or a damaged one", f"{left}\t{right}")
        return None
    if report is not None and not (is_normalized("NFC", source) and is_normalized("NFC", target)):
        note(report, f"{path}:{at}", "put in normal form C", f"{source}\t{target}")
    return Entry(left, right, " ".join(pos.split()), weight)


def clean(text: str) -> str:
    """Normal form C, spaces within made one, spaces and zero-width spaces at the ends taken off."""
    return " ".join(normalize("NFC", text).split()).strip(_OUTER)


def _is_clean(text: str) -> bool:
    """Whether there is surely nothing to clean: the usual case, told fast (what is printable has no odd spaces)."""
    return (
        text.isprintable()
        and text != ""
        and text[0] != " " != text[-1]
        and "  " not in text
        and "\ufffd" not in text
        and (text.isascii() or is_normalized("NFC", text))
    )


def clean_rows(whole: str, columns: Literal[2, 3]) -> list[Entry] | None:
    """The entries of lines (parted by `\\n`) that hold nothing to clean or to refuse, else None.

    The same as `entry` makes of each, but looked through at once. A part of speech may be empty.
    """
    fields = columns_of(whole, columns)
    sides = f"\n{whole}\n".replace("\t", "\n")
    if (
        fields is None
        or not (all(fields[0]) and all(fields[1]))
        or any(odd in sides for odd in ("  ", " \n", "\n ", "\ufffd"))
        or not sides.replace("\n", " ").isprintable()
        or not (sides.isascii() or is_normalized("NFC", sides))
    ):
        return None
    pos = fields[2] if columns == 3 else repeat("")
    return list(map(_new, repeat(Entry), zip(fields[0], fields[1], pos, repeat(1.0), strict=False)))


_new = cast(Any, tuple.__new__)  # all that `Entry._make` does


def leave_out(report: Report | None, path: Path, at: int | str, reason: str, got: str) -> None:
    """Count what is sound but no part of the lexicon that was asked for: never an error."""
    if report is not None:
        report.drop(reason, f"{path}:{at}: {got[:80]!r}")
