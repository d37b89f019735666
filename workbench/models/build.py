"""Settings to a model."""

from __future__ import annotations

from typing import assert_never

import jax
import numpy as np

from workbench import config, seeds
from workbench.models.decoder import Decoder
from workbench.models.encoder import Encoder
from workbench.models.encoder_decoder import EncoderDecoder
from workbench.models.published import Published
from workbench.models.transducer import Transducer

Model = Encoder | Decoder | EncoderDecoder


def build(settings: config.Model, vocab_size: int, seed: int) -> Model:
    """A freshly initialised model.

    Random: every weight from (seed, "init").
    """
    return _build(settings, vocab_size, seeds.stream(seed, "init"))


def abstract(settings: config.Model, vocab_size: int) -> Model:
    """The same model with shapes in place of arrays."""
    shapes: Model = jax.eval_shape(lambda: _build(settings, vocab_size, None))
    return shapes


def _build(settings: config.Model, vocab_size: int, rng: np.random.Generator | None) -> Model:
    match settings.kind:
        case "encoder":
            return Encoder(settings, vocab_size, rng)
        case "decoder":
            return Decoder(settings, vocab_size, rng)
        case "encoder-decoder":
            return EncoderDecoder(settings, vocab_size, rng)
        case kind:
            assert_never(kind)


def num_parameters(model: Model | Transducer | Published) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(model))
