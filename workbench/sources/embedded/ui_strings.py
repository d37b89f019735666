"""Message catalogues of translated programs: English strings and what they are in other languages."""

from __future__ import annotations

import gettext
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from workbench.records import Lang
from workbench.sources.embedded.locales import files_of
from workbench.sources.embedded.messages import Flaw, Style, in_script, mostly_english, plain
from workbench.sources.embedded.tally import Tally

_MO = re.compile(r".*/locale/(?P<code>[^/]+)/LC_MESSAGES/[^/]+\.mo")
_KOLIBRI = re.compile(r"kolibri/locale/(?P<code>[^/]+)/LC_MESSAGES/(?P<file>[^/]+\.json)")
_FRONTEND = re.compile(r"hass_frontend/static/translations/(?:[^/]+/)?(?P<code>[A-Za-z-]+)-[0-9a-f]{32}\.json")
PSEUDO_LOCALES = frozenset({"ach_UG", "en_GB", "en-GB", "en_AU"})  # Kolibri's ach_UG is its in-context pseudo language
_FLAWS = frozenset(get_args(Flaw))


@dataclass(frozen=True, slots=True)
class Message:
    """One string of a program in English and in another language."""

    source: str
    lang: Lang
    english: str
    text: str


def read_gettext(archive: zipfile.ZipFile, source: str, langs: frozenset[Lang], tally: Tally) -> Iterator[Message]:
    """Messages of `.mo` catalogues. Of a plural the form for one is taken; msgctxt is dropped."""
    for lang, match in _files(archive, _MO, langs):
        catalogue: Any = gettext.GNUTranslations(io.BytesIO(archive.read(match[0])))
        form_for_one = catalogue.plural(1)
        for key, text in catalogue._catalog.items():  # the only way to list a catalogue's messages
            msgid, form = key if isinstance(key, tuple) else (key, form_for_one)
            if msgid and text and form == form_for_one:
                yield from _message(source, lang, msgid.rpartition("\x04")[2], text, "printf", tally)


def read_kolibri(archive: zipfile.ZipFile, source: str, langs: frozenset[Lang], tally: Tally) -> Iterator[Message]:
    english = {
        match["file"]: json.loads(archive.read(name))
        for name in archive.namelist()
        if (match := _KOLIBRI.fullmatch(name)) and match["code"] == "en"
    }
    for lang, match in _files(archive, _KOLIBRI, langs):
        originals = english.get(match["file"], {})
        for key, text in json.loads(archive.read(match[0])).items():
            if text and key in originals:
                yield from _message(source, lang, originals[key], text, "icu", tally)


def read_frontend(archive: zipfile.ZipFile, source: str, langs: frozenset[Lang], tally: Tally) -> Iterator[Message]:
    """Home Assistant's pages; an untranslated string is the English one there and so falls out."""
    english: dict[str, str] = {}
    for name in archive.namelist():
        if (match := _FRONTEND.fullmatch(name)) and match["code"] == "en":
            english |= json.loads(archive.read(name))
    for lang, match in _files(archive, _FRONTEND, langs):
        for key, text in json.loads(archive.read(match[0])).items():
            if text and key in english:
                yield from _message(source, lang, english[key], text, "icu", tally)


def _files(
    archive: zipfile.ZipFile, place: re.Pattern[str], langs: frozenset[Lang]
) -> Iterator[tuple[Lang, re.Match[str]]]:
    return files_of(archive.namelist(), place, langs, skip=PSEUDO_LOCALES.__contains__)


def _message(source: str, lang: Lang, english: str, text: str, style: Style, tally: Tally) -> Iterator[Message]:
    """The pair as plain text, unless it is of no use; why not is counted in `tally`."""
    example = f"{english} | {text}"
    if lang.code == "eng":
        text = english
    elif text == english:
        return tally.drop(f"{source}: same as English", lang, example)
    source_side, target_side = plain(english, style), plain(text, style)
    for side in (source_side, target_side):
        if side in _FLAWS:
            return tally.drop(f"{source}: {side}", lang, example)
    if lang.code != "eng":
        if target_side == source_side:
            return tally.drop(f"{source}: same as English", lang, example)
        if not in_script(target_side, lang):
            return tally.drop(f"{source}: wrong script", lang, example)
        if mostly_english(target_side, source_side):
            return tally.drop(f"{source}: mostly English", lang, example)
    yield Message(source, lang, source_side, target_side)
