"""The parts of a transformer, attention apart. Dims: B batch, T target, D width, H heads, K per head, F feed-forward.

Weights are float32; every part computes in the type of its input and accumulates means in float32.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench import config

Array = jax.Array | np.ndarray


def normal(rng: np.random.Generator | None, shape: tuple[int, ...], fan_in: int) -> nnx.Param:
    """A weight of variance 1 / fan_in. Drawn by numpy: nothing to compile, and the same numbers on every backend.

    Without a generator it is 0, for those who want the shape alone.
    """
    if rng is None:
        return nnx.Param(jnp.zeros(shape))
    return nnx.Param(jnp.asarray(rng.standard_normal(shape, np.float32) * np.float32(fan_in**-0.5)))


class RMSNorm(nnx.Module):
    """Source: Zhang & Sennrich 2019 (arXiv 1910.07467)."""

    def __init__(self, width: int) -> None:
        self.scale = nnx.Param(jnp.ones(width))

    def __call__(self, x: jax.Array) -> jax.Array:  # [.., D]
        wide = x.astype(jnp.float32)
        normalized = wide * jax.lax.rsqrt(jnp.mean(jnp.square(wide), axis=-1, keepdims=True) + 1e-6) * self.scale
        return normalized.astype(x.dtype)


class LayerNorm(nnx.Module):
    """Without a bias. Source: Ba et al. 2016 (arXiv 1607.06450)."""

    def __init__(self, width: int) -> None:
        self.scale = nnx.Param(jnp.ones(width))

    def __call__(self, x: jax.Array) -> jax.Array:  # [.., D]
        wide = x.astype(jnp.float32)
        centred = wide - jnp.mean(wide, axis=-1, keepdims=True)
        normalized = centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred), axis=-1, keepdims=True) + 1e-5) * self.scale
        return normalized.astype(x.dtype)


Norm = RMSNorm | LayerNorm


def norm(settings: config.Model) -> Norm:
    return RMSNorm(settings.width) if settings.norm == "rms" else LayerNorm(settings.width)


def rope(positions: Array, per_head: int) -> tuple[jax.Array, jax.Array]:
    """Cosine and sine of each position's angles.

    Shapes: positions [B, T] -> [B, T, 1, K/2] twice
    Source: Su et al. 2021 (arXiv 2104.09864), base 10,000.
    """
    half = per_head // 2
    frequencies = 10_000.0 ** (-np.arange(half, dtype=np.float32) / half)
    angles = positions[:, :, None, None].astype(jnp.float32) * frequencies.astype(np.float32)
    # In a loop, whose results XLA keeps: what it can fuse it works out anew for every head of every layer, twice
    cosine, sine = jax.lax.map(lambda is_sine: jnp.where(is_sine, jnp.sin(angles), jnp.cos(angles)), np.arange(2) > 0)
    return cosine, sine


def rotate(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:  # x [B, T, H, K]
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).astype(x.dtype)


def linear(x: jax.Array, weight: jax.Array, inputs: int = 1) -> jax.Array:
    """The last `inputs` axes of x times the first of the weight, in the type of x, as one product of two matrices.

    Of a product over [B, T], XLA's CPU programs take the gradient by copies and slow kernels: the feed-forward layers
    of a training step took 1.3 to 1.6 times as long (widths 96 to 512, one core).

    Shapes: x [*N, *I], weight [*I, *O] -> [*N, *O]
    """
    weight = weight.astype(x.dtype)
    outputs = weight.shape[inputs:]
    flat = x.reshape(-1, math.prod(weight.shape[:inputs])) @ weight.reshape(-1, math.prod(outputs))
    return flat.reshape(*x.shape[: x.ndim - inputs], *outputs)


def at(x: Array, places: Array) -> jax.Array:
    """Each row's own places. Shapes: x [B, T, ..], places [B, M] -> [B, M, ..]"""
    places = jnp.asarray(places)
    return jnp.take_along_axis(jnp.asarray(x), places.reshape(*places.shape, *[1] * (x.ndim - 2)), axis=1)


class GeGLU(nnx.Module):
    """Source: Shazeer 2020 (arXiv 2002.05202); GELU by its tanh form."""

    def __init__(self, width: int, feed_forward: int, rng: np.random.Generator | None) -> None:
        self.gate, self.up = (normal(rng, (width, feed_forward), width) for _ in range(2))
        self.down = normal(rng, (feed_forward, width), feed_forward)

    def __call__(self, x: jax.Array) -> jax.Array:  # [B, T, D]
        hidden = jax.nn.gelu(linear(x, self.gate[...])) * linear(x, self.up[...])
        return linear(hidden, self.down[...])


def dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    """Zero a share `rate` of x and scale up the rest; x itself where key is None or rate 0."""
    if key is None or rate == 0.0:
        return x
    return jnp.where(jax.random.bernoulli(key, 1.0 - rate, x.shape), x / (1.0 - rate), 0.0)


def coarse_dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    """As `dropout`, at a rate to the nearest 256th: one random word decides over four numbers.

    Drawing is most of what dropout costs: a quarter of a training step of width 128 by `dropout`.
    """
    dropped = min(round(rate * 256), 255)
    if key is None or not dropped:
        return x
    words = jax.random.bits(key, (*x.shape[:-1], -(-x.shape[-1] // 4)), jnp.uint32)
    bytes_ = jnp.concatenate([(words >> shift) & 255 for shift in (0, 8, 16, 24)], axis=-1)[..., : x.shape[-1]]
    return jnp.where(bytes_ >= dropped, x * (256 / (256 - dropped)), 0.0)


def vocabulary_scores(x: jax.Array, embedding: jax.Array) -> jax.Array:
    """The head tied to the embeddings; accumulated in float32.

    Shapes: x [.., D], embedding [V, D] -> [.., V] float32
    """
    rows = x.reshape(-1, x.shape[-1])
    scores = jnp.einsum("ND,VD->NV", rows, embedding.astype(x.dtype), preferred_element_type=jnp.float32)
    return scores.reshape(*x.shape[:-1], -1)
