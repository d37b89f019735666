"""What a bilingual lexicon is worth: its shape, its faults, and how much of a text its entries cover.

Words are compared without case. Nothing here judges a translation: it counts what can be counted, and shows examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from workbench import languages
from workbench.errors import BadInput
from workbench.languages import mixed_script_words, script_of, scripts_of_writing, words
from workbench.records import Document, Lang, Lexicon
from workbench.sources.language_id import Profiles

NUM_EXAMPLES = 5
NUM_MISSING = 10

# Shares of the smaller file's rows found in another language's file. Of the 14,706 pairs of GATITOS's 172 files the
# highest are 0.66 (Bhojpuri and Magahi) and 0.63 (Kongo and Kituba), seven are above 0.4, and the median is 0.
NEARLY_THE_SAME = 0.9
CLOSE = 0.6
# Of 234 files of GATITOS and WECHSEL one has more target letters in another script: WECHSEL's Tatar, half in Latin.
WRONG_SCRIPT = 0.4
# Nats per n-gram. With profiles of SIB-200 no right file of those is above 0.05 (Twi, which reads like Akan); GATITOS's
# Tswana read as Tsonga is at 0.97.
MAX_LEAD = 0.1


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a text the entries of one side of a lexicon match, phrases by longest match.

    Units: tokens are running words, types distinct words without case.
    """

    lang: Lang
    num_tokens: int
    num_covered_tokens: int
    num_types: int
    num_covered_types: int
    most_frequent_missing: tuple[tuple[str, int], ...]

    @property
    def token_rate(self) -> float:
        return self.num_covered_tokens / self.num_tokens if self.num_tokens else 0.0

    @property
    def type_rate(self) -> float:
        return self.num_covered_types / self.num_types if self.num_types else 0.0


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts over one lexicon. `faults` counts distinct pairs, and `examples` shows some of each."""

    origin: str
    licence: str
    source: Lang
    target: Lang
    num_sources: int
    num_rows: int
    num_pairs: int
    num_ambiguous: int
    most_translations: int
    num_multiword_sources: int
    num_multiword_targets: int
    faults: Mapping[str, int]
    examples: Mapping[str, tuple[str, ...]]
    coverage: tuple[Coverage, ...] = field(default=())

    @property
    def num_duplicates(self) -> int:
        return self.num_rows - self.num_pairs

    @property
    def translations_per_source(self) -> float:
        return self.num_pairs / self.num_sources


def report(lexicon: Lexicon, documents: Iterable[Document] | None = None) -> Quality:
    """Count the shape and the faults of a lexicon, and its coverage of `documents` in either of its languages.

    Raises: BadInput for a document in a third language.
    """
    pairs = [(word, target) for word, targets in distinct(lexicon).items() for target in targets]
    num_words = {text: len(words(text)) for pair in pairs for text in pair}
    per_source = [len(targets) for targets in distinct(lexicon).values()]
    faults: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for word, target in pairs:
        for fault in _faults(word, target, lexicon, num_words):
            faults[fault] += 1
            if len(shown := examples.setdefault(fault, [])) < NUM_EXAMPLES:
                shown.append(f"{word} = {target}")
    return Quality(
        origin=lexicon.origin,
        licence=lexicon.licence,
        source=lexicon.source,
        target=lexicon.target,
        num_sources=len(lexicon.entries),
        num_rows=sum(len(targets) for targets in lexicon.entries.values()),
        num_pairs=len(pairs),
        num_ambiguous=sum(number > 1 for number in per_source),
        most_translations=max(per_source, default=0),
        num_multiword_sources=sum(num_words[word] > 1 for word in lexicon.entries),
        num_multiword_targets=sum(num_words[target] > 1 for _, target in pairs),
        faults=dict(faults.most_common()),
        examples={fault: tuple(shown) for fault, shown in examples.items()},
        coverage=() if documents is None else tuple(coverage(lexicon, documents)),
    )


def distinct(lexicon: Lexicon) -> dict[str, dict[str, None]]:
    """Source -> its distinct translations, in order; parts of speech apart count once."""
    return {word: dict.fromkeys(one.word for one in targets) for word, targets in lexicon.entries.items()}


def _faults(word: str, target: str, lexicon: Lexicon, num_words: Mapping[str, int]) -> Iterator[str]:
    if word.casefold() == target.casefold():
        yield "both sides the same"
    for text, lang in ((word, lexicon.source), (target, lexicon.target)):
        if not num_words[text]:
            yield "a side without a word"
        elif (found := script_of(text)) is not None and found not in _scripts(lang):
            yield f"{lang.code} not written in {lang.script}"
        if mixed_script_words(text):
            yield "a word of mixed scripts (homoglyphs?)"
        if "(" in text or "[" in text:
            yield "a note in brackets"


def _scripts(lang: Lang) -> frozenset[str]:
    return scripts_of_writing(lang.script) | {lang.script}


def coverage(lexicon: Lexicon, documents: Iterable[Document]) -> Iterator[Coverage]:
    """Coverage of the documents in each of the lexicon's languages, by the entries of that side."""
    sides = {
        lexicon.source: lexicon.entries.keys(),
        lexicon.target: {target for targets in distinct(lexicon).values() for target in targets},
    }
    counts = {lang: _Counts(entries) for lang, entries in sides.items()}
    for document in documents:
        if document.lang not in counts:
            wanted = f"{lexicon.source} or {lexicon.target}"
            raise BadInput(f"document {document.id!r}: wanted text in {wanted}, got {document.lang}")
        counts[document.lang].add(words(document.text))
    yield from (found.coverage(lang) for lang, found in counts.items() if found.tokens)


