"""The decoder: tokens that see the earlier ones of their document, and the prefix where one is given."""

from __future__ import annotations

import jax
import numpy as np

from workbench import config
from workbench.models import parts
from workbench.models.attention import self_view
from workbench.models.parts import Array
from workbench.models.stack import Output, Stack


class Decoder(Stack):
    """Embeddings, the causal stack, and a head that is the embeddings themselves."""

    def __init__(self, settings: config.Model, vocab_size: int, rng: np.random.Generator | None) -> None:
        self.embedding = parts.normal(rng, (vocab_size, settings.width), settings.width)
        super().__init__(settings, settings.num_layers, rng, causal=True)

    def __call__(
        self,
        ids: Array,
        segments: Array,
        positions: Array,
        *,
        prefix: Array | None = None,
        key: jax.Array | None = None,
        hidden: bool = False,
    ) -> Output:  # ids, segments, positions [B, T] int32, prefix [B, T] bool
        """Read rows of packed documents; a token sees its document's earlier tokens and its prefix.

        `key=None`: no dropout.
        """
        view = self_view(self.settings, segments, positions, causal=True, prefix=prefix)
        return self.run(self.embedding[...], ids, view, key=key, hidden=hidden)

    def logits(self, x: jax.Array) -> jax.Array:  # [.., D] -> [.., V] float32
        x = x.astype(self.dtype)
        if self.invertible is not None:
            x = self.invertible.inverse(x)
        return parts.vocabulary_scores(x, self.embedding[...])
