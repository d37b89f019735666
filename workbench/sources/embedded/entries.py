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
CATALOGUES = frozenset({"kolibri", "homeassistant", "wagtail", "django"})

_EDGES = re.compile(r"^[\s\"'“”„«»‘’:.,;!?¿¡*–—-]+|[\s\"“”„«»:.,;!?*։–—-]+$")
_OWN_ELLIPSIS = re.compile(r"(?<=\w)…$")  # "Loading…"; a gap stands alone: "Add …"
_UNFIT = re.compile(rf"[0-9()\[\]/,;:|+=<>“”\"&@#%*!?{GAP}]")
_WORD_START = re.compile(r"^[^\W\d_]")


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


def build(
    lang: Lang,
    terms: Iterable[Term],
    casings: tuple[Casing, Casing],
    held_out: tuple[HeldOut, HeldOut],
    tally: Tally,
    names: frozenset[str],
) -> list[Row]:
    """The lexicon of one language, sorted by English; `casings` and `held_out` are English's and the language's.

    Labels lose the capital they begin with, but for `names` (`May`, `Georgian`); so do their translations.
    Of many translations of one entry the `MAX_TRANSLATIONS` most attested stay, the first met before later ones.
    """
    counts: Counter[tuple[str, str]] = Counter()
    sources: dict[tuple[str, str], list[str]] = {}
    pos: dict[tuple[str, str], str] = {}
    for term in terms:
        english, word = tidy(term.english), tidy(term.text)
        if term.source in CATALOGUES and english not in names:
            english = casings[0].lowered(english)
        if english.islower() and lang.code not in NOUNS_CAPITALISED:
            word = casings[1].lowered(word)
        flaw = (
            "abbreviation" if term.source == "django" and _SHORT_DATE.fullmatch(english) else _flaw(english, word, lang)
        )
        if flaw:
            tally.drop(f"lexicon: {flaw}", lang, f"{term.english} | {term.text}")
            continue
        if held_out[0].meets(english) or held_out[1].meets(word):
            tally.drop("lexicon: is or contains a held-out string", lang, f"{english} | {word}")
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


def _flaw(english: str, word: str, lang: Lang) -> str:
    source_words, target_words = words(english), words(word)
    if not source_words or not target_words:
        return "empty side"
    if _UNFIT.search(english) or _UNFIT.search(word) or not _WORD_START.match(english):
        return "signs, digits or gaps"
    if not any(len(found) > 1 for found in source_words) or english.isupper():
        return "abbreviation"
    if len(source_words) > MAX_ENGLISH_WORDS or len(target_words) > MAX_WORDS:
        return "too long"
    if english.lower() == word.lower():
        return "same as English"
    if not in_script(word, lang):
        return "wrong script"
    return ""
