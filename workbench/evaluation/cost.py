"""What training a model took, and what serving it takes, in parameters and floating-point operations."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from workbench import config, models
from workbench.evaluation.bits import built
from workbench.objectives.batch import Rows
from workbench.objectives.build import fitted
from workbench.seeds import stream
from workbench.tokenizer.processor import TextTokenizer
from workbench.training import flops


class Step(NamedTuple):
    """Operations of one training step: what the mathematics needs, and what the compiler counts."""

    formula: float
    compiled: float


def step(settings: config.Config, tokenizer: TextTokenizer, batch_size: int) -> Step:
    """Of a batch of `batch_size` rows, each full of one document, under the config's objective."""
    length = settings.pretrain.length
    ids = np.full((batch_size, length), tokenizer.vocab.first_piece, np.int32)
    places = np.broadcast_to(np.arange(length, dtype=np.int32), ids.shape)
    rows = Rows(ids, np.ones_like(ids), np.ascontiguousarray(places))
    batch = fitted(built(settings, tokenizer), rows)(rows, stream(0, "shapes"))
    decoder_length = batch.decoder.ids.shape[1] if batch.decoder else None
    shape = (batch_size, batch.inputs.shape[1])
    return _step(settings.model, tokenizer.vocab.size, shape, batch.targets.shape[1], decoder_length)


@lru_cache(maxsize=64)
def _step(
    settings: config.Model, vocab_size: int, shape: tuple[int, int], num_predictions: int, decoder_length: int | None
) -> Step:
    arguments = (settings, vocab_size, shape, num_predictions, decoder_length)
    return Step(flops.formula(*arguments), flops.compiled(*arguments))


def reading(settings: config.Model, vocab_size: int, length: int) -> float:
    """Operations per token of one forward pass over `length` tokens with a vocabulary head at each."""
    return flops.formula(settings, vocab_size, (1, length), length) / 3.0 / length


def parameters(model: models.Model) -> tuple[int, int]:
    """All parameters, and those of the embeddings (tied: they are the vocabulary head too)."""
    return models.num_parameters(model), int(model.embedding[...].size)
