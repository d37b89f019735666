"""The losses that pull languages together, and their sum with the masked LM's."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from workbench import config, seeds
from workbench.errors import BadInput
from workbench.models import Encoder, parts
from workbench.models.heads import Classifier, Headed, reverse_gradient
from workbench.objectives.batch import Aligned, Batch, Tokens
from workbench.training.losses import losses_of_states

Array = jax.Array | np.ndarray


def headed(model: Encoder, settings: config.Align, *, languages: int, concepts: int, seed: int) -> Headed:
    """The encoder with the heads that the settings train beside it.

    Random: their weights from (seed, "heads").
    Raises: BadInput for a layer that the model has not, or one language to tell apart.
    """
    width, layers = model.settings.width, model.num_layers
    if settings.layer is not None and settings.layer > layers:
        raise BadInput(f"adapt.method.align.layer: {settings.layer}, but the model has 0 (the embedding) to {layers}")
    if settings.adversarial and languages < 2:
        raise BadInput(
            "adapt.method.align.adversarial: one language alone is in the mixture; there is nothing to tell apart"
        )
    rng = seeds.stream(seed, "heads")
    of_language = Classifier(width, languages, rng) if settings.adversarial else None
    of_concept = Classifier(width, concepts, rng) if settings.concepts else None
    return Headed(model, of_language, of_concept)


@dataclass(frozen=True)
class AlignmentLoss:
    """Masked LM + weight x each of the settings' losses; a weight of the adversary reaches the encoder reversed.

    Units: nats, of different things: a token, a token's language, a concept, a sentence
    """

    settings: config.Align

    def __call__(self, headed: Headed, batch: Batch, key: jax.Array | None = None) -> jax.Array:
        settings, model, align = self.settings, headed.model, batch.align
        assert isinstance(model, Encoder)
        assert align is not None
        on_tokens = settings.adversarial is not None or settings.concepts is not None
        found = model(batch.inputs, batch.segments, batch.positions, key=key, hidden=on_tokens)
        assert batch.predict is not None
        states = parts.at(found.final, batch.predict)
        total = masked_mean(losses_of_states(model, states, batch), batch.weights)
        if on_tokens and found.hidden is not None:
            layer = found.hidden[self._layer(model)]
            total = total + self._of_tokens(headed, layer, batch, align)
        if settings.contrastive is not None and align.here is not None and align.there is not None:
            here, there = (mean_states(model, side, self._layer(model)) for side in (align.here, align.there))
            loss = info_nce(here, there, align.number, settings.contrastive.temperature)
            total = total + settings.contrastive.weight * loss
        return total

    def _layer(self, model: Encoder) -> int:
        return model.num_layers if self.settings.layer is None else self.settings.layer

    def _of_tokens(self, headed: Headed, states: jax.Array, batch: Batch, align: Aligned) -> jax.Array:
        total = jnp.zeros(())
        if self.settings.adversarial is not None and headed.languages is not None:
            rate = self.settings.adversarial.weight * align.reversal[:, None, None]
            scores = headed.languages(reverse_gradient(states, jnp.broadcast_to(rate, states.shape)))
            langs = jnp.broadcast_to(align.langs[:, None], batch.segments.shape)
            total = total + masked_mean(cross_entropy(scores, langs), batch.segments > 0)
        if self.settings.concepts is not None and headed.concepts is not None and align.concepts is not None:
            known = align.concepts > 0
            losses = cross_entropy(headed.concepts(states), jnp.maximum(align.concepts - 1, 0))
            total = total + self.settings.concepts.weight * masked_mean(losses, known)
        return total


def mean_states(model: Encoder, side: Tokens, layer: int) -> jax.Array:
    """Mean over a sentence's tokens at one layer. Shapes: side [P, T] -> [P, D]"""
    hidden = model(side.ids, side.segments, side.positions, hidden=True).hidden
    assert hidden is not None
    own = (jnp.asarray(side.segments) > 0).astype(jnp.float32)
    return jnp.einsum("PTD,PT->PD", hidden[layer], own) / jnp.maximum(own.sum(axis=1, keepdims=True), 1.0)


def info_nce(here: jax.Array, there: jax.Array, number: Array | None, temperature: float) -> jax.Array:
    """Mean over pairs, and over both directions, of telling a sentence's translation from the others by cosine.

    Where two rows have one `number` they translate one sentence, and neither is a wrong answer to the other.

    Shapes: here, there [P, D], number [P]
    Units: nats
    Source: van den Oord et al. 2018, equation 4 (arXiv 1807.03748); both directions: Radford et al. 2021, figure 3
        (arXiv 2103.00020).
    """
    here, there = (side / jnp.maximum(jnp.linalg.norm(side, axis=1, keepdims=True), 1e-6) for side in (here, there))
    scores = jnp.einsum("PD,QD->PQ", here, there) / temperature
    own = jnp.eye(len(scores), dtype=bool)
    if number is not None:
        number = jnp.asarray(number)
        scores = jnp.where((number[:, None] == number[None, :]) & ~own, -jnp.inf, scores)
    places = jnp.arange(len(scores))
    return (cross_entropy(scores, places).mean() + cross_entropy(scores.T, places).mean()) / 2


def cross_entropy(scores: jax.Array, classes: Array) -> jax.Array:
    """Shapes: scores [.., C], classes [..] int -> [..]"""
    picked = jnp.take_along_axis(scores, jnp.asarray(classes)[..., None], axis=-1)[..., 0]
    return jax.nn.logsumexp(scores, axis=-1) - picked


def masked_mean(values: jax.Array, weights: Array) -> jax.Array:
    """Mean of values by weights, 0 where all weights are 0."""
    weights = jnp.asarray(weights).astype(values.dtype)
    return jnp.sum(values * weights) / jnp.maximum(jnp.sum(weights), 1.0)
