"""A character encoder-decoder with feature-guided positions and a pointer into its source."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench import config, seeds
from workbench.models import parts
from workbench.models.attention import Rope, View, cross_view, rope_of, self_view
from workbench.models.monotonic import NEVER, MonotonicPointer, alignments
from workbench.models.parts import Array
from workbench.models.stack import Stack
from workbench.objectives.batch import Batch, Tokens


class Written(NamedTuple):
    """What competes to be written next.

    Shapes: logits [B, T, V] of generating, copies [B, T, S] of copying each place, None without a pointer
    """

    logits: jax.Array
    copies: jax.Array | None


class Transducer(nnx.Module):
    """Two stacks over the same embeddings; a character is generated from the vocabulary or copied from the source.

    Features stand at position 0, characters from 1 on as if there were no features, and each of the two kinds adds an
    embedding of its own. Generating and copying share one softmax, over the vocabulary and the source's characters: a
    character's probability is the sum over all ways to write it.

    Source: features: Wu et al. 2021, section 3.2 (https://aclanthology.org/2021.eacl-main.163); copying: Gu et al.
        2016, section 3.2 (arXiv 1603.06393). Differs: RoPE, heads that start out local (and so notice in which order
        features are written), one score per copied place. With `monotonic_pointer`, the score of a place is that of
        copying and the log-probability that the pointer stands there: see `MonotonicPointer`.
    """

    def __init__(self, settings: config.Transducer, vocab_size: int, rng: np.random.Generator | None) -> None:
        self.settings = settings
        stack, width = settings.stack, settings.width
        self.embedding = parts.normal(rng, (vocab_size, width), width)
        self.kinds = parts.normal(rng, (2, width), width)
        self.encoder = Stack(stack, settings.num_layers, rng)
        self.decoder = Stack(stack, settings.num_decoder_layers, rng, causal=True, cross=True)
        shape = (width, 1, width)
        self.copy_query, self.copy_key = (
            parts.normal(rng, shape, width) if settings.pointer else None for _ in range(2)
        )
        self.monotonic = MonotonicPointer(width, rng) if settings.monotonic_pointer else None

    def encode(self, source: Tokens, key: jax.Array | None = None) -> jax.Array:  # [B, S] -> [B, S, D]
        ids, segments, positions = map(jnp.asarray, source)
        kinds = self.kinds[...][:, None]
        by_kind = jnp.concatenate([self.embedding[...] + kinds[0], self.embedding[...] + kinds[1]])
        ids = ids + len(self.embedding) * (positions > 0)
        view = self_view(self.settings.stack, segments, positions, causal=False)
        return self.encoder.run(by_kind, ids, view, key=key).final

    def across(self, segments: Array, positions: Array, source: Tokens) -> View:
        """How the decoder's tokens see the source. Shapes: segments, positions [B, T]"""
        query_rope, key_rope = self.ropes(positions, source.positions)
        view = cross_view(segments, source.segments)
        return View(view.query_segments, view.key_segments, view.mask, query_rope=query_rope, key_rope=key_rope)

    def ropes(self, positions: Array, source_positions: Array) -> tuple[Rope | None, Rope | None]:
        """Of the decoder's and the source's places, where attention between them knows places at all."""
        if not self.settings.cross_rope:
            return None, None
        stack = self.settings.stack
        return rope_of(stack, positions), rope_of(stack, source_positions)

    def __call__(self, source: Tokens, decoder: Tokens, *, key: jax.Array | None = None) -> Written:
        """Shapes: source [B, S], decoder [B, T]"""
        keys = (None, None) if key is None else jax.random.split(key)
        memory = self.encode(source, keys[0])
        view = self_view(self.settings.stack, decoder.segments, decoder.positions, causal=True)
        across = self.across(decoder.segments, decoder.positions, source)
        final = self.decoder.run(
            self.embedding[...], decoder.ids, view, memory=memory, across=across, key=keys[1]
        ).final
        written = self.written(final, self.copy_keys(memory), source)
        if self.monotonic is None or written.copies is None:
            return written
        copying = self.monotonic.copying(final)
        moves = self.monotonic.moves(written.copies, source)
        places = alignments(moves, written.logits - copying[:, :, None], decoder.ids, source)
        return copied_at(places, copying, written.logits, source)

    def copy_keys(self, memory: jax.Array) -> jax.Array | None:  # [B, S, D] -> [B, S, D]
        return None if self.copy_key is None else parts.linear(memory, self.copy_key[:, 0])

    def written(self, final: jax.Array, copy_keys: jax.Array | None, source: Tokens) -> Written:
        """Of a monotonic pointer, copies are the scores of moving to each place.

        Shapes: final [B, T, D], copy_keys [B, S, D]
        """
        logits = parts.vocabulary_scores(final, self.embedding[...])
        if self.copy_query is None or copy_keys is None:
            return Written(logits, None)
        query = parts.linear(final, self.copy_query[:, 0]) * self.settings.width**-0.5
        copies = jnp.einsum("BTK,BSK->BTS", query, copy_keys)
        is_character = jnp.asarray(source.positions)[:, None, :] > 0
        return Written(logits, jnp.where(is_character, copies, NEVER))

    def token_losses(self, batch: Batch, key: jax.Array | None = None) -> jax.Array:
        """Negative log-likelihood of each target, however it is written.

        Shapes: -> [B, T]
        Units: nats
        """
        assert batch.decoder is not None
        source = Tokens(batch.inputs, batch.segments, batch.positions)
        logits, copies = self(source, batch.decoder, key=key)
        targets = jnp.asarray(batch.targets)
        picked = jnp.take_along_axis(logits, targets[:, :, None], axis=2)[:, :, 0]
        if copies is None:
            return jax.nn.logsumexp(logits, axis=-1) - picked
        whole = jax.nn.logsumexp(jnp.concatenate([logits, copies], axis=-1), axis=-1)
        same = targets[:, :, None] == jnp.asarray(batch.inputs)[:, None, :]
        copied = jax.nn.logsumexp(jnp.where(same, copies, NEVER), axis=-1)
        return whole - jnp.logaddexp(picked, copied)


def copied_at(places: jax.Array, copying: jax.Array, logits: jax.Array, source: Tokens) -> Written:
    """With a monotonic pointer that stands at `places`.

    Shapes: places [B, T, S] in log-probabilities, copying [B, T], logits [B, T, V]
    """
    is_character = jnp.asarray(source.positions)[:, None, :] > 0
    return Written(logits, jnp.where(is_character, copying[:, :, None] + places, NEVER))


def log_probabilities(written: Written, source: Array) -> jax.Array:
    """Of each character, over all ways to write it.

    Shapes: source [B, S] -> [B, T, V]
    """
    logits, copies = written
    if copies is None:
        return jax.nn.log_softmax(logits)
    most = jnp.maximum(jnp.max(logits, axis=-1, keepdims=True), jnp.max(copies, axis=-1, keepdims=True))
    place = jax.nn.one_hot(source, logits.shape[-1])
    ways = jnp.exp(logits - most) + jnp.einsum("BTS,BSV->BTV", jnp.exp(copies - most), place)
    return jnp.log(ways) - jnp.log(jnp.sum(ways, axis=-1, keepdims=True))


def transducer_loss(model: Transducer, batch: Batch, key: jax.Array | None) -> jax.Array:
    """Mean over the characters to write. Units: nats per character"""
    return jnp.sum(model.token_losses(batch, key) * batch.weights) / jnp.maximum(jnp.sum(batch.weights), 1.0)


def build_transducer(settings: config.Transducer, vocab_size: int, seed: int) -> Transducer:
    """A freshly initialised transducer.

    Random: every weight from (seed, "init").
    """
    return Transducer(settings, vocab_size, seeds.stream(seed, "init"))


def abstract_transducer(settings: config.Transducer, vocab_size: int) -> Transducer:
    """The same with shapes in place of arrays."""
    shapes: Transducer = jax.eval_shape(lambda: Transducer(settings, vocab_size, None))
    return shapes
