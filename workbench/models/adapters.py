"""Small modules put into a stack: bottlenecks behind the feed-forward layers, an invertible map around the blocks.

Source: Pfeiffer et al. 2020, MAD-X, sections 3.1 to 3.3 (2020.emnlp-main.617). All start as the identity.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench.models import parts


class Bottleneck(nnx.Module):
    """Down, ReLU, up; what it reads is not added here."""

    def __init__(self, width: int, reduced: int, rng: np.random.Generator | None) -> None:
        self.reduce = parts.normal(rng, (width, reduced), width)
        self.expand = nnx.Param(jnp.zeros((reduced, width)))

    def __call__(self, x: jax.Array) -> jax.Array:  # [B, T, D]
        return parts.linear(jax.nn.relu(parts.linear(x, self.reduce[...])), self.expand[...])


class Invertible(nnx.Module):
    """A volume-preserving map that has an exact inverse, whatever its weights.

    Source: Dinh et al. 2015, NICE (arXiv 1410.8516), two couplings; MAD-X, equations 3 to 6, reduces each by 2.
    """

    def __init__(self, width: int, rng: np.random.Generator | None) -> None:
        half = width // 2
        self.first, self.second = (Bottleneck(half, max(1, half // 2), rng) for _ in range(2))

    def __call__(self, x: jax.Array) -> jax.Array:  # [.., D]
        left, right = jnp.split(x, 2, axis=-1)
        left = left + self.first(right)
        right = right + self.second(left)
        return jnp.concatenate([left, right], axis=-1)

    def inverse(self, x: jax.Array) -> jax.Array:  # [.., D]
        left, right = jnp.split(x, 2, axis=-1)
        right = right - self.second(left)
        left = left - self.first(right)
        return jnp.concatenate([left, right], axis=-1)
