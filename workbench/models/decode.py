"""Greedy and beam search, and the scores of given continuations, over cached keys and values: one program each.

Dims: B rows, P prompt, N new tokens, W beams, S = P + N places of the cache, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from workbench.models.attention import Kept, View, cross_view, mask_of, rope_of
from workbench.models.decoder import Decoder
from workbench.models.encoder_decoder import EncoderDecoder
from workbench.models.parts import Array
from workbench.models.search import Advance, Beams, Decoded, Greedy, Room, search
from workbench.models.stack import Block, Past, Stack
from workbench.objectives.batch import Tokens


class Cache(NamedTuple):
    """What was read so far. Shapes: positions [B, S] int32; real and prefix [B, S] bool, prefix seen by all."""

    layers: tuple[Past, ...]
    positions: jax.Array
    real: jax.Array
    prefix: jax.Array

    def room(self, length: int) -> Cache:
        """The same with empty places behind what was read, `length` in all."""
        more = [(0, 0), (0, length - self.real.shape[1])]
        return Cache(
            layers=tuple(past.room(length) for past in self.layers),
            positions=jnp.pad(self.positions, more),
            real=jnp.pad(self.real, more, constant_values=True),
            prefix=jnp.pad(self.prefix, more),
        )


@dataclass(frozen=True)
class _Reader:
    """A decoder's stack with, for an encoder-decoder, each layer's keys and values of the source."""

    model: Decoder | EncoderDecoder
    stack: Stack
    blocks: list[Block]
    memory: list[Kept] | list[None]
    source_segments: Array | None

    def read(
        self, ids: jax.Array, positions: jax.Array, cache: Cache, own: jax.Array | None = None
    ) -> tuple[jax.Array, Cache]:
        """Final states of the tokens that come next, and the cache with them: one after the other, or as `own` says.

        Shapes: ids, positions [B, T], own [B, T, S - P], of the places behind the prompt -> [B, T, D]
        """
        start = cache.layers[0].length
        all_positions = jax.lax.dynamic_update_slice_in_dim(cache.positions, positions, start, axis=1)
        place = jnp.arange(all_positions.shape[1])
        earlier = place[None, :] <= start + jnp.arange(ids.shape[1])[:, None]  # [T, S]
        if own is not None:
            earlier = jnp.pad(own, [(0, 0), (0, 0), (len(place) - own.shape[2], 0)], constant_values=True)
        visible = cache.real[:, None, :] & (earlier | cache.prefix[:, None, :])
        offset = all_positions[:, None, :] - positions[:, :, None]
        rope = rope_of(self.stack.settings, positions)
        view = View(
            query_segments=jnp.ones_like(ids),
            key_segments=cache.real,
            mask=mask_of(visible[:, None]),
            offset=offset,
            bias=self.stack.relative_bias(offset),
            query_rope=rope,
            key_rope=rope,
        )
        across = None
        if self.source_segments is not None:
            across = cross_view(jnp.ones_like(ids), self.source_segments)
        x = self.stack.embed(self.model.embedding[...], ids, None)
        layers = []
        for block, past, memory in zip(self.blocks, cache.layers, self.memory, strict=True):
            x, new = block(x, view, across, memory, past=past)
            assert new is not None
            layers.append(new)
        return self.stack.final_norm(x.astype(jnp.float32)), cache._replace(
            layers=tuple(layers), positions=all_positions
        )

    def advance(self, first: jax.Array) -> Advance:
        """How a search goes on whose first new token stands at these positions [B]."""

        def advance(token: jax.Array, step: jax.Array, own: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
            positions = jnp.broadcast_to(first[:, None] + step, token.shape)
            final, cache = self.read(token, positions, cache, own)
            return jax.nn.log_softmax(self.model.logits(final)), cache

        return advance


def _room_behind(num_prompt: int) -> Room:
    def room(cache: Cache, places: int) -> Cache:
        return cache.room(num_prompt + places)

    return room


def _start(
    model: Decoder | EncoderDecoder, prompt: Tokens, source: Tokens | None, prefix: Array | None
) -> tuple[_Reader, jax.Array, jax.Array, Cache]:
    """Read the prompt.

    Shapes: -> log-probabilities of the first new token [B, V], its position [B]
    """
    ids, segments, positions = map(jnp.asarray, prompt)
    real = segments > 0
    if isinstance(model, EncoderDecoder):
        if source is None:
            raise ValueError("an encoder-decoder needs a source to decode from")
        states = model.encode(*map(jnp.asarray, source)).final.astype(model.decoder.dtype)
        stack: Stack = model.decoder
        blocks = stack.layers()
        memory = [Kept.of(block.cross.keys_values(states, None)) for block in blocks if block.cross is not None]
        reader = _Reader(model, stack, blocks, memory, jnp.asarray(source.segments))
    else:
        if source is not None:
            raise ValueError("a decoder reads a prompt alone: put the source into it")
        reader = _Reader(model, model, model.layers(), [None] * model.num_layers, None)
    empty = Past.empty(reader.stack.settings, len(ids), ids.shape[1], reader.stack.dtype)
    cache = Cache(
        layers=(empty,) * len(reader.blocks),
        positions=jnp.zeros(ids.shape, jnp.int32),
        real=real,
        prefix=jnp.zeros(ids.shape, bool) if prefix is None else jnp.asarray(prefix),
    )
    final, cache = reader.read(ids, positions.astype(jnp.int32), cache)
    last = jnp.sum(real, axis=1) - 1
    final = jnp.take_along_axis(final, last[:, None, None], axis=1)[:, 0]
    return reader, jax.nn.log_softmax(model.logits(final)), last + 1, cache


@jax.jit
def continuation_log_probabilities(
    model: Decoder | EncoderDecoder,
    prompt: Tokens,
    continuations: Array,
    sizes: Array,
    *,
    source: Tokens | None = None,
    prefix: Array | None = None,
) -> jax.Array:
    """log p(continuation | prompt) of the same continuations after every prompt, which is read once for all of them.

    Shapes: prompt, source, prefix as of `greedy`; continuations [C, N] int32, of which sizes [C], at least one each,
        count; -> [B, C]
    Units: nats, summed over a continuation's tokens
    """
    num_new = continuations.shape[1]
    reader, first, position, cache = _start(model, prompt, source, prefix)
    cache = cache.room(cache.real.shape[1] + num_new)

    def later(ids: jax.Array) -> jax.Array:  # [N] -> [B, N-1]
        read = jnp.broadcast_to(ids[:-1], (position.shape[0], num_new - 1))
        final, _ = reader.read(read, position[:, None] + jnp.arange(num_new - 1), cache)
        found = jax.nn.log_softmax(model.logits(final))
        return jnp.take_along_axis(found, ids[None, 1:, None], axis=-1)[:, :, 0]

    found = first[:, continuations[:, 0]][:, :, None]  # [B, C, 1]
    if num_new > 1:
        found = jnp.concatenate([found, jnp.moveaxis(jax.lax.map(later, continuations), 0, 1)], axis=-1)
    counted = jnp.arange(num_new)[None, :] < sizes[:, None]
    return jnp.sum(jnp.where(counted, found, 0.0), axis=-1)


@partial(jax.jit, static_argnames=("max_new",))
def greedy(
    model: Decoder | EncoderDecoder,
    prompt: Tokens,
    *,
    max_new: int,
    eos: int,
    source: Tokens | None = None,
    prefix: Array | None = None,
    pad: int = 0,
) -> Decoded:
    """The likeliest next token, again and again, until every row has ended or has `max_new` of them.

    A row holds one document: segment 1, then padding. An encoder-decoder reads `source` with its encoder.

    Shapes: prompt [B, P] with at least one token a row, source [B, S], prefix [B, P] bool
    """
    reader, first, position, cache = _start(model, prompt, source, prefix)
    room = _room_behind(cache.real.shape[1])
    return search(Greedy(max_new, eos, pad), first, reader.advance(position), room, cache)


@partial(jax.jit, static_argnames=("max_new", "num_beams", "num_best", "length_penalty"))
def beam(
    model: Decoder | EncoderDecoder,
    prompt: Tokens,
    *,
    max_new: int,
    eos: int,
    num_beams: int = 5,
    num_best: int | None = None,
    length_penalty: float = 1.0,
    source: Tokens | None = None,
    prefix: Array | None = None,
    pad: int = 0,
) -> Decoded:
    """The best hypotheses by log-probability / length ** length_penalty; a row without an ended one gives open ones.

    When a row's search is over: `search.Beams`; only the first `num_best` are asked for, all where None. Other
    arguments as of `greedy`.
    """
    reader, first, position, cache = _start(model, prompt, source, prefix)
    room = _room_behind(cache.real.shape[1])
    way = Beams(max_new, eos, pad, num_beams, num_best, length_penalty)
    return search(way, first, reader.advance(position), room, cache)
