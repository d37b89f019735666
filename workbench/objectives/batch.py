"""What training data looks like: packed rows before an objective has corrupted them, a batch after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True, slots=True)
class Rows:
    """Token rows of one length N x T; several documents may share a row.

    Shapes: ids, segments, positions [N, T] int32. Segments count documents in a row from 1, 0 is padding; positions
        start again at 0 with each document.
    """

    ids: np.ndarray
    segments: np.ndarray
    positions: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_tokens(self) -> int:
        """Tokens that are not padding."""
        return int(np.count_nonzero(self.segments))

    def take(self, index: np.ndarray) -> Rows:
        return Rows(self.ids[index], self.segments[index], self.positions[index])


class Batch(NamedTuple):
    """What a training step reads: a pytree of arrays.

    Shapes: inputs, segments, positions [B, T] int32; predict [B, M] int32, the places in T where the loss counts;
        targets [B, M] int32; weights [B, M] float32, 0 where `predict` is only filling.
    """

    inputs: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    predict: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
