"""Masked language modelling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench import config
from workbench.errors import BadInput
from workbench.objectives.batch import Batch, Rows


@dataclass(frozen=True, slots=True)
class MaskedLM:
    """BERT's objective, masked anew at every step; special pieces and padding are never chosen.

    A row of n tokens gets round(mask_rate x n) predictions, at least one. With `whole_words`, words are chosen in
    random order as long as they fit into that number (a script written without spaces has no words to keep whole: a
    sentence longer than the number would never be chosen, so there every piece counts as a word). Over pairs, it is the
    translation LM: both sentences are one document, whose positions start again with the second.

    Raises: BadInput where a translation LM is given rows without pairs.
    Source: Devlin et al. 2019, section 3.1 (N19-1423); whole words: google-research/bert README, 2019-05-31;
        translation LM: Conneau & Lample 2019, section 3.3 (arXiv 1901.07291), without its language embeddings.
    """

    settings: config.MaskedLM
    vocab_size: int
    mask: int
    first_id: int  # ids below are special
    starts_word: np.ndarray | None = None  # [V] bool; needed for whole words
    special: tuple[int, ...] = ()  # the other special ids, ascending: a published vocabulary has them anywhere

    def __post_init__(self) -> None:
        if self.settings.whole_words and self.starts_word is None:
            raise BadInput("objective.whole_words: needs to know which pieces start a word; pass starts_word")

    def num_predictions(self, length: int) -> int:
        """M: the room for predictions in a row of `length` tokens."""
        return math.ceil(self.settings.mask_rate * length)

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch:
        settings, ids = self.settings, rows.ids
        if settings.kind == "translation-lm" and rows.part is None:
            raise BadInput("objective.kind: translation-lm reads pairs, but these rows hold documents; see pack_pairs")
        num_rows, length = ids.shape
        room = self.num_predictions(length)
        maskable = (rows.segments > 0) & (ids >= self.first_id) & ~np.isin(ids, self.special)
        wanted = np.rint(settings.mask_rate * maskable.sum(axis=1)).astype(np.int64)
        wanted = np.minimum(np.maximum(wanted, 1), maskable.sum(axis=1))
        draws = np.where(maskable, rng.random((num_rows, length)), 2.0)
        if settings.whole_words:
            chosen = self._choose_words(rows, maskable, wanted, draws)
        else:
            lowest = np.sort(draws, axis=1)[np.arange(num_rows), np.maximum(wanted, 1) - 1]  # the last that is chosen
            chosen = (draws <= lowest[:, None]) & maskable

        real = np.arange(room) < chosen.sum(axis=1)[:, None]
        predict = np.zeros((num_rows, room), np.int32)
        places = np.flatnonzero(chosen)
        predict[real] = places % length
        targets = np.take_along_axis(ids, predict, axis=1)

        fate = rng.random((num_rows, room))
        random_ids = rng.integers(self.first_id, self.vocab_size - len(self.special), (num_rows, room))
        for id in self.special:
            random_ids += random_ids >= id
        corrupted = np.where(fate < settings.replace_rate + settings.random_rate, random_ids, targets)
        corrupted = np.where(fate < settings.replace_rate, self.mask, corrupted)
        inputs = ids.astype(np.int32, copy=True)
        inputs.ravel()[places] = corrupted[real]
        return Batch(
            inputs=inputs,
            segments=rows.segments,
            positions=rows.positions,
            predict=predict,
            targets=np.where(real, targets, 0).astype(np.int32),
            weights=real.astype(np.float32),
        )

    def _choose_words(
        self, rows: Rows, maskable: np.ndarray, wanted: np.ndarray, draws: np.ndarray
    ) -> np.ndarray:  # [B, T] bool
        assert self.starts_word is not None
        starts = self.starts_word[rows.ids] | ~maskable | (rows.positions == 0)
        chosen = np.zeros_like(maskable)
        for row in range(len(rows)):
            edges = np.append(np.flatnonzero(starts[row]), maskable.shape[1])
            sizes = np.diff(edges)
            if sizes.max() > wanted[row] and np.all(sizes[maskable[row, edges[:-1]]] > wanted[row]):
                edges = np.arange(maskable.shape[1] + 1)
                sizes = np.ones(maskable.shape[1], np.int64)
            left = wanted[row]
            for word in np.argsort(draws[row, edges[:-1]]):
                start, end = edges[word], edges[word + 1]
                if maskable[row, start] and sizes[word] <= left:
                    chosen[row, start:end] = True
                    left -= sizes[word]
                if not left:
                    break
        return chosen
