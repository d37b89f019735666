"""Substitution by the million: the rules of `rules`, worked out once per distinct unit, then done on arrays.

The texts are the same as the one-by-one rule gives with `keyed.Keyed` draws, byte for byte; a test holds both to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.records import Lexicon, Translation
from workbench.synth import keyed
from workbench.synth.encoded import Cut, Encoded, encode_text
from workbench.synth.match import Option, PhraseIndex, capitalised, carry_case
from workbench.synth.rules import Rule

BLOCK = 8_000  # sentences at a time: what of them is in work stays within a core's cache
_BITS = 22


def cut_of(rule: Rule) -> Cut:
    """How a corpus is cut for a rule."""
    return "whitespace" if rule.name == "wang2022" else "words"


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive sentences after substitution: sentence `first + i` is `pieces[starts[i]:starts[i + 1]]`.

    Heads are the matches found, whether replaced or not: their sentence, first unit, and number of words.

    Shapes: pieces [N] int32, starts [S + 1] int64; kept, num_words, num_replaced [S]; head_* [M]
    """

    first: int
    pieces: np.ndarray
    starts: np.ndarray
    kept: np.ndarray
    num_words: np.ndarray
    num_replaced: np.ndarray
    head_unit: np.ndarray
    head_words: np.ndarray
    head_options: np.ndarray


