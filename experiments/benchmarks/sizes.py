"""Shapes that training is measured at, and the batches that every side gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench import config, seeds
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.mlm import MaskedLM

Dtype = Literal["float32", "bfloat16"]
NUM_BATCHES = 4
FIRST_ID = 10  # ids below are special


@dataclass(frozen=True, slots=True)
class Size:
    """`feed_forward` is of the gated kind: about 8/3 of the width has as many weights as BERT's four widths."""

    width: int
    num_layers: int
    num_heads: int
    feed_forward: int
    length: int
    batch_size: int
    vocab_size: int
    dtype: Dtype = "float32"

    @property
    def tokens(self) -> int:
        """Of one batch."""
        return self.length * self.batch_size

    @property
    def num_predictions(self) -> int:
        """Of one row."""
        return objective(self).num_predictions(self.length)

    def model(self) -> config.Model:
        """The workbench's config; no local heads, which no peer has."""
        return config.Model(
            width=self.width,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            feed_forward=self.feed_forward,
            local_heads=0,
            compute=config.Compute(dtype=self.dtype),
        )


SIZES = {
    "toy": Size(32, 1, 2, 64, length=16, batch_size=2, vocab_size=100),
    "s": Size(256, 4, 4, 688, length=128, batch_size=16, vocab_size=16_000),
    "m": Size(512, 8, 8, 1_376, length=256, batch_size=4, vocab_size=32_000),
    "110m": Size(768, 12, 12, 2_048, length=512, batch_size=128, vocab_size=32_000, dtype="bfloat16"),
    "350m": Size(1_024, 24, 16, 2_816, length=512, batch_size=64, vocab_size=50_368, dtype="bfloat16"),
}


def objective(size: Size) -> MaskedLM:
    return MaskedLM(config.MaskedLM(), size.vocab_size, mask=4, first_id=FIRST_ID)


def batches(size: Size) -> list[Batch]:
    """Rows full of tokens whose frequencies fall as 1 / rank, masked by the workbench's objective.

    Random: from (0, "benchmark", i)
    """
    weights = 1.0 / np.arange(1, size.vocab_size - FIRST_ID + 1)
    weights /= weights.sum()
    found = []
    for number in range(NUM_BATCHES):
        rng = seeds.stream(0, "benchmark", number)
        shape = (size.batch_size, size.length)
        ids = FIRST_ID + rng.choice(len(weights), shape, p=weights).astype(np.int32)
        positions = np.broadcast_to(np.arange(size.length, dtype=np.int32), shape)
        found.append(objective(size)(Rows(ids, np.ones(shape, np.int32), positions.copy()), rng))
    return found
