"""What an alignment objective reads beside a masked LM's batch: whose each row is, words' concepts, sentence pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench import config, seeds
from workbench.errors import BadInput
from workbench.mixture.stream import Realised, Stream
from workbench.objectives.batch import Aligned, Batch, Rows, Tokens
from workbench.tokenizer.processor import TextTokenizer


@dataclass(frozen=True, slots=True)
class SentencePairs:
    """Pivot sentences and their pseudo-translations; rows of equal `number` are of one pivot sentence.

    Shapes: here, there [N, T] int32, 0 behind the end; number [N] int32
    """

    here: np.ndarray
    there: np.ndarray
    number: np.ndarray


def sentence_pairs(tokenizer: TextTokenizer, pairs: Sequence[tuple[str, str]], length: int) -> SentencePairs:
    """Each pair's first `length` tokens.

    Raises: BadInput for fewer than two pivot sentences, or one without a token.
    """
    numbers = {text: number for number, text in enumerate(dict.fromkeys(here for here, _ in pairs))}
    if len(numbers) < 2:
        raise BadInput(f"align.contrastive: {len(numbers)} different sentence(s) to tell apart; make more pseudo text")
    sides = []
    for side in zip(*pairs, strict=True):
        ids = np.zeros((len(pairs), length), np.int32)
        for row, found in enumerate(tokenizer.encode_all(side)):
            if not len(found):
                raise BadInput(f"align.contrastive: sentence {row + 1} of {len(pairs)} is empty")
            ids[row, : min(length, len(found))] = found[:length]
        sides.append(ids)
    return SentencePairs(sides[0], sides[1], np.array([numbers[here] for here, _ in pairs], np.int32))


def concept_rows(tokenizer: TextTokenizer, rows: Rows, words: Mapping[str, int]) -> np.ndarray:
    """Each token's concept by `words` (in lower case), 0 where its word has none; punctuation behind it is no part.

    Shapes: -> [N, T] int32
    """
    spelt = [(form, number) for word, number in words.items() for form in (word, word[:1].title() + word[1:])]
    by_pieces: dict[tuple[int, ...], int] = {}
    for ids, (_, number) in zip(tokenizer.encode_all([word for word, _ in spelt]), spelt, strict=True):
        by_pieces.setdefault(tuple(ids.tolist()), number)
    bare = [piece.lstrip("\u2581") for piece in tokenizer.pieces]
    mark = np.array([bool(piece) and not any(char.isalnum() for char in piece) for piece in bare])
    found = np.zeros(rows.ids.shape, np.int32)
    starts = tokenizer.starts_word[rows.ids] | (rows.positions == 0)
    for row, ids in enumerate(np.asarray(rows.ids)):
        edges = [*np.flatnonzero(starts[row]).tolist(), len(ids)]
        for start, end in pairwise(edges):
            last = end
            while last > start and (mark[ids[last - 1]] or not rows.segments[row, last - 1]):
                last -= 1
            if concept := by_pieces.get(tuple(ids[start:last].tolist())):
                found[row, start:last] = concept
    return found


def reversal(step: int, steps: int) -> float:
    """How far the gradient reversal has grown, from 0 to nearly 1.

    Source: Ganin & Lempitsky 2015, section 4 (arXiv 1409.7495): 2 / (1 + exp(-10 p)) - 1 after a share p of training.
    """
    return 2.0 / (1.0 + math.exp(-10.0 * step / steps)) - 1.0


class AlignedStream:
    """A stream's batches with what the alignment objectives read.

    `langs` says whose each of the stream's pools is, `concepts` has each pool's concepts row by row ([N, T]; a pool
    without has none).

    Random: which pairs a step has, from (seed, "align", step).
    """

    def __init__(
        self,
        stream: Stream,
        settings: config.Align,
        langs: Mapping[str, str],
        *,
        concepts: Mapping[str, np.ndarray] | None = None,
        pairs: SentencePairs | None = None,
    ) -> None:
        self._stream, self._settings, self._pairs = stream, settings, pairs
        self.languages = tuple(sorted(set(langs.values())))
        self._lang_of = np.array([self.languages.index(langs[pool]) for pool in stream.pools], np.int32)
        self._concepts = None if concepts is None else [concepts.get(pool) for pool in stream.pools]
        if settings.contrastive is not None and pairs is not None and len(pairs.number) < settings.contrastive.pairs:
            raise BadInput(
                f"align.contrastive.pairs: {settings.contrastive.pairs} a step, but there are {len(pairs.number)}; "
                "lower it, or make more pseudo text"
            )

    @property
    def steps(self) -> int:
        return self._stream.steps

    def describe(self, step: int) -> str:
        """As the stream says."""
        return self._stream.describe(step)

    def report(self) -> list[Realised]:
        """As the stream says."""
        return self._stream.report()

    def batch(self, step: int) -> Batch:
        """The stream's batch number `step`, with what is read beside it."""
        batch = self._stream.batch(step)
        pools, rows = self._stream.drawn(step)
        concepts = None
        if self._concepts is not None:
            concepts = np.zeros(batch.inputs.shape, np.int32)
            for place, (pool, row) in enumerate(zip(pools.tolist(), rows.tolist(), strict=True)):
                if (known := self._concepts[pool]) is not None:
                    concepts[place] = known[row]
        rate = np.full(len(batch.inputs), reversal(step, self.steps), np.float32)
        here = there = number = None
        if self._settings.contrastive is not None and self._pairs is not None:
            rng = seeds.stream(self._stream.seed, "align", step)
            chosen = rng.choice(len(self._pairs.number), self._settings.contrastive.pairs, replace=False)
            here, there = _tokens(self._pairs.here[chosen]), _tokens(self._pairs.there[chosen])
            number = self._pairs.number[chosen]
        return batch._replace(align=Aligned(self._lang_of[pools], rate, concepts, here, there, number))


def _tokens(ids: np.ndarray) -> Tokens:
    segments = (ids != 0).astype(np.int32)
    return Tokens(ids, segments, np.arange(ids.shape[1], dtype=np.int32) * segments)
