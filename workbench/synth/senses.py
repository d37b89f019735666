"""Which translation of an ambiguous word: by how often it is attested, or by the words around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from workbench.languages import words
from workbench.records import Lexicon, Translation
from workbench.synth.match import Match, uniform
from workbench.synth.vectors import Vectors


def by_weight(match: Match, draw: float, around: Sequence[str]) -> int:
    """In proportion to `Translation.weight`: how often the lexicon's sources say so, or `counted_in` a text."""
    cumulative = np.cumsum([translation.weight for _, translation in match.options])
    return min(int((cumulative <= draw * cumulative[-1]).sum()), len(cumulative) - 1)


def counted_in(lexicon: Lexicon, texts: Iterable[str]) -> Lexicon:
    """The lexicon with each weight multiplied by one plus how often the translation's rarest word is in `texts`."""
    counts = Counter(word.lower() for text in texts for word in words(text))

    def seen(one: Translation) -> Translation:
        found = [counts[word.lower()] for word in words(one.word)]
        return Translation(one.word, one.pos, one.weight * (1 + min(found, default=0)))

    entries = {key: tuple(map(seen, options)) for key, options in lexicon.entries.items()}
    return replace(lexicon, entries=entries)


class ByContext:
    """Senses by embedding: of a word's translations the one whose *other* source words are nearest to the sentence.

    A translation's other source words (`banc`: bank, bench; `glan`: bank, shore) say which sense it is of, in the
    source language, so no text of the target language is needed. A translation that no other word has, or only words
    without a vector, is none's rival: where fewer than two can be compared, the choice is uniform.
    """

    def __init__(self, lexicon: Lexicon, vectors: Vectors) -> None:
        self.vectors = vectors
        keys: dict[str, list[str]] = {}
        for key, options in lexicon.entries.items():
            for one in dict.fromkeys(option.word for option in options):
                keys.setdefault(one, []).append(key)
        self.keys_of: Mapping[str, Sequence[str]] = keys
        self._sense: dict[tuple[str, str], np.ndarray | None] = {}

    def __call__(self, match: Match, draw: float, found: Sequence[str]) -> int:
        if len(match.options) == 1:
            return 0
        senses = [self._of(key, translation.word) for key, translation in match.options]
        known = {number: sense for number, sense in enumerate(senses) if sense is not None}
        around = [*found[: match.first], *found[match.first + match.num_words :]]
        context = self.vectors.mean(around) if len(known) > 1 else None
        if context is None:
            return uniform(match, draw, found)
        return max(known, key=lambda number: float(np.dot(context, known[number])))  # the first of equals

    def _of(self, key: str, word: str) -> np.ndarray | None:
        if (key, word) not in self._sense:
            others = [other for other in self.keys_of.get(word, ()) if other.lower() != key.lower()]
            self._sense[key, word] = self.vectors.mean(part for other in others for part in words(other))
        return self._sense[key, word]
