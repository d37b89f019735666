"""Greedy and beam search over cached keys and values; each search is one compiled program.

Dims: B rows, P prompt, N new tokens, W beams, S = P + N places of the cache, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from workbench.models.attention import KeysValues, View, cross_view, mask_of, rope_of
from workbench.models.decoder import Decoder
from workbench.models.encoder_decoder import EncoderDecoder
from workbench.models.parts import Array
from workbench.models.stack import Block, Past, Stack
from workbench.objectives.batch import Tokens

NEVER = -1e9  # the score of a hypothesis that does not exist


class Decoded(NamedTuple):
    """The tokens after the prompt, up to and with `eos`, then `pad`; and the sum of their log-probabilities.

    Shapes: ids [B, N] and scores [B] of greedy search; [B, W, N] and [B, W], the best first, of beam search, which
        gives -inf to hypotheses that it did not find
    Units: scores in nats, of beam search divided by length ** length_penalty
    """

    ids: jax.Array
    scores: jax.Array


class Cache(NamedTuple):
    """What was read so far. Shapes: positions [B, S] int32; real and prefix [B, S] bool, prefix seen by all."""

    layers: tuple[Past, ...]
    positions: jax.Array
    real: jax.Array
    prefix: jax.Array


@dataclass(frozen=True)
class _Reader:
    """A decoder's stack with, for an encoder-decoder, each layer's keys and values of the source."""

    model: Decoder | EncoderDecoder
    stack: Stack
    blocks: list[Block]
    memory: list[KeysValues] | list[None]
    source_segments: Array | None

    def read(self, ids: jax.Array, positions: jax.Array, cache: Cache) -> tuple[jax.Array, Cache]:
        """Final states of the tokens that come next, and the cache with them. Shapes: [B, T] -> [B, T, D]"""
        start = cache.layers[0].length
        all_positions = jax.lax.dynamic_update_slice_in_dim(cache.positions, positions, start, axis=1)
        place = jnp.arange(all_positions.shape[1])
        earlier = place[None, :] <= start + jnp.arange(ids.shape[1])[:, None]  # [T, S]
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

    def next_log_probabilities(
        self, ids: jax.Array, positions: jax.Array, cache: Cache
    ) -> tuple[jax.Array, Cache]:  # [B] and [B] -> [B, V]
        final, cache = self.read(ids[:, None], positions[:, None], cache)
        return jax.nn.log_softmax(self.model.logits(final[:, 0])), cache


def _start(
    model: Decoder | EncoderDecoder, prompt: Tokens, source: Tokens | None, prefix: Array | None, max_new: int
) -> tuple[_Reader, jax.Array, jax.Array, Cache]:
    """Read the prompt. Shapes: -> log-probabilities of the first new token [B, V], its position [B]"""
    ids, segments, positions = map(jnp.asarray, prompt)
    real = segments > 0
    if isinstance(model, EncoderDecoder):
        if source is None:
            raise ValueError("an encoder-decoder needs a source to decode from")
        states = model.encode(*map(jnp.asarray, source)).final.astype(model.decoder.dtype)
        stack: Stack = model.decoder
        blocks = stack.layers()
        memory = [block.cross.keys_values(states, None) for block in blocks if block.cross is not None]
        reader = _Reader(model, stack, blocks, memory, jnp.asarray(source.segments))
    else:
        if source is not None:
            raise ValueError("a decoder reads a prompt alone: put the source into it")
        reader = _Reader(model, model, model.layers(), [None] * model.num_layers, None)
    settings = reader.stack.settings
    heads = settings.num_heads
    num_rows, num_prompt = ids.shape
    places = (num_rows, num_prompt + max_new)
    empty = jnp.zeros((*places, heads, settings.width // heads), reader.stack.dtype)
    cache = Cache(
        layers=tuple(Past(KeysValues(empty, empty), jnp.zeros((), jnp.int32)) for _ in reader.blocks),
        positions=jnp.zeros(places, jnp.int32),
        real=jnp.ones(places, bool).at[:, :num_prompt].set(real),
        prefix=jnp.zeros(places, bool).at[:, :num_prompt].set(False if prefix is None else prefix),
    )
    final, cache = reader.read(ids, positions.astype(jnp.int32), cache)
    last = jnp.sum(real, axis=1) - 1
    final = jnp.take_along_axis(final, last[:, None, None], axis=1)[:, 0]
    return reader, jax.nn.log_softmax(model.logits(final)), last + 1, cache


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
    reader, log_probabilities, position, cache = _start(model, prompt, source, prefix, max_new)
    num_rows = position.shape[0]

    class State(NamedTuple):
        step: jax.Array
        ids: jax.Array
        scores: jax.Array
        done: jax.Array
        log_probabilities: jax.Array
        cache: Cache

    def going_on(state: State) -> jax.Array:
        return (state.step < max_new) & ~jnp.all(state.done)

    def extend(state: State) -> State:
        token = jnp.where(state.done, pad, jnp.argmax(state.log_probabilities, axis=-1))
        gain = jnp.where(state.done, 0.0, jnp.max(state.log_probabilities, axis=-1))
        log_probabilities, cache = reader.next_log_probabilities(token, position + state.step, state.cache)
        return State(
            step=state.step + 1,
            ids=state.ids.at[:, state.step].set(token),
            scores=state.scores + gain,
            done=state.done | (token == eos),
            log_probabilities=log_probabilities,
            cache=cache,
        )

    state = State(
        step=jnp.zeros((), jnp.int32),
        ids=jnp.full((num_rows, max_new), pad, jnp.int32),
        scores=jnp.zeros(num_rows),
        done=jnp.zeros(num_rows, bool),
        log_probabilities=log_probabilities,
        cache=cache,
    )
    state = jax.lax.while_loop(going_on, extend, state)
    return Decoded(state.ids, state.scores)


@partial(jax.jit, static_argnames=("max_new", "num_beams", "length_penalty"))
def beam(
    model: Decoder | EncoderDecoder,
    prompt: Tokens,
    *,
    max_new: int,
    eos: int,
    num_beams: int = 5,
    length_penalty: float = 1.0,
    source: Tokens | None = None,
    prefix: Array | None = None,
    pad: int = 0,
) -> Decoded:
    """The best hypotheses by log-probability / length ** length_penalty; a row without an ended one gives open ones.

    An end counts where it is among the `num_beams` best continuations, and a row's search is over with `num_beams`
    ended hypotheses; so one beam is greedy search. Arguments as of `greedy`.

    Source: Ott et al. 2019, fairseq's sequence generator (https://aclanthology.org/N19-4009).
    """
    reader, first, position, cache = _start(model, prompt, source, prefix, max_new)
    num_rows, vocab_size = first.shape
    spread = jnp.repeat(jnp.arange(num_rows), num_beams)  # row of each of the B x W hypotheses
    cache = jax.tree.map(lambda leaf: leaf if leaf.ndim == 0 else leaf[spread], cache)
    reader = _Reader(
        reader.model,
        reader.stack,
        reader.blocks,
        jax.tree.map(lambda leaf: leaf[spread], reader.memory),
        None if reader.source_segments is None else reader.source_segments[spread],
    )

    class State(NamedTuple):
        step: jax.Array
        ids: jax.Array  # [B, W, N] open
        scores: jax.Array  # [B, W], not normalized
        ended_ids: jax.Array  # [B, W, N]
        ended_scores: jax.Array  # [B, W], normalized
        log_probabilities: jax.Array  # [B, W, V]
        cache: Cache

    def best_of(scores: jax.Array, ids: jax.Array, number: int) -> tuple[jax.Array, jax.Array]:
        top, index = jax.lax.top_k(scores, number)
        return top, jnp.take_along_axis(ids, index[:, :, None], axis=1)

    def full(state: State) -> jax.Array:  # [B]
        return jnp.min(state.ended_scores, axis=1) > NEVER / 2

    def going_on(state: State) -> jax.Array:
        return (state.step < max_new) & ~jnp.all(full(state))

    def extend(state: State) -> State:
        grown = (state.scores[:, :, None] + state.log_probabilities).reshape(num_rows, -1)
        scores, index = jax.lax.top_k(grown, min(2 * num_beams, grown.shape[1]))  # of them W at least do not end
        parent, token = index // vocab_size, index % vocab_size
        ids = jnp.take_along_axis(state.ids, parent[:, :, None], axis=1).at[:, :, state.step].set(token)
        ends = token == eos
        counts = ends & (scores > NEVER / 2) & (jnp.arange(scores.shape[1]) < num_beams) & ~full(state)[:, None]
        normalized = jnp.where(counts, scores / (state.step + 1.0) ** length_penalty, NEVER)
        ended_scores, ended_ids = best_of(
            jnp.concatenate([state.ended_scores, normalized], axis=1),
            jnp.concatenate([state.ended_ids, ids], axis=1),
            num_beams,
        )
        scores, chosen = jax.lax.top_k(jnp.where(ends, NEVER, scores), num_beams)
        ids, parent, token = (
            jnp.take_along_axis(ids, chosen[:, :, None], axis=1),
            jnp.take_along_axis(parent, chosen, axis=1),
            jnp.take_along_axis(token, chosen, axis=1),
        )
        source_row = (jnp.arange(num_rows)[:, None] * num_beams + parent).ravel()
        layers = jax.tree.map(lambda leaf: leaf if leaf.ndim == 0 else leaf[source_row], state.cache.layers)
        log_probabilities, cache = reader.next_log_probabilities(
            token.ravel(), position[spread] + state.step, state.cache._replace(layers=layers)
        )
        return State(
            step=state.step + 1,
            ids=ids,
            scores=scores,
            ended_ids=ended_ids,
            ended_scores=ended_scores,
            log_probabilities=log_probabilities.reshape(num_rows, num_beams, vocab_size),
            cache=cache,
        )

    nothing = jnp.full((num_rows, num_beams, max_new), pad, jnp.int32)
    none = jnp.full((num_rows, num_beams), NEVER)
    state = State(
        step=jnp.zeros((), jnp.int32),
        ids=nothing,
        scores=none.at[:, 0].set(0.0),  # the other beams do not exist yet
        ended_ids=nothing,
        ended_scores=none,
        log_probabilities=jnp.broadcast_to(first[:, None], (num_rows, num_beams, vocab_size)),
        cache=cache,
    )
    state = jax.lax.while_loop(going_on, extend, state)
    open_scores = jnp.where(state.scores > NEVER / 2, state.scores / max_new**length_penalty, NEVER)
    any_ended = jnp.max(state.ended_scores, axis=1, keepdims=True) > NEVER / 2
    scores = jnp.where(any_ended, state.ended_scores, open_scores)
    ids = jnp.where(any_ended[:, :, None], state.ended_ids, state.ids)
    return Decoded(ids, jnp.where(scores > NEVER / 2, scores, -jnp.inf))
