"""What training data looks like: packed rows before an objective has corrupted them, a batch after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.errors import BadInput


@dataclass(frozen=True, slots=True)
class Rows:
    """Token rows of one length N x T; several documents may share a row, each in one piece.

    Shapes: ids, segments, positions [N, T] int32. Segments count documents in a row from 1, 0 is padding; positions
        start again at 0 with each document. part [N, T] int32, of pairs alone: 0 in the source, 1 in the target;
        there positions start again with each part.
    """

    ids: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    part: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_tokens(self) -> int:
        """Tokens that are not padding."""
        return int(np.count_nonzero(self.segments))

    def take(self, index: np.ndarray) -> Rows:
        part = None if self.part is None else self.part[index]
        return Rows(self.ids[index], self.segments[index], self.positions[index], part)

    @classmethod
    def concatenate(cls, several: Sequence[Rows]) -> Rows:
        """All rows of `several`, in order.

        Raises: BadInput where some hold pairs and others do not.
        """
        parts = [rows.part for rows in several if rows.part is not None]
        if parts and len(parts) != len(several):
            raise BadInput(f"rows: {len(parts)} of {len(several)} hold pairs, the others do not; use one kind")
        return cls(
            np.concatenate([rows.ids for rows in several]),
            np.concatenate([rows.segments for rows in several]),
            np.concatenate([rows.positions for rows in several]),
            np.concatenate(parts) if parts else None,
        )


class Tokens(NamedTuple):
    """What one stack reads.

    Shapes: ids, segments, positions [B, T] int32, as in `Rows`.
    """

    ids: np.ndarray
    segments: np.ndarray
    positions: np.ndarray


class Aligned(NamedTuple):
    """What alignment objectives read beside a masked LM's batch; see `mixture/aligned.py`.

    Shapes: langs [B] int32, whose each row is; reversal [B] float32, the gradient reversal's growth; concepts [B, S]
        int32, 0 for none; here, there [P, T], pivot sentences and their translations; number [P] int32, equal for
        translations of one sentence
    """

    langs: np.ndarray
    reversal: np.ndarray
    concepts: np.ndarray | None = None
    here: Tokens | None = None
    there: Tokens | None = None
    number: np.ndarray | None = None


class Batch(NamedTuple):
    """What a training step reads: a pytree of arrays.

    An encoder-decoder reads `inputs` with its encoder and `decoder` with its decoder, where equal segments belong
    together; the other models read `inputs` alone. The loss counts at places of the stack that writes.

    Shapes: inputs, segments, positions [B, S] int32; predict [B, M] int32, the places where the loss counts, or None
        for all of them in order; targets [B, M] int32; weights [B, M] float32, 0 where `predict` is only filling;
        prefix [B, S] bool, for a decoder: the tokens that every token of their document may see.
    """

    inputs: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    predict: np.ndarray | None
    targets: np.ndarray
    weights: np.ndarray
    prefix: np.ndarray | None = None
    decoder: Tokens | None = None
    align: Aligned | None = None
