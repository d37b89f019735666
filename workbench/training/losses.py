"""The loss of every objective: cross-entropy where the objective says that it counts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from workbench.models.encoder import Encoder
from workbench.objectives.batch import Batch


def predicted(model: Encoder, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Logits at the places to predict, and nowhere else: the vocabulary softmax is the dearest part of a small model.

    Shapes: -> [B, M, V]
    """
    inputs, segments, positions = map(jnp.asarray, (batch.inputs, batch.segments, batch.positions))
    final = model(inputs, segments, positions, key=key).final
    if batch.predict is None:
        return model.logits(final)
    return model.logits(jnp.take_along_axis(final, batch.predict[:, :, None], axis=1))


def token_losses(model: Encoder, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Negative log-likelihood of each target.

    Shapes: -> [B, M]
    Units: nats
    """
    logits = predicted(model, batch, key)
    picked = jnp.take_along_axis(logits, batch.targets[:, :, None], axis=2)[:, :, 0]
    return jax.nn.logsumexp(logits, axis=-1) - picked


def mean_loss(model: Encoder, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Mean over the targets that count.

    Units: nats per token
    """
    losses = token_losses(model, batch, key)
    return jnp.sum(losses * batch.weights) / jnp.maximum(jnp.sum(batch.weights), 1.0)
