"""Cleaning one document: normal form, control characters, length, damage, script. Pure functions of the document.

What is not done: no casing, no punctuation, no digits are touched, and joiners (ZWJ, ZWNJ) and zero-width spaces stay,
for Indic scripts, Persian and Khmer are written with them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Document, Lang

_CONTROL = regex.compile(r"[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\uFEFF]")
_SPACE = regex.compile(r"[\p{Z}\t\n\x0B\f\r\x85]+")  # the zero-width space is no \p{Z}


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What makes a document fit. Script share: of its letters, how many are of its language's writing."""

    min_words: int = 1
    max_characters: int = 100_000
    min_script_share: float = 0.5
    min_letter_share: float = 0.3

    def __post_init__(self) -> None:
        if self.min_words < 0 or self.max_characters < 1:
            raise BadInput(f"cleaning: wanted min_words >= 0 and max_characters >= 1, got {self}")
        if not 0.0 <= self.min_script_share <= 1.0 or not 0.0 <= self.min_letter_share <= 1.0:
            raise BadInput(f"cleaning: wanted shares between 0 and 1, got {self}")


def normalize(text: str) -> str:
    """Normal form C, runs of white space as one space, control characters and BOMs gone."""
    spaced = _SPACE.sub(" ", text)
    return unicodedata.normalize("NFC", _CONTROL.sub("", spaced)).strip()


def clean(document: Document, settings: Cleaning) -> Document | str:
    """The cleaned document, or why it is left out."""
    text = normalize(document.text)
    if fault := _fault(text, document.lang, settings):
        return fault
    if text == document.text:
        return document
    return Document(document.id, text, document.lang, document.source, document.parents)


def _fault(text: str, lang: Lang, settings: Cleaning) -> str:
    if not text:
        return "empty"
    if "\ufffd" in text:
        return "damaged (U+FFFD: it was decoded wrongly once)"
    if len(text) > settings.max_characters:
        return f"longer than {settings.max_characters:,} characters"
    if settings.min_words > 1 and len(languages.words(text)) < settings.min_words:
        return f"fewer than {settings.min_words} words"
    counts = languages.script_counts(text)
    letters = counts.total()
    if letters < settings.min_letter_share * (len(text) - text.count(" ")):
        return f"less than {settings.min_letter_share:.0%} letters"
    own = sum(counts[script] for script in languages.scripts_of_writing(lang.script))
    if own < settings.min_script_share * letters:
        return f"less than {settings.min_script_share:.0%} in the script of its language"
    return ""
