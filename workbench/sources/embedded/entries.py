"""From terms of many sources to one English -> X lexicon: cleaned, cased, counted, and free of held-out strings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from workbench import languages
from workbench.languages import nfc
from workbench.records import Lang
from workbench.sources.embedded.annotations import Term
from workbench.sources.embedded.messages import GAP, in_script
from workbench.sources.embedded.tally import Tally

MAX_ENGLISH_WORDS, MAX_WORDS = 4, 6
MAX_TRANSLATIONS = 3
_SHORT_DATE = re.compile("jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun", re.IGNORECASE)
NOUNS_CAPITALISED = frozenset({"deu", "ltz"})
HELD_OUT = "is or contains a held-out string"
CATALOGUES = frozenset({"kolibri", "homeassistant", "wagtail", "django"})

_EDGES = re.compile(r"^[\s\"'“”„«»‘’:.,;!?¿¡*–—-]+|[\s\"“”„«»:.,;!?*։–—-]+$")
_OWN_ELLIPSIS = re.compile(r"(?<=\w)…$")  # "Loading…"; a gap stands alone: "Add …"
_UNFIT = re.compile(rf"[0-9()\[\]/,;:|+=<>“”\"&@#%*!?{GAP}]")


words = lru_cache(maxsize=1 << 16)(languages.words)  # the same English labels come once per language


@dataclass(frozen=True, slots=True)
class Row:
    """One translation of an English word or phrase; `weight` counts how often the sources say so."""

    english: str
    word: str
    pos: str
    weight: int
    sources: tuple[str, ...]


class Casing:
    """How words are cased inside running text, to undo the capital that a label begins with."""

    def __init__(self, texts: Iterable[str], keep_unseen: bool) -> None:
        self._capital: Counter[str] = Counter()
        self._lower: Counter[str] = Counter()
        self._keep_unseen = keep_unseen
        for text in texts:
            for word in languages.words(text)[1:]:
                if word[:1].isupper():
                    self._capital[word.lower()] += 1
                else:
                    self._lower[word.lower()] += 1

    def lowered(self, label: str) -> str:
        """The label with its title-case words in lower case, but for those that text writes with a capital.

        Of words that the text does not have, the first is lowered (unless `keep_unseen`), later ones are kept.
        """
        pieces, end = [], 0
        for number, (start, stop) in enumerate(languages.word_spans(label)):
            word = label[start:stop]
            lower = word[0].lower() + word[1:]
            if len(word) > 1 and word[0].isupper() and word[1:] == word[1:].lower():
                seen_capital, seen_lower = self._capital[word.lower()], self._lower[word.lower()]
                keep = seen_capital > seen_lower if seen_capital or seen_lower else self._keep_unseen or number > 0
                word = word if keep else lower
            pieces += [label[end:start], word]
            end = stop
        return "".join([*pieces, label[end:]])


class HeldOut:
    """Strings that no lexicon entry may be or contain."""

    def __init__(self, sentences: Iterable[str], requests: Iterable[str] = ()) -> None:
        """`sentences` may not be contained; `requests` (short commands) may not be the entry, unless one word."""
        self._sentences = {_key(sentence) for sentence in sentences}
        self._requests = {key for request in requests if len(key := _key(request)) > 1}
        self._longest = max(map(len, self._sentences), default=0)

    def meets(self, entry: str) -> bool:
        key = _key(entry)
        if key in self._requests:
            return True
        return any(
            key[start:end] in self._sentences
            for start in range(len(key))
            for end in range(start + 1, min(start + self._longest, len(key)) + 1)
        )


def _key(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in words(text))


def tidy(text: str) -> str:
    """A label without the punctuation around it."""
    return " ".join(_OWN_ELLIPSIS.sub("", _EDGES.sub("", nfc(text))).split())


class English:
    """The English side of all lexicons: how its keys are cased, and which may not be."""

    def __init__(self, casing: Casing, held_out: HeldOut, names: frozenset[str]) -> None:
        """`names` (`May`, `Georgian`) keep the capital that other labels lose."""
        self._casing, self._held_out, self._names = casing, held_out, names
        self._known: dict[tuple[str, bool, bool], tuple[str, str]] = {}

    def entry(self, term: Term) -> tuple[str, str]:
        """A term's key in the lexicon, and what is wrong with it (nothing: "")."""
        asked = (term.english, term.source in CATALOGUES, term.source == "django")
        if asked not in self._known:
            self._known[asked] = self._entry(*asked)
        return self._known[asked]

    def _entry(self, label: str, is_message: bool, may_be_date: bool) -> tuple[str, str]:
        english = tidy(label)
        if is_message and english not in self._names:
            english = self._casing.lowered(english)
        flaw = _flaw(english, MAX_ENGLISH_WORDS)
        if not flaw and (
            english.isupper()
            or not any(len(found) > 1 for found in words(english))
            or (may_be_date and _SHORT_DATE.fullmatch(english))
        ):
            flaw = "abbreviation"
        if not flaw and not english[0].isalpha():
            flaw = "signs, digits or gaps"
        if not flaw and self._held_out.meets(english):
            flaw = HELD_OUT
        return english, flaw


def build(
    lang: Lang, terms: Iterable[Term], english_side: English, casing: Casing, held_out: HeldOut, tally: Tally
) -> list[Row]:
    """The lexicon of one language, sorted by English; `casing` and `held_out` are the language's.

    Of many translations of one entry the `MAX_TRANSLATIONS` most attested stay, the first met before later ones.
    """
    counts: Counter[tuple[str, str]] = Counter()
    sources: dict[tuple[str, str], list[str]] = {}
    pos: dict[tuple[str, str], str] = {}
    for term in terms:
        english, flaw = english_side.entry(term)
        word = tidy(term.text)
        if english.islower() and lang.code not in NOUNS_CAPITALISED:
            word = casing.lowered(word)
        flaw = flaw or _flaw(word, MAX_WORDS) or _target_flaw(english, word, lang, held_out)
        if flaw:
            tally.drop(f"lexicon: {flaw}", lang, f"{term.english} | {term.text}")
            continue
        counts[english, word] += 1
        if term.source not in sources.setdefault((english, word), []):
            sources[english, word].append(term.source)
        pos.setdefault((english, word), term.pos)
    by_english: dict[str, list[tuple[str, str]]] = {}
    for key in counts:
        by_english.setdefault(key[0], []).append(key)
    return list(_best(by_english, counts, sources, pos, lang, tally))


def _best(
    by_english: dict[str, list[tuple[str, str]]],
    counts: Counter[tuple[str, str]],
    sources: dict[tuple[str, str], list[str]],
    pos: dict[tuple[str, str], str],
    lang: Lang,
    tally: Tally,
) -> Iterator[Row]:
    for english in sorted(by_english):
        ordered = sorted(by_english[english], key=lambda key: -counts[key])
        for key in ordered[MAX_TRANSLATIONS:]:
            tally.drop("lexicon: rarer translation", lang, " | ".join(key))
        for key in ordered[:MAX_TRANSLATIONS]:
            yield Row(english, key[1], pos[key], counts[key], tuple(sources[key]))


def _flaw(text: str, max_words: int) -> str:
    found = words(text)
    if not found:
        return "empty side"
    if _UNFIT.search(text):
        return "signs, digits or gaps"
    return "too long" if len(found) > max_words else ""


def _target_flaw(english: str, word: str, lang: Lang, held_out: HeldOut) -> str:
    if english.lower() == word.lower():
        return "same as English"
    if not in_script(word, lang):
        return "wrong script"
    return HELD_OUT if held_out.meets(word) else ""
