"""The loss of every objective: cross-entropy where the objective says that it counts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from workbench.models import Decoder, EncoderDecoder, Model
from workbench.objectives.batch import Batch


def final_states(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """What the stack that writes ends with. Shapes: -> [B, T, D]"""
    inputs, segments, positions = map(jnp.asarray, (batch.inputs, batch.segments, batch.positions))
    if isinstance(model, EncoderDecoder):
        if batch.decoder is None:
            raise ValueError("this batch has nothing for a decoder to write: its objective is not an encoder-decoder's")
        return model(inputs, segments, positions, batch.decoder, key=key).final
    if batch.decoder is not None:
        raise ValueError(f"this batch is an encoder-decoder's, the model is {type(model).__name__}")
    if isinstance(model, Decoder):
        return model(inputs, segments, positions, prefix=batch.prefix, key=key).final
    return model(inputs, segments, positions, key=key).final


def predicted(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Logits at the places to predict, and nowhere else: the vocabulary softmax is the dearest part of a small model.

    Shapes: -> [B, M, V]
    """
    final = final_states(model, batch, key)
    if batch.predict is None:
        return model.logits(final)
    return model.logits(jnp.take_along_axis(final, batch.predict[:, :, None], axis=1))


def token_losses(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Negative log-likelihood of each target.

    Shapes: -> [B, M]
    Units: nats
    """
    logits = predicted(model, batch, key)
    picked = jnp.take_along_axis(logits, batch.targets[:, :, None], axis=2)[:, :, 0]
    return jax.nn.logsumexp(logits, axis=-1) - picked


def mean_loss(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Mean over the targets that count.

    Units: nats per token
    """
    losses = token_losses(model, batch, key)
    return jnp.sum(losses * batch.weights) / jnp.maximum(jnp.sum(batch.weights), 1.0)
