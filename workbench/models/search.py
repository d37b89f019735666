"""Greedy and beam search over whatever gives log-probabilities of the next token and keeps a cache.

Dims: B rows, W beams, N new tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

NEVER = -1e9  # the score of a hypothesis that does not exist

# Of the tokens just written [rows], at this step, and the cache: log-probabilities [rows, V] of what follows them.
Advance = Callable[[jax.Array, jax.Array, Any], tuple[jax.Array, Any]]


class Decoded(NamedTuple):
    """The tokens after the prompt, up to and with `eos`, then `pad`; and the sum of their log-probabilities.

    Shapes: ids [B, N] and scores [B] of greedy search; [B, W, N] and [B, W], the best first, of beam search, which
        gives -inf to hypotheses that it did not find
    Units: scores in nats, of beam search divided by length ** length_penalty
    """

    ids: jax.Array
    scores: jax.Array


def by_row(cache: Any, row: jax.Array) -> Any:
    """The cache with these rows; scalars are of no row."""
    return jax.tree.map(lambda leaf: leaf if leaf.ndim == 0 else leaf[row], cache)


def greedy_search(first: jax.Array, advance: Advance, cache: Any, *, max_new: int, eos: int, pad: int) -> Decoded:
    """The likeliest next token, again and again, until every row has ended or has `max_new` of them.

    Shapes: first [B, V], log-probabilities of the first new token
    """
    num_rows = len(first)

    class State(NamedTuple):
        step: jax.Array
        ids: jax.Array
        scores: jax.Array
        done: jax.Array
        log_probabilities: jax.Array
        cache: Any

    def going_on(state: State) -> jax.Array:
        return (state.step < max_new) & ~jnp.all(state.done)

    def extend(state: State) -> State:
        token = jnp.where(state.done, pad, jnp.argmax(state.log_probabilities, axis=-1))
        gain = jnp.where(state.done, 0.0, jnp.max(state.log_probabilities, axis=-1))
        log_probabilities, cache = advance(token, state.step, state.cache)
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
        log_probabilities=first,
        cache=cache,
    )
    state = jax.lax.while_loop(going_on, extend, state)
    return Decoded(state.ids, state.scores)


def beam_search(
    first: jax.Array,
    advance: Advance,
    cache: Any,
    *,
    max_new: int,
    eos: int,
    pad: int,
    num_beams: int,
    length_penalty: float,
) -> Decoded:
    """The best hypotheses by log-probability / length ** length_penalty; a row without an ended one gives open ones.

    An end counts where it is among the `num_beams` best continuations, and a row's search is over with `num_beams`
    ended hypotheses; so one beam is greedy search. `advance` reads B x W rows, the beams of a row next to each other.

    Source: Ott et al. 2019, fairseq's sequence generator (https://aclanthology.org/N19-4009).
    Shapes: first [B, V], and the cache of those B rows
    """
    num_rows, vocab_size = first.shape
    cache = by_row(cache, jnp.repeat(jnp.arange(num_rows), num_beams))

    class State(NamedTuple):
        step: jax.Array
        ids: jax.Array  # [B, W, N] open
        scores: jax.Array  # [B, W], not normalized
        ended_ids: jax.Array  # [B, W, N]
        ended_scores: jax.Array  # [B, W], normalized
        log_probabilities: jax.Array  # [B, W, V]
        cache: Any

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
        log_probabilities, cache = advance(token.ravel(), state.step, by_row(state.cache, source_row))
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
