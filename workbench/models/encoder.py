"""The encoder: tokens that see their whole document, and a vocabulary head for masked language modelling."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench import config
from workbench.models import parts
from workbench.models.attention import self_view
from workbench.models.parts import Array
from workbench.models.stack import Output, Stack


class Encoder(Stack):
    """Embeddings, the stack, and a head (dense, GELU, norm) tied to the embeddings, with a bias per piece."""

    def __init__(self, settings: config.Model, vocab_size: int, rng: np.random.Generator | None) -> None:
        self.embedding = parts.normal(rng, (vocab_size, settings.width), settings.width)
        super().__init__(settings, settings.num_layers, rng)
        self.head = parts.normal(rng, (settings.width, settings.width), settings.width)
        self.head_norm = parts.norm(settings)
        self.vocab_bias = nnx.Param(jnp.zeros(vocab_size))

    def __call__(
        self,
        ids: Array,
        segments: Array,
        positions: Array,
        *,
        key: jax.Array | None = None,
        hidden: bool = False,
        only: Array | None = None,
    ) -> Output:  # ids, segments, positions [B, T] int32
        """Encode rows of packed documents; a token sees its own document alone. `key=None`: no dropout.

        With `only` [B, M], the final states are of these places alone [B, M, D], and no others are computed.
        """
        view = self_view(self.settings, segments, positions, causal=False)
        return self.run(self.embedding[...], ids, view, key=key, hidden=hidden, only=only)

    def logits(self, x: jax.Array) -> jax.Array:  # [.., D] -> [.., V] float32
        x = x.astype(self.dtype)
        x = self.head_norm(jax.nn.gelu(parts.linear(x, self.head[...])))
        if self.invertible is not None:
            x = self.invertible.inverse(x)
        return parts.vocabulary_scores(x, self.embedding[...]) + self.vocab_bias[...]
