"""The multilingual Bible corpus: verses with ids that agree in all languages (`b.GEN.1.1`).

Source: Christodouloupoulos & Steedman 2015, https://doi.org/10.1007/s10579-014-9287-y;
github.com/christos-c/bible-corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from xml.etree import ElementTree

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Document, Lang, Pair, draft, sealed
from workbench.sources.lines import Report, columns_of, in_blocks, lines, reject

_VERSE = re.compile(r"b\.[0-9A-Z]{3}\.\d+\.\d+[a-z]?")
_Draft = draft(Document)
_VERSES = re.compile(rf"(?:{_VERSE.pattern}\n)*+{_VERSE.pattern}")
_EDITION = re.compile(r"-(?:NT|PART|WEB|tok)\b.*")


def language(stem: str) -> Lang:
    """The language of a file's name: `Manx-PART` -> glv-Latn."""
    return languages.from_source(_EDITION.sub("", stem).lower(), "bible")


def read(path: Path, lang: Lang, report: Report | None = None) -> Iterator[Document]:
    """The verses of `verse id<TAB>text` lines, or of the corpus' own `.xml`; a verse that comes twice is left out.

    Raises: BadInput at file:line.
    """
    seen: set[str] = set()
    source = path.name

    def one(number: int, key: str, text: str) -> Document | None:
        where = f"{path}:{number}"
        if not _VERSE.fullmatch(key):
            reject(report, where, "wanted a verse id such as b.GEN.1.1", key)
        elif key in seen:
            reject(report, where, "a verse that was there before", key)
        elif text := languages.nfc(" ".join(text.split())):
            seen.add(key)
            if report is not None:
                report.rows += 1
            return Document(key, text, lang, source)
        else:
            reject(report, where, "a verse without text", key)
        return None

    def one_line(number: int, line: str) -> Document | None:
        fields = line.split("\t")
        if len(fields) != 2:
            reject(report, f"{path}:{number}", f"wanted a verse id, a tab and a text, not {len(fields)} columns", line)
            return None
        return one(number, *fields)

    def clean(whole: str) -> list[Document] | None:
        whole = languages.nfc(whole)
        columns = columns_of(whole, 2)
        if columns is None:
            return None
        keys, texts = columns
        if not _VERSES.fullmatch("\n".join(keys)) or not seen.isdisjoint(keys) or len(set(keys)) != len(keys):
            return None
        spaced = whole.replace("\t", " ").replace("\n", " ")
        if "  " in spaced or spaced[-1] == " " or not spaced.isprintable():
            texts = [" ".join(text.split()) for text in texts]
            if not all(texts):
                return None
        seen.update(keys)
        if report is not None:
            report.rows += len(texts)
        return sealed(list(map(_Draft, keys, texts, repeat(lang), repeat(source))), Document)

    if path.suffix == ".xml":
        return (made for row in _from_xml(path) if (made := one(*row)) is not None)
    return in_blocks(path, report, clean, one_line)


def pairs(source: Iterable[Document], target: Iterable[Document]) -> list[Pair]:
    """The verses that both have, in the target's order."""
    texts = {verse.id: verse.text for verse in source}
    return [
        Pair(f"bible-{verse.id}", texts[verse.id], verse.text, verse.lang, "translation")
        for verse in target
        if verse.id in texts
    ]


class _Verses:
    """Takes the verses out of the XML as it is parsed, and keeps no tree."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._key: str | None = None
        self._parts: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "seg" and attributes.get("type") == "verse":
            self._key, self._parts = attributes.get("id", ""), []

    def data(self, text: str) -> None:
        if self._key is not None:
            self._parts.append(text)

    def end(self, tag: str) -> None:
        if tag == "seg" and self._key is not None:
            self.found.append((self._key, "".join(self._parts)))
            self._key = None

    def close(self) -> None:
        pass


def _from_xml(path: Path) -> Iterator[tuple[int, str, str]]:
    """Every `<seg type="verse" id="…">`."""
    verses = _Verses()
    parser = ElementTree.XMLParser(target=verses)
    number = 0
    try:
        for number, line in lines(path):
            parser.feed(f"{line}\n")
            for key, text in verses.found:
                yield number, key, text
            verses.found.clear()
        parser.close()
    except ElementTree.ParseError as error:
        raise BadInput(f"{path}:{number}: not whole XML ({error}); fetch it again") from error
