"""Pairs: the target is written after the source has been read in both directions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never

import numpy as np

from workbench.errors import BadInput
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.causal import shifted
from workbench.objectives.documents import Documents, Pieces
from workbench.vocab import Vocab

LANE = 8  # fitted lengths are multiples of this


@dataclass(frozen=True, slots=True)
class PrefixLM:
    """The loss counts on the target and its `eos`.

    For a decoder, source and target are one document: `bos` and the source are its prefix. For an encoder-decoder, the
    encoder reads the source and the decoder writes the target.

    Shapes: without `fitted`, inputs, predict and decoder [B, T] each: a row of sources or of targets alone would fill
        them.
    Source: Raffel et al. 2020, section 3.2.1 (JMLR 21-140).
    """

    vocab: Vocab
    model: Literal["decoder", "encoder-decoder"]
    source_length: int | None = None
    target_length: int | None = None

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch:
        in_target = self._in_target(rows)
        match self.model:
            case "decoder":
                return self._one_stack(rows, in_target)
            case "encoder-decoder":
                documents = Documents.of(rows)
                writes = in_target[rows.segments > 0]
                return documents.batch(
                    Pieces(documents.ids[~writes], documents.owner[~writes]),
                    Pieces(documents.ids[writes], documents.owner[writes]),
                    encoder_length=self.source_length or rows.ids.shape[1],
                    decoder_length=self.target_length or rows.ids.shape[1],
                    bos=self.vocab.bos,
                )
            case _:
                assert_never(self.model)

    def fitted(self, *several: Rows) -> PrefixLM:
        """The same with the shortest static shapes that hold every one of these rows."""
        sources = targets = 1
        for rows in several:
            in_target = self._in_target(rows)
            targets = max(targets, int(in_target.sum(axis=1).max(initial=0)))
            sources = max(sources, int(((rows.segments > 0) & ~in_target).sum(axis=1).max(initial=0)))
        return replace(self, source_length=-(-sources // LANE) * LANE, target_length=-(-targets // LANE) * LANE)

    def _in_target(self, rows: Rows) -> np.ndarray:  # [N, T] bool
        if rows.part is None:
            raise BadInput("objective.kind: prefix-lm reads pairs, but these rows hold documents; see pack_pairs")
        return (rows.part == 1) & (rows.segments > 0)

    def _one_stack(self, rows: Rows, in_target: np.ndarray) -> Batch:
        length = rows.ids.shape[1]
        room = self.target_length or length
        if in_target.sum(axis=1).max(initial=0) > room:
            raise BadInput(f"objective: a row has more than the {room} target tokens that this objective was fitted to")
        predict = np.sort(np.where(in_target, np.arange(length), length), axis=1)[:, :room]
        real = predict < length
        predict = np.where(real, predict, 0).astype(np.int32)
        place = np.arange(length)
        opens = np.ones(rows.ids.shape, bool)
        opens[:, 1:] = rows.segments[:, 1:] != rows.segments[:, :-1]
        start = np.maximum.accumulate(np.where(opens, place, 0), axis=1)
        prefix = np.zeros(rows.ids.shape, bool)
        prefix[:, 1:] = ~in_target[:, :-1]
        return Batch(
            inputs=shifted(rows, self.vocab.bos),
            segments=rows.segments,
            positions=np.where(rows.segments > 0, place - start, 0).astype(np.int32),
            predict=predict,
            targets=np.where(real, np.take_along_axis(rows.ids, predict, axis=1), 0).astype(np.int32),
            weights=real.astype(np.float32),
            prefix=(prefix | opens) & (rows.segments > 0),
        )
