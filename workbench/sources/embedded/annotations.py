"""Unicode CLDR as a lexicon: emoji and symbols, languages, territories, months, days, units."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from workbench.records import Lang
from workbench.sources.embedded.locales import files_of, lang_of
from workbench.sources.embedded.tally import Tally

_FILE = re.compile(r"scribe_data/unicode/cldr-annotations-full/annotations/(?P<code>[A-Za-z-]+)/annotations\.json")
_UNCOLLECTED = re.compile(r"↑↑|\bE\d+\b")  # CLDR's marks for "inherited" and "not collected yet"
UNITS = (
    "duration-year", "duration-month", "duration-week", "duration-day", "duration-hour", "duration-minute",
    "duration-second", "length-meter", "length-kilometer", "length-centimeter", "length-mile", "mass-kilogram",
    "mass-gram", "volume-liter", "temperature-celsius", "energy-calorie", "power-watt", "concentr-percent",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Annotation:
    """A symbol's name and the keywords besides it."""

    name: str
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """English and its translation, as one source has them; `source` names it."""

    english: str
    text: str
    source: str
    pos: str = field(default="")


def read_annotations(
    archive: zipfile.ZipFile, langs: frozenset[Lang], tally: Tally
) -> dict[Lang, dict[str, Annotation]]:
    """Symbol -> annotation for every wanted language that has them (plain codes win over regional ones)."""
    found: dict[Lang, dict[str, Annotation]] = {}
    for lang, match in files_of(archive.namelist(), _FILE, langs):
        if lang not in found:
            symbols = json.loads(archive.read(match[0]))["annotations"]["annotations"]
            found[lang] = dict(_annotations(symbols, lang, tally))
    return found


def _annotations(
    symbols: Mapping[str, Mapping[str, list[str]]], lang: Lang, tally: Tally
) -> Iterator[tuple[str, Annotation]]:
    for symbol, entry in symbols.items():
        name = entry.get("tts", [""])[0]
        if not name or _UNCOLLECTED.search(name):
            tally.drop("annotations: no name", lang, f"{symbol} {name}")
            continue
        keywords = tuple(word for word in entry.get("default", ()) if word != name and not _UNCOLLECTED.search(word))
        yield symbol, Annotation(name, keywords)


def annotation_terms(english: Mapping[str, Annotation], other: Mapping[str, Annotation]) -> Iterator[Term]:
    """Names aligned by symbol; keywords only where both languages have exactly one besides the name."""
    for symbol, annotation in english.items():
        if translated := other.get(symbol):
            yield Term(annotation.name, translated.name, "cldr-annotations")
            if len(annotation.keywords) == len(translated.keywords) == 1:
                yield Term(annotation.keywords[0], translated.keywords[0], "cldr-keywords")


@lru_cache(maxsize=1)
def _locales() -> Mapping[Lang, str]:
    """The plainest locale that Babel has for each language."""
    from babel.localedata import locale_identifiers

    found: dict[Lang, str] = {}
    for identifier in sorted(locale_identifiers(), key=lambda name: (len(name), name)):
        lang = lang_of(identifier)
        if lang is not None:
            found.setdefault(lang, identifier)
    return found


def name_terms(lang: Lang) -> Iterator[Term]:
    """Names in Babel's CLDR of languages, territories, months, days and units; nothing where it lacks the language."""
    from babel import Locale
    from babel.units import get_unit_name

    identifier = _locales().get(lang)
    if identifier is None:
        return
    english, other = Locale.parse("en"), Locale.parse(identifier)
    tables = [(english.languages, other.languages), (english.territories, other.territories)]
    for table in ("months", "days"):
        tables.append((getattr(english, table)["stand-alone"]["wide"], getattr(other, table)["stand-alone"]["wide"]))
    for source_side, target_side in tables:
        for key in source_side:
            if key in target_side:
                yield Term(source_side[key], target_side[key], "cldr-names")
    for unit in UNITS:
        source_name, target_name = get_unit_name(unit, "long", "en"), get_unit_name(unit, "long", identifier)
        if source_name and target_name:
            yield Term(source_name, target_name, "cldr-names")


@lru_cache(maxsize=1)
def english_names() -> frozenset[str]:
    """The English names in Babel that `name_terms` translates and that are written with a capital."""
    from babel import Locale

    english = Locale.parse("en")
    tables = [english.languages, english.territories]
    tables += [getattr(english, table)["stand-alone"]["wide"] for table in ("months", "days")]
    return frozenset(name for table in tables for name in table.values() if name[:1].isupper())


def territory_names(lang: Lang, codes: tuple[str, ...]) -> list[str]:
    from babel import Locale

    identifier = _locales().get(lang)
    territories = Locale.parse(identifier).territories if identifier else {}
    return [territories[code] for code in codes if code in territories]
