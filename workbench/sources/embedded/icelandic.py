"""Icelandic paradigms from the Database of Modern Icelandic Inflection (BÍN), as islenska-data packs it.

The packed file (format "Greynir 05.00.00", described in tools/binpack.py of https://github.com/mideind/BinPackage)
holds a radix trie of word forms, the readings of each form, and for each lemma its forms as differences from one to the
next. Only what lists the paradigm of an attested lemma is read here. Text is Latin-1, numbers little-endian uint32.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from struct import unpack_from

from workbench.errors import BadInput
from workbench.seeds import derive

SIGNATURE = b"Greynir 05.00.00"
MEMBER = "islenska_data/compressed.bin"
LEMMAS = {"N": 600, "V": 250, "ADJ": 60}  # sampled per part of speech: at most some 20,000 cells in all
CLASSES = {"kk": "N", "kvk": "N", "hk": "N", "so": "V", "lo": "ADJ"}

_NO_READING = 0x7FFFFF
_TEMPLATE, _DROPPED = 0x80000000, 0x40000000
_CASES = {"NF": "NOM", "ÞF": "ACC", "ÞGF": "DAT", "EF": "GEN"}
_NUMBERS = {"ET": "SG", "FT": "PL"}
_GENDERS = {"KK": "MASC", "KVK": "FEM", "HK": "NEUT"}
_NOUN = re.compile(r"(NF|ÞF|ÞGF|EF)(ET|FT)(gr)?")
_FINITE = re.compile(r"GM-(FH|VH)-(NT|ÞT)-([123])P-(ET|FT)")
_OTHER_VERBAL = {"GM-NH": "V;NFIN", "GM-BH-ET": "V;IMP;2;SG", "GM-BH-FT": "V;IMP;2;PL", "LHNT": "V.PTCP;PRS"}
_ADJECTIVE = re.compile(r"(FSB|FVB)-(KK|KVK|HK)-(NF|ÞF|ÞGF|EF)(ET|FT)")


class PackedDictionary:
    """The packed file in memory."""

    def __init__(self, data: bytes) -> None:
        if data[:16] != SIGNATURE:
            raise BadInput(f"{MEMBER}: wanted the format {SIGNATURE.decode()!r}, got {data[:16]!r}")
        self._data = data
        offsets = unpack_from("<11I", data, 16)
        self._readings, self._trie, self._lemmas, self._templates, self._meanings, alphabet = offsets[:6]
        self._alphabet = alphabet + 4

    def _word(self, offset: int) -> int:
        return int.from_bytes(self._data[offset : offset + 4], "little")

    def readings(self, form: str) -> list[tuple[int, str, str]]:
        """(lemma number, word class, inflection tag) of a form; empty if it is not listed or not Latin-1."""
        index = self._find(form.encode("latin-1", "replace"))
        return [] if index is None else list(self._readings_at(index))

    def paradigm(self, lemma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The lemma's own form, and (form, word class, inflection tag) of all its forms; none for packed compounds."""
        name, forms = self._forms(lemma)
        return name, [
            (form, kind, tag) for form in forms for number, kind, tag in self.readings(form) if number == lemma
        ]

    def _find(self, wanted: bytes) -> int | None:
        node = self._trie
        while wanted:
            head = self._word(node)
            if head & 0x40000000:  # a leaf
                return None
            for child in range(self._word(node + 4)):
                node_of_child = self._word(node + 8 + 4 * child)
                fragment = self._fragment(node_of_child)
                if wanted.startswith(fragment):
                    node, wanted = node_of_child, wanted[len(fragment) :]
                    break
            else:
                return None
        index = self._word(node) & _NO_READING
        return None if index == _NO_READING else index

    def _fragment(self, node: int) -> bytes:
        head = self._word(node)
        if head & 0x80000000:  # one character, by its place in the alphabet
            place = self._alphabet + ((head >> 23) & 0x7F) - 1
            return self._data[place : place + 1]
        start = node + 4 if head & 0x40000000 else node + 8 + 4 * self._word(node + 4)
        return self._data[start : self._data.index(0, start)]

    def _readings_at(self, index: int) -> Iterator[tuple[int, str, str]]:
        lemma, at = 0, self._readings + 4 * index
        while True:
            first = self._word(at)
            at += 4
            if first & 0x60000000 == 0x60000000:  # one word: lemma, and one of the 255 commonest meanings
                lemma, meaning = first & 0xFFFFF, ((first >> 20) & 0xFF) - 1
            elif first & 0x60000000 == 0x40000000:  # one word: another meaning of the same lemma
                meaning = (first >> 14) & 0x3FF
            else:
                lemma, meaning = first & 0xFFFFF, (self._word(at) >> 14) & 0x3FF
                at += 4
            start = self._word(self._meanings + 4 * meaning)
            kind, tag = self._data[start : start + 24].decode("latin-1").split()[:2]
            yield lemma, kind, tag
            if first & 0x80000000:
                return

    def _forms(self, lemma: int) -> tuple[str, list[str]]:
        record = self._word(self._lemmas + 4 * lemma)
        flags, length = self._word(record), self._data[record + 4]
        own = self._data[record + 5 : record + 5 + length]
        if flags & _DROPPED:
            return own.decode("latin-1"), []
        found = [own]
        if flags & _TEMPLATE:
            at = self._templates + self._word(record + 4 + (length + 4 & ~3))
            form = own
            while change := self._data[at]:
                at += 1
                if change & 0x80:
                    cut, added = change & 0x7F, self._data[at]
                    at += 1
                else:
                    cut = change >> 3
                    added = cut + (change & 3) - (change & 4)
                form = form[: len(form) - cut] + self._data[at : at + added]
                at += added
                found.append(form)
        return own.decode("latin-1"), [form.decode("latin-1") for form in found]


