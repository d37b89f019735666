"""The encoder-decoder: a decoder that also sees what an encoder made of another text."""

from __future__ import annotations

import jax
import numpy as np
from flax import nnx

from workbench import config
from workbench.models import parts
from workbench.models.attention import cross_view, self_view
from workbench.models.parts import Array
from workbench.models.stack import Output, Stack
from workbench.objectives.batch import Tokens


class EncoderDecoder(nnx.Module):
    """Two stacks over the same embeddings, which are the head too."""

    def __init__(self, settings: config.Model, vocab_size: int, rng: np.random.Generator | None) -> None:
        self.settings = settings
        self.embedding = parts.normal(rng, (vocab_size, settings.width), settings.width)
        self.encoder = Stack(settings, settings.num_layers, rng)
        num_decoder_layers = settings.num_decoder_layers or settings.num_layers
        self.decoder = Stack(settings, num_decoder_layers, rng, causal=True, cross=True)

    def encode(
        self, ids: Array, segments: Array, positions: Array, *, key: jax.Array | None = None, hidden: bool = False
    ) -> Output:  # ids, segments, positions [B, S] int32
        """What the encoder alone makes of its input."""
        view = self_view(self.settings, segments, positions, causal=False)
        return self.encoder.run(self.embedding[...], ids, view, key=key, hidden=hidden)

    def __call__(
        self,
        ids: Array,
        segments: Array,
        positions: Array,
        decoder: Tokens,
        *,
        key: jax.Array | None = None,
        hidden: bool = False,
    ) -> Output:  # ids, segments, positions [B, S] int32; the decoder's [B, T]
        """The decoder's states: a token sees its document's earlier ones, and the encoder's of equal segment."""
        keys = (None, None) if key is None else jax.random.split(key)
        memory = self.encode(ids, segments, positions, key=keys[0]).final
        view = self_view(self.settings, decoder.segments, decoder.positions, causal=True)
        across = cross_view(decoder.segments, segments)
        return self.decoder.run(
            self.embedding[...], decoder.ids, view, memory=memory, across=across, key=keys[1], hidden=hidden
        )

    def logits(self, x: jax.Array) -> jax.Array:  # [.., D] -> [.., V] float32
        return parts.vocabulary_scores(x.astype(self.decoder.dtype), self.embedding[...])