class Engine:
    """A corpus, a lexicon and a rule, ready to run. `texts[piece]` is what a piece is written as.

    Pieces below `len(encoded.types)` are the corpus' own units; then come the empty one and translations, each with
    what clings to the word it stands for.
    """

    def __init__(self, encoded: Encoded, lexicon: Lexicon, rule: Rule, seed: int) -> None:
        if encoded.cut != cut_of(rule):
            raise BadInput(f"corpus cut at {encoded.cut}, but rule {rule.name!r} wants {cut_of(rule)}: encode it again")
        if rule.senses == "context":
            raise BadInput("senses by context need the sentence, not the unit: take the rule itself, one by one")
        self.encoded, self.rule = encoded, rule
        self.code = lexicon.target.code
        self.keys = keyed.keys(encoded.hashes, seed, "substitute", lexicon.target.tag)
        self.empty = len(encoded.types)
        self.texts: list[str] = [*encoded.types, ""]
        self._capital: dict[int, int] = {}
        self._heavy: list[float] = [0.0] * len(self.texts)  # of a translation: the weights up to and with it
        self.index = PhraseIndex(lexicon, rule.max_phrase) if rule.name == "longest" else None
        words = encoded.words()
        self._single(words, self._options(words, lexicon))
        self._prepare_phrases(words)

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        """All sentences in order. What a sentence becomes does not depend on `size`."""
        for first in range(0, len(self.encoded), size):
            yield self._block(first, min(first + size, len(self.encoded)))

    # Tables

    def _options(self, words: list[str], lexicon: Lexicon) -> list[Sequence[Option] | None]:
        """The translations of each word alone, where it is an entry."""
        if self.index is None:
            found = zip(words, map(lexicon.entries.get, words), strict=True)
            return [[(word, one) for one in options] if options else None for word, options in found]
        exact, folded = map(self.index.exact.get, words), map(self.index.folded.get, map(str.lower, words))
        return [one or other for one, other in zip(exact, folded, strict=True)]

    def _single(self, words: list[str], options_of: list[Sequence[Option] | None]) -> None:
        """First piece and number of pieces of each unit whose word alone is an entry."""
        size = len(words)
        self.first, self.count = np.zeros(size, np.int32), np.zeros(size, np.int32)
        for unit, options in enumerate(options_of):
            if options:
                start, end = self.encoded.word[unit].tolist()
                text = self.encoded.types[unit]
                self.first[unit], self.count[unit] = self._add(text[:start], words[unit], text[end:], options)
        self.is_entry = self.count > 0

    def _add(self, before: str, found: str, after: str, options: Sequence[Option]) -> tuple[int, int]:
        """Pieces for each translation of what was found, and their capitalised twins where they may be needed."""
        first = len(self.texts)
        total = 0.0
        for key, translation in options:
            self.texts.append(before + self._written(found, key, translation) + after)
            total += translation.weight
            self._heavy.append(total)
        if self.index is not None and (before + found)[:1].isupper():
            for piece in range(first, first + len(options)):
                if self.texts[piece][:1].islower():
                    self._capital[piece] = len(self.texts)
                    self.texts.append(capitalised(self.texts[piece], self.code))
                    self._heavy.append(0.0)
        return first, len(options)

    def _written(self, found: str, key: str, translation: Translation) -> str:
        return translation.word if self.index is None else carry_case(found, key, translation.word, self.code)

    def _prepare_phrases(self, words: list[str]) -> None:
        """Which units may begin a phrase (`left`), and which may go on from it (`right`), by the lexicon's phrases."""
        self._phrases: dict[tuple[int, ...], tuple[int, int] | None] = {}
        size = len(words)
        self.longest = np.ones(size, np.int64)
        self.left, self.right = np.full(size, -1, np.int64), np.full(size, -1, np.int64)
        self.pairs = np.zeros(1 << _BITS, bool)
        if self.index is None:
            return
        left_of: dict[str, int] = {}
        right_of: dict[str, int] = {}
        for key in self.index.exact:
            cells = encode_text(key)
            if len(cells) > 1:
                (one, start, _), (two, _, end) = cells[:2]
                left = left_of.setdefault(_folded(one[start:]), len(left_of))
                right = right_of.setdefault(_folded(two[:end]), len(right_of))
                self.pairs[_pair(np.array([left]), np.array([right]))] = True
        if not left_of:
            return
        for unit, (text, (start, end)) in enumerate(zip(self.encoded.types, self.encoded.word.tolist(), strict=True)):
            if (longest := self.index.longest.get(words[unit].lower(), 0)) > 1:
                self.longest[unit] = longest
                self.left[unit] = left_of.get(_folded(text[start:]), -1)
            self.right[unit] = right_of.get(_folded(text[:end]), -1)

    # One block

    def _block(self, low: int, high: int) -> Block:
        starts = self.encoded.starts[low : high + 1]
        units = self.encoded.units[starts[0] : starts[-1]]
        starts = starts - starts[0]
        lengths = np.diff(starts)
        number_of = units.astype(np.intp)  # what numpy looks up by: others it would turn into that each time
        is_head = self.is_entry[number_of]
        found = self._find_phrases(units, starts)
        for position, num, _ in found:
            is_head[position] = True
            is_head[position + 1 : position + num] = False
        heads = np.flatnonzero(is_head)
        of_head = number_of[heads]
        chosen, head_options, head_words = self.first[of_head], self.count[of_head], np.ones(len(heads), np.int64)
        if found:
            phrases = np.searchsorted(heads, [position for position, _, _ in found])
            head_words[phrases] = [num for _, num, _ in found]
            chosen[phrases], head_options[phrases] = np.transpose([pieces for _, _, pieces in found])
        at, of_options, of_words = heads, head_options, head_words
        of = np.repeat(np.arange(len(lengths)), np.diff(np.searchsorted(heads, starts)))
        keys = self.keys[low:high]
        if self.rule.rate < 1.0:
            replaced = keyed.uniform(keys[of], heads - starts[of]) < self.rule.rate
            at, of, chosen = at[replaced], of[replaced], chosen[replaced]
            of_options, of_words = of_options[replaced], of_words[replaced]
        several = np.flatnonzero(of_options > 1)
        sentence = of[several]
        draws = keyed.uniform(keys[sentence], at[several] - starts[sentence] + lengths[sentence])
        chosen[several] += self._choose(draws, chosen[several], of_options[several])
        if self._capital:
            opening = np.flatnonzero(at == starts[of])
            chosen[opening] = [self._capital.get(piece, piece) for piece in chosen[opening].tolist()]
        pieces = units.copy()
        pieces[at] = chosen
        for head in np.flatnonzero(of_words > 1).tolist() if found else ():
            pieces[at[head] + 1 : at[head] + of_words[head]] = self.empty
        num_replaced = np.bincount(of, of_words if found else None, len(lengths)).astype(np.int64)
        alone = np.flatnonzero(lengths == 1)
        bounds = self.encoded.word[units[starts[alone]]]
        num_words = lengths.copy()
        num_words[alone[bounds[:, 0] == bounds[:, 1]]] = 0
        kept = num_replaced >= np.maximum(self.rule.min_replaced, self.rule.min_rate * num_words)
        return Block(low, pieces, starts, kept, num_words, num_replaced, heads, head_words, head_options)

    def _choose(self, draws: np.ndarray, first: np.ndarray, count: np.ndarray) -> np.ndarray:
        if self.rule.senses == "uniform":
            return (draws * count).astype(np.int32)
        heavy = np.array(self._heavy)
        wanted = draws * heavy[first + count - 1]
        chosen = np.zeros(len(draws), np.int32)
        for number in range(int(count.max(initial=1)) - 1):
            more = number < count - 1
            chosen[more] += heavy[first[more] + number] <= wanted[more]
        return chosen

    def _find_phrases(self, units: np.ndarray, starts: np.ndarray) -> list[tuple[int, int, tuple[int, int]]]:
        """(position, number of words, pieces) of the phrases matched, left to right."""
        if self.index is None or len(units) < 2:
            return []
        left = self.left[units]
        candidates = np.flatnonzero((left[:-1] >= 0) & (self.right[units[1:]] >= 0))
        candidates = candidates[self.pairs[_pair(left[candidates], self.right[units[candidates + 1]])]]
        if not len(candidates):
            return []
        ends = starts[np.searchsorted(starts, candidates, side="right")]
        most = np.minimum(self.longest[units[candidates]], ends - candidates)
        found: list[tuple[int, int, tuple[int, int]]] = []
        covered = 0
        listed = units.tolist()
        for position, longest in zip(candidates.tolist(), most.tolist(), strict=True):
            if position < covered:
                continue
            for num in range(longest, 1, -1):
                phrase = tuple(listed[position : position + num])
                if phrase not in self._phrases:
                    self._phrases[phrase] = self._resolve(phrase)
                if (pieces := self._phrases[phrase]) is not None:
                    found.append((position, num, pieces))
                    covered = position + num
                    break
        return found

    def _resolve(self, phrase: tuple[int, ...]) -> tuple[int, int] | None:
        assert self.index is not None
        text = "".join(self.encoded.types[unit] for unit in phrase)
        start = int(self.encoded.word[phrase[0], 0])
        end = len(text) - len(self.encoded.types[phrase[-1]]) + int(self.encoded.word[phrase[-1], 1])
        found = text[start:end]
        key = " ".join(found.split())
        options = self.index.exact.get(key) or self.index.folded.get(key.lower())
        return self._add(text[:start], found, text[end:], options) if options else None


def _folded(text: str) -> str:
    """Alike for all that may stand for one another in a phrase: in any casing, with any white space."""
    return " ".join(f"{text}.".lower().replace("ς", "σ").split())


def _pair(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A place for a pair of ids in a table that may say yes too often, never no."""
    return (left * 2654435761 + right * 40503) & ((1 << _BITS) - 1)
