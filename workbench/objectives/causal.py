"""Causal language modelling: the next token, within each document."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.objectives.batch import Batch, Rows


def shifted(rows: Rows, bos: int) -> np.ndarray:  # [N, T] int32
    """What a decoder has read when it writes each token: the token before it, `bos` where a document begins."""
    before = np.zeros_like(rows.ids)
    before[:, 1:] = rows.ids[:, :-1]
    opens = np.ones(rows.ids.shape, bool)
    opens[:, 1:] = rows.segments[:, 1:] != rows.segments[:, :-1]
    before[opens] = bos
    before[rows.segments == 0] = 0
    return before


@dataclass(frozen=True, slots=True)
class Causal:
    """Every token is predicted once, from `bos` and what stands before it in its document.

    So a document needs no `bos` of its own, and its first token counts like any other: bits per byte leave nothing out.
    `eos` is predicted where packing has put one. What is continued in another row begins there anew, from `bos`.
    """

    bos: int

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch:
        real = rows.segments > 0
        return Batch(
            inputs=shifted(rows, self.bos),
            segments=rows.segments,
            positions=rows.positions,
            predict=None,
            targets=np.where(real, rows.ids, 0),
            weights=real.astype(np.float32),
        )
