"""Any model as an encoder of sentences, for the tools of others: texts in, one vector each out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.representations import Pooling, Reader, sentence_vectors
from workbench.probing.reader import open_model


@dataclass(frozen=True)
class SentenceEncoder:
    """`layer` counts from the embedding, 0; negative ones from the last."""

    reader: Reader
    layer: int = -1
    pooling: Pooling = "mean"

    def __post_init__(self) -> None:
        if not -self.reader.num_layers <= self.layer < self.reader.num_layers:
            raise BadInput(
                f"layer {self.layer}: this model has layers 0 (the embedding) to {self.reader.num_layers - 1}"
            )

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """One vector a sentence, in order, not normalized. Shapes: -> [N, D] float32"""
        found = np.zeros((len(sentences), self.reader.width), np.float32)
        for batch in sentence_vectors(self.reader, sentences, self.pooling):
            found[batch.texts] = batch.vectors[self.layer]
        return found


def open_encoder(path: str, layer: int = -1, pooling: Pooling = "mean") -> SentenceEncoder:
    """The model of a run, an exported or a published one, by its folder or on the hub.

    Raises: BadInput, Unavailable as `reader.open_model`; BadInput for a layer that it has not.
    """
    return SentenceEncoder(open_model(path), layer, pooling)
