"""The loss of every objective: cross-entropy where the objective says that it counts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from workbench.models import Decoder, Encoder, EncoderDecoder, Model
from workbench.models.parts import at
from workbench.objectives.batch import Batch

LOGITS_AT_ONCE = 2**28  # 1 GB of float32, and as much again for their gradient


def states_to_predict(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """What the stack that writes ends with, at the places where the loss counts. Shapes: -> [B, M, D]

    Of a masked LM these are few, and the last layer is computed there alone: a seventh of the step's operations at 4
    layers, a twelfth at 8.
    """
    inputs, segments, positions = map(jnp.asarray, (batch.inputs, batch.segments, batch.positions))
    if isinstance(model, EncoderDecoder):
        if batch.decoder is None:
            raise ValueError("this batch has nothing for a decoder to write: its objective is not an encoder-decoder's")
        final = model(inputs, segments, positions, batch.decoder, key=key).final
    elif batch.decoder is not None:
        raise ValueError(f"this batch is an encoder-decoder's, the model is {type(model).__name__}")
    elif isinstance(model, Decoder):
        final = model(inputs, segments, positions, prefix=batch.prefix, key=key).final
    elif isinstance(model, Encoder):
        return model(inputs, segments, positions, key=key, only=batch.predict).final
    else:  # a published encoder, whose layers are all computed everywhere
        final = model(inputs, segments, positions, key=key).final
    return final if batch.predict is None else at(final, batch.predict)


def predicted(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Logits at the places to predict, and nowhere else: the vocabulary softmax is the dearest part of a small model.

    Shapes: -> [B, M, V]
    """
    return model.logits(states_to_predict(model, batch, key))


def token_losses(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Negative log-likelihood of each target.

    Logits of more than `LOGITS_AT_ONCE` numbers never exist together: they come in parts along M, forward and backward.

    Shapes: -> [B, M]
    Units: nats
    """
    return losses_of_states(model, states_to_predict(model, batch, key), batch)


def losses_of_states(model: Model, states: jax.Array, batch: Batch) -> jax.Array:
    """`token_losses` from the states at the places to predict. Shapes: states [B, M, D] -> [B, M]"""
    num_parts = parts(states.shape[1], states.shape[0] * model.embedding.shape[0])
    if num_parts == 1:
        return _losses(model, states, jnp.asarray(batch.targets))

    @jax.checkpoint
    def losses_of(part: tuple[jax.Array, jax.Array]) -> jax.Array:
        return _losses(model, *part)

    split = (_split(states, num_parts), _split(jnp.asarray(batch.targets), num_parts))
    return jnp.moveaxis(jax.lax.map(losses_of, split), 0, 1).reshape(batch.targets.shape)


def parts(length: int, size: int) -> int:
    """The fewest equal parts of `length` places of `size` numbers each that hold no more than `LOGITS_AT_ONCE`."""
    wanted = -(-length * size // LOGITS_AT_ONCE)
    return next((number for number in range(wanted, length) if length % number == 0), length)


def _split(array: jax.Array, num_parts: int) -> jax.Array:  # [B, M, ..] -> [parts, B, M / parts, ..]
    shape = (array.shape[0], num_parts, array.shape[1] // num_parts, *array.shape[2:])
    return jnp.moveaxis(array.reshape(shape), 1, 0)


def _losses(model: Model, states: jax.Array, targets: jax.Array) -> jax.Array:
    logits = model.logits(states)
    picked = jnp.take_along_axis(logits, targets[:, :, None], axis=2)[:, :, 0]
    return jax.nn.logsumexp(logits, axis=-1) - picked


def mean_loss(model: Model, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Mean over the targets that count.

    Units: nats per token
    """
    losses = token_losses(model, batch, key)
    return jnp.sum(losses * batch.weights) / jnp.maximum(jnp.sum(batch.weights), 1.0)
