"""The encoder: tokens that see their whole document, and a vocabulary head for masked language modelling."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench import config, seeds
from workbench.models import parts


class Output(NamedTuple):
    """Shapes: final [B, T, D], normalized; hidden [L+1, B, T, D], the embeddings and each layer's output, or None."""

    final: jax.Array
    hidden: jax.Array | None


class Block(nnx.Module):
    """Pre-norm attention and feed-forward, each added to the residual stream."""

    def __init__(self, settings: config.Model, rng: np.random.Generator) -> None:
        self.dropout = settings.dropout
        self.attention_norm = parts.RMSNorm(settings.width)
        self.attention = parts.Attention(settings.width, settings.num_heads, settings.local_heads, rng)
        self.mlp_norm = parts.RMSNorm(settings.width)
        self.mlp = parts.GeGLU(settings.width, settings.feed_forward, rng)

    def __call__(
        self, x: jax.Array, mask: jax.Array, cos: jax.Array, sin: jax.Array, key: jax.Array | None
    ) -> jax.Array:  # x [B, T, D]
        keys = (None, None) if key is None else jax.random.split(key)
        x = x + parts.dropout(self.attention(self.attention_norm(x), mask, cos, sin), self.dropout, keys[0])
        return x + parts.dropout(self.mlp(self.mlp_norm(x)), self.dropout, keys[1])


class Encoder(nnx.Module):
    """Embeddings, unrolled blocks, a final norm; `logits` ties the vocabulary head to the embeddings."""

    def __init__(self, settings: config.Model, vocab_size: int, rng: np.random.Generator) -> None:
        self.settings = settings
        self.embedding = parts.normal(rng, (vocab_size, settings.width), settings.width)
        self.blocks = nnx.List([Block(settings, rng) for _ in range(settings.num_layers)])
        self.final_norm = parts.RMSNorm(settings.width)
        self.head = parts.normal(rng, (settings.width, settings.width), settings.width)
        self.head_norm = parts.RMSNorm(settings.width)
        self.vocab_bias = nnx.Param(jnp.zeros(vocab_size))

    def __call__(
        self,
        ids: jax.Array,
        segments: jax.Array,
        positions: jax.Array,
        *,
        key: jax.Array | None = None,
        hidden: bool = False,
    ) -> Output:  # ids, segments, positions [B, T] int32
        """Encode rows of packed documents; a token sees its own document alone. `key=None`: no dropout."""
        settings = self.settings
        keys = [None] * (len(self.blocks) + 1) if key is None else list(jax.random.split(key, len(self.blocks) + 1))
        mask = jnp.where(segments[:, None, :, None] == segments[:, None, None, :], 0.0, -1e9)
        cos, sin = parts.rope(positions, settings.width // settings.num_heads)
        x = parts.dropout(self.embedding[...][ids], settings.dropout, keys[0])
        states = [x]
        for block, block_key in zip(self.blocks, keys[1:], strict=True):
            x = block(x, mask, cos, sin, block_key)
            states.append(x)
        return Output(self.final_norm(x), jnp.stack(states) if hidden else None)

    def logits(self, x: jax.Array) -> jax.Array:  # [.., D] -> [.., V]
        x = self.head_norm(jax.nn.gelu(jnp.einsum("...D,DE->...E", x, self.head[...])))
        return jnp.einsum("...D,VD->...V", x, self.embedding[...]) + self.vocab_bias[...]


def build(settings: config.Model, vocab_size: int, seed: int) -> Encoder:
    """A freshly initialised encoder.

    Random: every weight from (seed, "init").
    """
    return Encoder(settings, vocab_size, seeds.stream(seed, "init"))


def abstract(settings: config.Model, vocab_size: int) -> Encoder:
    """The same encoder with shapes in place of arrays."""
    shapes: Encoder = jax.eval_shape(lambda: build(settings, vocab_size, 0))
    return shapes


def num_parameters(model: Encoder) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(model))
