"""Lexicons in XML: FreeDict's TEI and Apertium's bilingual `.dix`, streamed entry by entry.

A document type may be named (`<!DOCTYPE TEI SYSTEM "freedict-P5.dtd">`) but is never read, and no entity may be
defined: by entities a small file could grow without bound or read other files. A character written as an entity of a
document type that is not read would vanish, so that too is refused. What lies outside entries is not held in memory.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn, cast
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.records import Lang
from workbench.sources.lexicon_entry import Entry, entry, leave_out
from workbench.sources.lines import Report, note, reject

MAX_DEPTH = 100
CHUNK_BYTES = 1 << 16
_XML_LANG = "http://www.w3.org/XML/1998/namespace lang"


def elements(path: Path, name: str, *, within: str, roots: tuple[str, ...]) -> Iterator[tuple[int, Element]]:
    """(line number, element) for each outermost `name` somewhere inside a `within`, of a file with one of these roots.

    Namespaces are taken off element names; the encoding is the one that the file declares. Raises: BadInput where the
    file is not well-formed XML, or defines or needs entities.
    """
    reader = _Reader(path, name, within, roots)
    with _open(path) as file:
        try:
            while chunk := file.read(CHUNK_BYTES):
                reader.feed(chunk)
                yield from reader.ready()
        except (lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError) as error:
            raise BadInput(f"{path}: the archive is damaged or cut short ({error}); fetch it again") from error
        except OSError as error:
            if error.errno is None:
                raise BadInput(f"{path}: not a whole {path.suffix} archive ({error}); fetch it again") from error
            raise Unavailable(f"{path}: reading stopped: {error}") from error
    reader.feed(b"", last=True)
    yield from reader.ready()


def _open(path: Path) -> IO[bytes]:
    try:
        match path.suffix:
            case ".gz":
                return cast(IO[bytes], gzip.open(path, "rb"))
            case ".xz":
                return cast(IO[bytes], lzma.open(path, "rb"))
            case ".bz2":
                return cast(IO[bytes], bz2.open(path, "rb"))
            case _:
                return path.open("rb")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(f"{path}: {error.strerror}; wanted a file; check the path, or fetch the data set") from error
    except OSError as error:
        raise Unavailable(f"{path}: cannot be opened: {error.strerror}") from error


class _Reader:
    def __init__(self, path: Path, name: str, within: str, roots: tuple[str, ...]) -> None:
        self.path, self.name, self.within, self.roots = path, name, within, roots
        self.parser = expat.ParserCreate(None, " ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.EntityDeclHandler = self.entity
        self.parser.SkippedEntityHandler = self.skipped
        self.builder: TreeBuilder | None = None
        self.open: list[str] = []
        self.inside = self.line = 0
        self.done: list[tuple[int, Element]] = []

    def feed(self, chunk: bytes, last: bool = False) -> None:
        try:
            self.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            place = f"{self.path}:{error.lineno}:{error.offset + 1}"
            raise BadInput(f"{place}: not well-formed XML ({expat.ErrorString(error.code)}); fetch it again") from error
        except (LookupError, ValueError) as error:
            raise BadInput(f"{self.path}:1: unknown encoding ({error}); convert it to UTF-8") from error

    def ready(self) -> Iterator[tuple[int, Element]]:
        yield from self.done
        self.done.clear()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if not self.open and local not in self.roots:
            self.bad(f"wanted the root element {' or '.join(self.roots)}, got {local[:40]!r}; is it another format?")
        if self.builder is None and local == self.name and self.within in self.open:
            self.builder, self.inside = TreeBuilder(), len(self.open)
            self.line = self.parser.CurrentLineNumber
        self.open.append(local)
        if len(self.open) > MAX_DEPTH:
            self.bad(f"elements nested more than {MAX_DEPTH} deep")
        if self.builder is not None:
            self.builder.start(local, attributes)

    def end(self, name: str) -> None:
        local = self.open.pop()
        if self.builder is not None:
            self.builder.end(local)
            if len(self.open) == self.inside:
                self.done.append((self.line, self.builder.close()))
                self.builder = None

    def data(self, text: str) -> None:
        if self.builder is not None:
            self.builder.data(text)

    def entity(self, name: str, is_parameter: bool, value: str | None, *_: str | None) -> None:
        if not (is_parameter and value is not None and re.fullmatch("[A-Za-z]*", value)):  # TEI P4's % switch "INCLUDE"
            self.bad(f"it defines the entity {name[:40]!r}; write its characters in its place and take it out")

    def skipped(self, name: str, is_parameter: bool) -> None:
        if not is_parameter:
            self.bad(f"&{name[:40]}; is an entity of a document type that is not read; write its character instead")

    def bad(self, what: str) -> NoReturn:
        raise BadInput(f"{self.path}:{self.parser.CurrentLineNumber}: {what}")


def text_of(element: Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


# FreeDict


MAX_DEFINITION_WORDS = 5


def freedict(path: Path, target: Lang, report: Report | None) -> Iterator[Entry]:
    """Each headword (`form/orth`) with each translation: `cit[@type='trans']/quote`, or `trans/tr` of TEI P4.

    An entry that has none of these may have `def`: its parts between commas and semicolons are taken as translations
    (and noted), save those of more than 5 words, which describe. The part of speech is the nearest `pos`. A
    translation marked `xml:lang` as another language is left out.

    Source: https://github.com/freedict/fd-dictionaries/wiki/FreeDict-HOWTO
    """
    for number, element in elements(path, "entry", within="body", roots=("TEI", "TEI.2")):
        heads = [text_of(orth) for form in element.findall("form") for orth in form.iter("orth")]
        translations = list(_translations(element, ""))
        if not translations and (translations := list(_definitions(element, path, number, report))):
            note(report, f"{path}:{number}", "translations taken from a definition", translations[0][0])
        if not heads:
            reject(report, f"{path}:{number}", "an entry without a headword (form/orth)", text_of(element))
        elif not translations:
            leave_out(report, path, number, "an entry without a translation", heads[0])
        for word, pos, marked in translations:
            if marked and not _is_same(marked, target):
                leave_out(report, path, number, "a translation marked as another language", f"{marked}: {word}")
                continue
            for head in heads:
                if found := entry(head, word, pos, 1.0, path, number, report):
                    yield found


def _translations(element: Element, pos: str) -> Iterator[tuple[str, str, str]]:
    """(text, part of speech, xml:lang) of the translations below an element."""
    pos = _pos(element) or pos
    for child in element:
        marked = child.get(_XML_LANG) or ""
        if child.tag == "cit" and child.get("type") in {"trans", "translation", "translationEquivalent"}:
            for quote in child.findall("quote"):
                yield text_of(quote), _pos(child) or pos, quote.get(_XML_LANG) or marked
        elif child.tag == "trans":
            for tr in child.iter("tr"):
                yield text_of(tr), _pos(child) or pos, marked
        elif child.tag in {"sense", "hom", "entry"}:
            yield from _translations(child, pos)


def _definitions(
    element: Element, path: Path, number: int, report: Report | None, pos: str = ""
) -> Iterator[tuple[str, str, str]]:
    """As `_translations`, of `def`: `sea, ocean`; commas in brackets part nothing, notes inside are left out."""
    pos = _pos(element) or pos
    for child in element:
        if child.tag == "def":
            for part in _parts(child):
                if len(part.split()) > MAX_DEFINITION_WORDS:
                    leave_out(report, path, number, "a definition, not a translation", part)
                else:
                    yield part, pos, child.get(_XML_LANG) or ""
        elif child.tag in {"sense", "hom", "entry"}:
            yield from _definitions(child, path, number, report, pos)


def _parts(definition: Element) -> list[str]:
    texts = [definition.text or ""]
    for child in definition:
        texts += ["" if child.tag == "note" else text_of(child), child.tail or ""]
    parts: list[list[str]] = [[]]
    depth = 0
    for piece in re.split("([,;()])", "".join(texts)):
        depth += (piece == "(") - (piece == ")" and depth > 0)
        if piece in {",", ";"} and depth == 0:
            parts.append([])
        else:
            parts[-1].append(piece)
    return [text for part in parts if (text := " ".join("".join(part).split()))]


def _pos(element: Element) -> str:
    return text_of(element.find("gramGrp/pos")) or text_of(element.find("pos"))


def _is_same(marked: str, target: Lang) -> bool:
    try:
        found = languages.from_source(marked, "bcp47").code
    except BadInput:
        return False
    return found == target.code or found in {other.code for other in languages.counterparts(target)}


# Apertium


def apertium(path: Path, report: Report | None, *, reverse: bool = False) -> Iterator[Entry]:
    """Left -> right lemma pairs; the part of speech is the left side's first symbol.

    Entries for the other direction only (`r="RL"`; with `reverse` `r="LR"`), ignored ones (`i="yes"`), regular
    expressions and pairs whose text is in a paradigm alone are left out and counted.

    Source: https://wiki.apertium.org/wiki/Bilingual_dictionary, and the DTD's elements e, p, l, r, i, s, b, g, j, re.
    """
    other_way = "LR" if reverse else "RL"
    for number, item in elements(path, "e", within="section", roots=("dictionary",)):
        if item.get("i") == "yes":
            leave_out(report, path, number, "an entry marked as ignored", text_of(item))
        elif item.get("r") == other_way:
            leave_out(report, path, number, f"an entry for the other direction only (r={other_way!r})", text_of(item))
        elif (expression := item.find("re")) is not None:
            leave_out(report, path, number, "a regular expression", text_of(expression))
        else:
            yield from _pairs(item, path, number, report)


def _pairs(item: Element, path: Path, number: int, report: Report | None) -> Iterator[Entry]:
    found = [(part.find("l"), part.find("r")) for part in item.findall("p")]
    found += [(same, same) for same in item.findall("i")]
    if not found:
        leave_out(report, path, number, "an entry whose words are in a paradigm alone", text_of(item))
    for left, right in found:
        symbol = left.find("s") if left is not None else None
        pos = symbol.get("n", "") if symbol is not None else ""
        words = _lemma(left), _lemma(right)
        if not words[0].strip() or not words[1].strip():
            leave_out(report, path, number, "a word without a counterpart, left to the grammar", "".join(words))
        elif one := entry(*words, pos, 1.0, path, number, report):
            yield one


def _lemma(side: Element | None) -> str:
    """The words of a side: `<b/>` is a space, `<j/>` joins with `+`, symbols are left out."""
    if side is None:
        return ""
    parts = [side.text or ""]
    for child in side:
        match child.tag:
            case "b":
                parts.append(" ")
            case "j":
                parts.append("+")
            case "g":
                parts.append(_lemma(child))
        parts.append(child.tail or "")
    return "".join(parts)
