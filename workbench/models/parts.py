"""The parts of a transformer. Dims: B batch, T target, S source, D width, H heads, K per head, F feed-forward."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

LOCAL_REACH = 8  # offsets farther than this share one learned bias
LOCAL_BIAS = 8.0  # where a local head starts: e^8 = 3,000 times the weight of any other place


def normal(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> nnx.Param:
    """A weight of variance 1 / fan_in. Drawn by numpy: nothing to compile, and the same numbers on every backend."""
    return nnx.Param(jnp.asarray(rng.standard_normal(shape, np.float32) * np.float32(fan_in**-0.5)))


class RMSNorm(nnx.Module):
    """Source: Zhang & Sennrich 2019 (arXiv 1910.07467)."""

    def __init__(self, width: int) -> None:
        self.scale = nnx.Param(jnp.ones(width))

    def __call__(self, x: jax.Array) -> jax.Array:  # [.., D]
        return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6) * self.scale


def rope(positions: jax.Array, per_head: int) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine of each position's angles.

    Shapes: positions [B, T] -> [B, T, 1, K/2] twice
    Source: Su et al. 2021 (arXiv 2104.09864), base 10,000.
    """
    half = per_head // 2
    frequencies = 10_000.0 ** (-np.arange(half, dtype=np.float32) / half)
    angles = positions[:, :, None, None].astype(jnp.float32) * frequencies.astype(np.float32)
    return jnp.cos(angles), jnp.sin(angles)


def rotate(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:  # x [B, T, H, K]
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def local_offsets(num_heads: int) -> np.ndarray:
    """-1, +1, -2, +2, ..: the offset that each local head looks at first.

    Shapes: -> [H] int
    """
    head = np.arange(num_heads)
    return (head // 2 % LOCAL_REACH + 1) * np.where(head % 2 == 0, -1, 1)


class Attention(nnx.Module):
    """Multi-head attention with RoPE; the first `local_heads` also have a learned bias per relative offset."""

    def __init__(self, width: int, num_heads: int, local_heads: int, rng: np.random.Generator) -> None:
        self.per_head = width // num_heads
        shape = (width, num_heads, self.per_head)
        self.query, self.key, self.value = (normal(rng, shape, width) for _ in range(3))
        self.out = normal(rng, (num_heads, self.per_head, width), width)
        bias = np.zeros((local_heads, 2 * LOCAL_REACH + 1), np.float32)
        bias[np.arange(local_heads), local_offsets(local_heads) + LOCAL_REACH] = LOCAL_BIAS
        self.offset_bias = nnx.Param(jnp.asarray(bias)) if local_heads else None

    def bias(self, length: int) -> jax.Array | float:
        """What is added to every head's scores, by relative offset.

        Shapes: -> [H, T, S]
        """
        if self.offset_bias is None:
            return 0.0
        place = np.arange(length)
        offset = np.clip(place[None, :] - place[:, None], -LOCAL_REACH, LOCAL_REACH) + LOCAL_REACH
        local = self.offset_bias[...][:, offset]
        other_heads = self.query.shape[1] - local.shape[0]
        return jnp.pad(local, ((0, other_heads), (0, 0), (0, 0)))

    def __call__(
        self, x: jax.Array, mask: jax.Array, cos: jax.Array, sin: jax.Array
    ) -> jax.Array:  # x [B, T, D], mask [B, 1, T, S] float32: 0 or very negative
        query, key, value = (jnp.einsum("BTD,DHK->BTHK", x, w[...]) for w in (self.query, self.key, self.value))
        query, key = rotate(query, cos, sin) * self.per_head**-0.5, rotate(key, cos, sin)
        scores = jnp.einsum("BTHK,BSHK->BHTS", query, key) + self.bias(x.shape[1]) + mask
        mixed = jnp.einsum("BHTS,BSHK->BTHK", jax.nn.softmax(scores, axis=-1), value)
        return jnp.einsum("BTHK,HKD->BTD", mixed, self.out[...])


class GeGLU(nnx.Module):
    """Source: Shazeer 2020 (arXiv 2002.05202); GELU by its tanh form."""

    def __init__(self, width: int, feed_forward: int, rng: np.random.Generator) -> None:
        self.gate, self.up = (normal(rng, (width, feed_forward), width) for _ in range(2))
        self.down = normal(rng, (feed_forward, width), feed_forward)

    def __call__(self, x: jax.Array) -> jax.Array:  # [B, T, D]
        hidden = jax.nn.gelu(jnp.einsum("BTD,DF->BTF", x, self.gate[...])) * jnp.einsum("BTD,DF->BTF", x, self.up[...])
        return jnp.einsum("BTF,FD->BTD", hidden, self.down[...])


def dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    """Zero a share `rate` of x and scale up the rest; x itself where key is None or rate 0."""
    if key is None or rate == 0.0:
        return x
    return jnp.where(jax.random.bernoulli(key, 1.0 - rate, x.shape), x / (1.0 - rate), 0.0)
