"""Concepts that lexicons share: a pivot word, and the words of other languages that it is translated by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.errors import BadInput
from workbench.languages import word_spans
from workbench.records import Lang, Lexicon


@dataclass(frozen=True, slots=True)
class Concepts:
    """Concept n, from 1, is the pivot word `names[n - 1]`; `words` gives each language's words (in lower case) theirs.

    A word that translates several has the one that stands first.
    """

    names: tuple[str, ...]
    words: Mapping[Lang, Mapping[str, int]]


def shared(lexicons: Sequence[Lexicon], texts: Iterable[str], number: int) -> Concepts:
    """The `number` single words that most of the lexicons translate by single words; then those most frequent in the
    pivot's `texts`.

    Raises: BadInput where no word of the texts is in a lexicon, or the lexicons are not all of one pivot.
    """
    pivots = {lexicon.source for lexicon in lexicons}
    if len(pivots) != 1:
        raise BadInput(f"concepts: wanted lexicons of one pivot, got {sorted(lang.tag for lang in pivots)}")
    translated = [_single(lexicon) for lexicon in lexicons]
    in_how_many = Counter(key for words in translated for key in words)
    frequency: Counter[str] = Counter()
    for text in texts:
        frequency.update(text[start:end].lower() for start, end in word_spans(text))
    known = [word for word in in_how_many if frequency[word]]
    if not known:
        raise BadInput(f"concepts: no word of the pivot's text is in a lexicon of {len(lexicons)}; use larger ones")
    names = tuple(sorted(known, key=lambda word: (-in_how_many[word], -frequency[word], word))[:number])
    words: dict[Lang, dict[str, int]] = {pivots.pop(): {name: place for place, name in enumerate(names, 1)}}
    for lexicon, found in zip(lexicons, translated, strict=True):
        own = words.setdefault(lexicon.target, {})
        for place, name in enumerate(names, 1):
            for word in found.get(name, ()):
                own.setdefault(word, place)
    return Concepts(names, words)


def _single(lexicon: Lexicon) -> dict[str, list[str]]:
    """Entries of one word on both sides, in lower case."""
    found: dict[str, list[str]] = {}
    for key, translations in lexicon.entries.items():
        if len(word_spans(key)) == 1:
            words = [one.word.lower() for one in translations if len(word_spans(one.word)) == 1]
            if words:
                found.setdefault(key.lower(), []).extend(words)
    return found
