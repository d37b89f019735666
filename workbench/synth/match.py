"""Find lexicon entries in running text and put their translations in place: phrases, casing, punctuation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from workbench.languages import word_spans
from workbench.records import Lexicon, Translation

Shape = Literal["lower", "title", "upper", "uncased"]
Option = tuple[str, Translation]  # the entry's key, and one of its translations

DOTTED_I = frozenset({"tur", "aze", "azj", "crh", "gag"})  # their Latin "i" has the capital "İ"
_UNDOTTED = str.maketrans({"İ": "i", "I": "ı"})


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


def _uncapitalised(text: str, code: str) -> str:
    first = text[:1].translate(_UNDOTTED) if code in DOTTED_I else text[:1]
    return first.lower() + text[1:]


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
            return _uncapitalised(word, code) if shape(word) == listed == "title" else word


@dataclass(frozen=True, slots=True)
class Match:
    """One lexicon entry found in a text: its words are `first` to `first + num_words`."""

    first: int
    num_words: int
    options: tuple[Option, ...]


# Which of a match's options: told a number in [0, 1), and the words of the text it stands in.
Choose = Callable[[Match, float, Sequence[str]], int]


class Draws(Protocol):
    """A numpy generator, or `keyed.Keyed`: uniform numbers in [0, 1)."""

    def random(self, size: tuple[int, ...]) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class Substituted:
    """A text after substitution; `num_replaced` counts words of the original (`words`), not entries."""

    text: str
    words: tuple[str, ...]
    num_replaced: int
    matches: tuple[Match, ...]

    @property
    def num_words(self) -> int:
        return len(self.words)


class PhraseIndex:
    """A lexicon made ready for lookup: longest phrase first, the text's own casing first, then any casing.

    A key is looked up by its words and what stands between them, blanks collapsed; punctuation around it is ignored,
    and is then taken off its translations too. Keys that are not `is_usable` are left out.
    """

    def __init__(self, lexicon: Lexicon, max_phrase: int) -> None:
        exact: dict[str, list[Option]] = {}
        folded: dict[str, list[Option]] = {}
        self.longest: dict[str, int] = {}
        self.code = lexicon.target.code
        for entry, translations in lexicon.entries.items():
            spans = word_spans(entry)
            if not spans or len(spans) > max_phrase:
                continue
            key = " ".join(entry[spans[0][0] : spans[-1][1]].split())
            options = [(key, _without_edges(word) if key != entry else word) for word in translations]
            exact.setdefault(key, []).extend(options)
            folded.setdefault(key.lower(), []).extend(options)
            first = entry[slice(*spans[0])].lower()
            self.longest[first] = max(self.longest.get(first, 0), len(spans))
        self.exact: Mapping[str, tuple[Option, ...]] = {k: tuple(v) for k, v in exact.items()}
        self.folded: Mapping[str, tuple[Option, ...]] = {k: tuple(v) for k, v in folded.items()}

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


def is_usable(entry: str, max_phrase: int) -> bool:
    """Whether text can be found to hold this entry: it has words, and not too many."""
    return 0 < len(word_spans(entry)) <= max_phrase


def _without_edges(translation: Translation) -> Translation:
    spans = word_spans(translation.word)
    if not spans:
        return translation
    return Translation(translation.word[spans[0][0] : spans[-1][1]], translation.pos, translation.weight)


def uniform(match: Match, draw: float, words: Sequence[str]) -> int:
    """Every listed translation alike, so that one listed twice counts twice."""
    return int(draw * len(match.options))


def substitute(text: str, index: PhraseIndex, rate: float, rng: Draws, choose: Choose = uniform) -> Substituted:
    """Replace a share `rate` of the entries found in `text`, each by the translation that `choose` picks.

    Everything else, punctuation and blanks too, stays as it is.

    Random: draws two numbers per word of `text`, whatever is found: lexicons with the same keys replace the same words.
    """
    spans = word_spans(text)
    words = tuple(text[start:end] for start, end in spans)
    matches = index.matches(text, spans)
    if not matches:
        return Substituted(text, words, 0, ())
    draws = rng.random((2, len(spans)))
    pieces: list[str] = []
    cursor = num_replaced = 0
    for match in matches:
        if draws[0, match.first] >= rate:
            continue
        key, translation = match.options[choose(match, float(draws[1, match.first]), words)]
        start, end = spans[match.first][0], spans[match.first + match.num_words - 1][1]
        pieces += [text[cursor:start], carry_case(text[start:end], key, translation.word, index.code)]
        cursor = end
        num_replaced += match.num_words
    result = "".join([*pieces, text[cursor:]])
    if text[:1].isupper() and result[:1].islower():
        result = capitalised(result, index.code)
    return Substituted(result, words, num_replaced, tuple(matches))
