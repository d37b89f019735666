"""Heads of a fine-tuned model: a class per sentence from pooled states, a tag per token, or both."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench.config import Pooling
from workbench.models import parts


class Head(nnx.Module):
    """One linear layer, after a hidden one with GELU where it has a width. States are brought to unit size."""

    def __init__(self, width: int, num_classes: int, hidden: int, rng: np.random.Generator) -> None:
        self.hidden = parts.normal(rng, (width, hidden), width) if hidden else None
        self.classes = nnx.Param(jnp.zeros((hidden or width, num_classes)))
        self.class_bias = nnx.Param(jnp.zeros(num_classes))

    def __call__(self, states: jax.Array) -> jax.Array:  # [.., D] -> [.., C]
        x = states * jax.lax.rsqrt(jnp.mean(jnp.square(states), axis=-1, keepdims=True) + 1e-6)
        if self.hidden is not None:
            x = jax.nn.gelu(parts.linear(x, self.hidden[...]))
        return parts.linear(x, self.classes[...]) + self.class_bias[...]


class TaskHeads(nnx.Module):
    """The heads of a task: `label` reads pooled states, `tag` every token's; one of them may be missing.

    Random: hidden layers from `rng`; output layers begin at zero, so that nothing is preferred.
    """

    def __init__(self, width: int, num_labels: int, num_tags: int, hidden: int, rng: np.random.Generator) -> None:
        self.label = Head(width, num_labels, hidden, rng) if num_labels else None
        self.tag = Head(width, num_tags, hidden, rng) if num_tags else None


def pooled(states: jax.Array, real: jax.Array, pooling: Pooling) -> jax.Array:
    """One vector of each row's real tokens: their mean, their greatest values, or the first token's own.

    Shapes: states [B, T, D], real [B, T] 1 where there is a token -> [B, D]
    """
    match pooling:
        case "mean":
            weights = real.astype(states.dtype)
            total = jnp.einsum("BTD,BT->BD", states, weights)
            return total / jnp.maximum(weights.sum(axis=1), 1.0)[:, None]
        case "max":
            return jnp.where(real[:, :, None] > 0, states, -jnp.inf).max(axis=1, initial=-1e9)
        case "first":
            return states[:, 0]