class _Counts:
    """Tokens of a text, and those that phrases of a lexicon match: the longest phrase from each word on."""

    def __init__(self, entries: Iterable[str]) -> None:
        self.phrases: dict[str, list[tuple[str, ...]]] = {}
        for phrase in {tuple(words(text.casefold())) for text in entries} - {()}:
            self.phrases.setdefault(phrase[0], []).append(phrase)
        for starting in self.phrases.values():
            starting.sort(key=len, reverse=True)
        self.tokens: Counter[str] = Counter()
        self.covered: Counter[str] = Counter()

    def add(self, text: list[str]) -> None:
        tokens = [word.casefold() for word in text]
        self.tokens.update(tokens)
        position = 0
        while position < len(tokens):
            length = self._match(tokens, position)
            self.covered.update(tokens[position : position + length])
            position += max(length, 1)

    def _match(self, tokens: list[str], position: int) -> int:
        for phrase in self.phrases.get(tokens[position], ()):
            if tuple(tokens[position : position + len(phrase)]) == phrase:
                return len(phrase)
        return 0

    def coverage(self, lang: Lang) -> Coverage:
        missing = self.tokens - self.covered
        ranked = sorted(missing.items(), key=lambda item: (-item[1], item[0]))[:NUM_MISSING]
        return Coverage(
            lang, self.tokens.total(), self.covered.total(), len(self.tokens), len(self.covered), tuple(ranked)
        )


# Files that hold another language's words


@dataclass(frozen=True, slots=True)
class Suspect:
    """Two lexicons, said to be of different languages, whose rows are the same to a degree."""

    first: str
    second: str
    kind: Literal["identical", "nearly the same", "close"]
    num_shared: int
    shared_rate: float


def suspects(lexicons: Mapping[str, Lexicon], threshold: float = CLOSE) -> list[Suspect]:
    """Pairs of lexicons of different languages that share too many rows: one of them may hold the other's language.

    The rate is of the smaller one's distinct rows, those with both sides the same left out (they prove nothing).
    Lexicons of the same language, or filed under its macrolanguage, are not compared.
    """
    rows = {
        name: {(word, target) for word, targets in distinct(lexicon).items() for target in targets if word != target}
        for name, lexicon in lexicons.items()
    }
    same = {
        name: {lexicon.target.code, *(lang.code for lang in languages.counterparts(lexicon.target))}
        for name, lexicon in lexicons.items()
    }
    found = []
    for first, second in combinations(lexicons, 2):
        if lexicons[first].source != lexicons[second].source or not (rows[first] and rows[second]):
            continue
        if lexicons[second].target.code in same[first]:
            continue
        num_shared = len(rows[first] & rows[second])
        rate = num_shared / min(len(rows[first]), len(rows[second]))
        if rate >= threshold:
            kind = _kind(rate, rows[first] == rows[second])
            found.append(Suspect(first, second, kind, num_shared, rate))
    return sorted(found, key=lambda one: (-one.shared_rate, one.first, one.second))


@dataclass(frozen=True, slots=True)
class Misfit:
    """A lexicon whose target side looks unlike its language; `amount` is a share of letters, or nats per n-gram."""

    name: str
    target: Lang
    kind: Literal["wrong script", "wrong language"]
    found: str
    amount: float


def misfits(lexicons: Mapping[str, Lexicon], profiles: Profiles | None = None) -> Iterator[Misfit]:
    """Lexicons much of whose target side is in another script or, by language profiles, in another language.

    One whose language has no profile is judged by its script alone.
    """
    for name, lexicon in lexicons.items():
        text = " ".join(target for targets in distinct(lexicon).values() for target in targets)
        letters = languages.script_counts(text)
        others = {script: number for script, number in letters.items() if script not in _scripts(lexicon.target)}
        if others and (rate := sum(others.values()) / letters.total()) > WRONG_SCRIPT:
            most = max(sorted(others), key=others.__getitem__)
            yield Misfit(name, lexicon.target, "wrong script", most, rate)
        elif profiles is not None and lexicon.target in profiles.langs:
            beaten = profiles.lead_of_another(text, lexicon.target)
            if beaten is not None and beaten[0] > MAX_LEAD:
                yield Misfit(name, lexicon.target, "wrong language", beaten[1].tag, beaten[0])


def _kind(rate: float, equal: bool) -> Literal["identical", "nearly the same", "close"]:
    if equal:
        return "identical"
    return "nearly the same" if rate >= NEARLY_THE_SAME else "close"
