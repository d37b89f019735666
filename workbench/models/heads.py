"""What is trained beside an encoder to pull its languages together, and thrown away afterwards."""

from __future__ import annotations

from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench.models import parts
from workbench.models.build import Model
from workbench.models.encoder import Encoder

M = TypeVar("M")


class Classifier(nnx.Module):
    """One linear layer from a token's state to the scores of some classes."""

    def __init__(self, width: int, num_classes: int, rng: np.random.Generator) -> None:
        self.weight = parts.normal(rng, (width, num_classes), width)
        self.class_bias = nnx.Param(jnp.zeros(num_classes))

    def __call__(self, states: jax.Array) -> jax.Array:  # [.., D] -> [.., C]
        return parts.linear(states, self.weight[...]) + self.class_bias[...]


class Headed(nnx.Module):
    """An encoder with a classifier of languages and one of concepts, either of which may be absent."""

    def __init__(self, model: Encoder, languages: Classifier | None = None, concepts: Classifier | None = None) -> None:
        self.model, self.languages, self.concepts = model, languages, concepts


def bare(model: M | Headed) -> M | Model:
    """The model without its heads."""
    return model.model if isinstance(model, Headed) else model


@jax.custom_vjp
def reverse_gradient(x: jax.Array, rate: jax.Array) -> jax.Array:
    """x itself; on the way back its gradient times minus `rate`.

    Shapes: x [..], rate broadcastable to x
    Source: Ganin & Lempitsky 2015, section 3 (arXiv 1409.7495), equations 4 to 6.
    """
    return x


def _forward(x: jax.Array, rate: jax.Array) -> tuple[jax.Array, jax.Array]:
    return x, rate


def _backward(rate: jax.Array, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    return -rate * gradient, jnp.zeros_like(rate)


reverse_gradient.defvjp(_forward, _backward)
