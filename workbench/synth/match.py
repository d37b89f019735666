"""Find lexicon entries in running text and put their translations in place: phrases, casing, punctuation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.languages import word_spans
from workbench.records import Lexicon, Translation

Shape = Literal["lower", "title", "upper", "uncased"]

DOTTED_I = frozenset({"tur", "aze", "azj", "crh", "gag"})  # their Latin "i" has the capital "İ"


def shape(text: str) -> Shape:
    """How `text` is cased; one capital letter alone counts as title case."""
    cased = [char for char in text if char.upper() != char.lower()]
    if not cased:
        return "uncased"
    if len(cased) > 1 and all(char.isupper() for char in cased):
        return "upper"
    return "lower" if cased[0].islower() else "title"


def capitalised(text: str, code: str) -> str:
    """`text` with its first letter in title case (Unicode's: Georgian stays as it is, Turkish i becomes İ)."""
    if text[:1] == "i" and code in DOTTED_I:
        return "İ" + text[1:]
    return text[:1].title() + text[1:]


def carry_case(found: str, key: str, word: str, code: str) -> str:
    """The translation `word` of entry `key`, cased as the text's `found` is.

    Where text and key are cased alike, the translation stays as listed (`Monday` -> `dydd Llun`).
    """
    wanted, listed = shape(found), shape(key)
    if wanted == listed or wanted == "uncased":
        return word
    match wanted:
        case "upper":
            return word.replace("i", "İ").upper() if code in DOTTED_I else word.upper()
        case "title":
            return word if listed == "upper" else capitalised(word, code)
        case "lower":
            return word[:1].lower() + word[1:] if shape(word) == listed == "title" else word


@dataclass(frozen=True, slots=True)
class Match:
    """One lexicon entry found in a text: its words are `first` to `first + num_words`."""

    first: int
    num_words: int
    options: tuple[tuple[str, Translation], ...]


@dataclass(frozen=True, slots=True)
class Substituted:
    """A text after substitution; `num_replaced` counts words of the original, not entries."""

    text: str
    num_words: int
    num_replaced: int
    matches: tuple[Match, ...]


class PhraseIndex:
    """A lexicon made ready for lookup: longest phrase first, the text's own casing first, then any casing.

    A key is looked up by its words and what stands between them, blanks collapsed; punctuation around it is ignored,
    and is then taken off its translations too. Keys without a word, or longer than `max_phrase` words, are left out
    and counted in `num_unusable`.
    """

    def __init__(self, lexicon: Lexicon, max_phrase: int) -> None:
        exact: dict[str, list[tuple[str, Translation]]] = {}
        folded: dict[str, list[tuple[str, Translation]]] = {}
        self.longest: dict[str, int] = {}
        self.num_unusable = 0
        self.code = lexicon.target.code
        for entry, translations in lexicon.entries.items():
            spans = word_spans(entry)
            if not spans or len(spans) > max_phrase:
                self.num_unusable += 1
                continue
            key = " ".join(entry[spans[0][0] : spans[-1][1]].split())
            options = [(key, _without_edges(word) if key != entry else word) for word in translations]
            exact.setdefault(key, []).extend(options)
            folded.setdefault(key.lower(), []).extend(options)
            first = entry[slice(*spans[0])].lower()
            self.longest[first] = max(self.longest.get(first, 0), len(spans))
        self.exact: Mapping[str, tuple[tuple[str, Translation], ...]] = {k: tuple(v) for k, v in exact.items()}
        self.folded: Mapping[str, tuple[tuple[str, Translation], ...]] = {k: tuple(v) for k, v in folded.items()}

    def matches(self, text: str, spans: list[tuple[int, int]]) -> list[Match]:
        """The entries found in `text`, left to right, each the longest that starts at its word."""
        found: list[Match] = []
        position = 0
        while position < len(spans):
            start, end = spans[position]
            longest = min(self.longest.get(text[start:end].lower(), 0), len(spans) - position)
            for num_words in range(longest, 0, -1):
                phrase = text[start : spans[position + num_words - 1][1]]
                if num_words > 1:
                    phrase = " ".join(phrase.split())
                options = self.exact.get(phrase) or self.folded.get(phrase.lower())
                if options:
                    found.append(Match(position, num_words, options))
                    position += num_words
                    break
            else:
                position += 1
        return found


def _without_edges(translation: Translation) -> Translation:
    spans = word_spans(translation.word)
    if not spans:
        return translation
    return Translation(translation.word[spans[0][0] : spans[-1][1]], translation.pos, translation.weight)


def substitute(text: str, index: PhraseIndex, rate: float, rng: np.random.Generator) -> Substituted:
    """Replace a share `rate` of the entries found in `text`, each by one of its translations, drawn uniformly.

    Everything else, punctuation and blanks too, stays as it is.

    Random: draws two numbers per word of `text`, whatever is found: lexicons with the same keys replace the same words.
    """
    spans = word_spans(text)
    matches = index.matches(text, spans)
    if not matches:
        return Substituted(text, len(spans), 0, ())
    draws = rng.random((2, len(spans)))
    pieces: list[str] = []
    cursor = num_replaced = 0
    for match in matches:
        if draws[0, match.first] >= rate:
            continue
        key, translation = match.options[int(draws[1, match.first] * len(match.options))]
        start, end = spans[match.first][0], spans[match.first + match.num_words - 1][1]
        pieces += [text[cursor:start], carry_case(text[start:end], key, translation.word, index.code)]
        cursor = end
        num_replaced += match.num_words
    result = "".join([*pieces, text[cursor:]])
    if text[:1].isupper() and result[:1].islower():
        result = capitalised(result, index.code)
    return Substituted(result, len(spans), num_replaced, tuple(matches))
