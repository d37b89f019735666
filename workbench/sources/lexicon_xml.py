"""Lexicons in XML: FreeDict's TEI and Apertium's bilingual `.dix`, streamed entry by entry.

A document type declaration is refused: with it come entity definitions, by which a small file can grow without bound
or read other files. What lies outside entries is not held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.sources.lexicon_entry import Entry, entry, leave_out
from workbench.sources.lines import Report, lines, reject

MAX_DEPTH = 100
_XML_LANG = "http://www.w3.org/XML/1998/namespace lang"


def elements(path: Path, name: str, *, within: str, roots: tuple[str, ...]) -> Iterator[tuple[int, Element]]:
    """(line number, element) for each outermost `name` somewhere inside a `within`, of a file with one of these roots.

    Namespaces are taken off element names. Raises: BadInput where the file is not well-formed XML or has a DTD.
    """
    reader = _Reader(path, name, within, roots)
    for _, line in lines(path):  # always strict: an XML file with a line left out is another file
        reader.feed(line + "\n")
        yield from reader.ready()
    reader.feed("", last=True)
    yield from reader.ready()


class _Reader:
    def __init__(self, path: Path, name: str, within: str, roots: tuple[str, ...]) -> None:
        self.path, self.name, self.within, self.roots = path, name, within, roots
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.builder: TreeBuilder | None = None
        self.open: list[str] = []
        self.inside = self.line = 0
        self.done: list[tuple[int, Element]] = []

    def feed(self, text: str, last: bool = False) -> None:
        try:
            self.parser.Parse(text.encode(), last)
        except expat.ExpatError as error:
            place = f"{self.path}:{error.lineno}:{error.offset + 1}"
            raise BadInput(f"{place}: not well-formed XML ({expat.ErrorString(error.code)}); fetch it again") from error

    def ready(self) -> Iterator[tuple[int, Element]]:
        yield from self.done
        self.done.clear()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if not self.open and local not in self.roots:
            self.bad(f"wanted the root element {' or '.join(self.roots)}, got {local!r}; is it another format?")
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

    def refuse(self, *declared: object) -> None:
        self.bad("it declares a document type (<!DOCTYPE …>), which may define entities; remove the declaration")

    def bad(self, what: str) -> NoReturn:
        raise BadInput(f"{self.path}:{self.parser.CurrentLineNumber}: {what}")


def text_of(element: Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


# FreeDict


def freedict(path: Path, target: Lang, report: Report | None) -> Iterator[Entry]:
    """Each headword (`form/orth`) with each translation (`cit[@type='trans']/quote`, or `trans/tr` of TEI P4).

    The part of speech is the nearest `gramGrp/pos`. A translation marked `xml:lang` as another language is left out.

    Source: https://github.com/freedict/fd-dictionaries/wiki/FreeDict-HOWTO
    """
    for number, element in elements(path, "entry", within="body", roots=("TEI", "TEI.2")):
        heads = [text_of(orth) for form in element.findall("form") for orth in form.iter("orth")]
        translations = list(_translations(element, ""))
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
    pos = text_of(element.find("gramGrp/pos")) or text_of(element.find("pos")) or pos
    for child in element:
        if child.tag == "cit" and child.get("type") in {"trans", "translation", "translationEquivalent"}:
            own = text_of(child.find("gramGrp/pos")) or pos
            for quote in child.findall("quote"):
                yield text_of(quote), own, quote.get(_XML_LANG) or child.get(_XML_LANG) or ""
        elif child.tag == "trans":
            for tr in child.iter("tr"):
                yield text_of(tr), pos, child.get(_XML_LANG) or ""
        elif child.tag in {"sense", "hom", "entry"}:
            yield from _translations(child, pos)


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
        if one := entry(_lemma(left), _lemma(right), pos, 1.0, path, number, report):
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