def unimorph(kind: str, tag: str) -> str | None:
    """The UniMorph features (https://unimorph.github.io/schema) of BÍN's word class and tag.

    None for what is left out: variants (a digit at the end), middle voice, supine, past participle, comparison. Weak
    adjectives are the definite ones.
    """
    match CLASSES.get(kind):
        case "N" if noun := _NOUN.fullmatch(tag):
            return f"N;{_CASES[noun[1]]};{_NUMBERS[noun[2]]};{'DEF' if noun[3] else 'INDF'}"
        case "V" if finite := _FINITE.fullmatch(tag):
            mood, tense = ("IND" if finite[1] == "FH" else "SBJV"), ("PRS" if finite[2] == "NT" else "PST")
            return f"V;{mood};{tense};{finite[3]};{_NUMBERS[finite[4]]}"
        case "V":
            return _OTHER_VERBAL.get(tag)
        case "ADJ" if adjective := _ADJECTIVE.fullmatch(tag):
            definite = "INDF" if adjective[1] == "FSB" else "DEF"
            gender, case, number = _GENDERS[adjective[2]], _CASES[adjective[3]], _NUMBERS[adjective[4]]
            return f"ADJ;{gender};{case};{number};{definite}"
        case _:
            return None


def cells(data: bytes, attested: Iterable[str]) -> list[tuple[str, str, str]]:
    """(lemma, form, features) of up to `LEMMAS` lemmas with a form among the `attested` words, sorted.

    Of forms that share a cell the first listed is kept.

    Random: lemmas in the order of `seeds.derive(0, "lemma", number)`.
    """
    dictionary = PackedDictionary(data)
    by_class: dict[str, set[int]] = {name: set() for name in LEMMAS}
    for word in sorted(set(attested)):
        for number, kind, _ in dictionary.readings(word):
            if kind in CLASSES:
                by_class[CLASSES[kind]].add(number)
    found: list[tuple[str, str, str]] = []
    for name, numbers in by_class.items():
        wanted = LEMMAS[name]
        for number in sorted(numbers, key=lambda number: derive(0, "lemma", number)):
            lemma, forms = dictionary.paradigm(number)
            table: dict[str, str] = {}
            for form, kind, tag in forms:
                if features := unimorph(kind, tag):
                    table.setdefault(features, form)
            if len(table) < 2 or not lemma.islower():  # packed compounds, fixed words, names
                continue
            found += [(lemma, form, features) for features, form in table.items()]
            wanted -= 1
            if not wanted:
                break
    return sorted(found)
