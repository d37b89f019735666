"""Greedy and beam search over whatever gives log-probabilities of the next token and keeps a cache.

Dims: B rows, W beams, N new tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from workbench.models.parts import Array

NEVER = -1e9  # the score of a hypothesis that does not exist

# Reads the tokens just written [B, W], at this step; gives log-probabilities [B, W, V] of what follows them, and the
# cache with them at its next W places. Beams share a row's cache, in which nothing is ever moved: `own` [B, W, N * W]
# is true at the written places (of step n and beam w: n * W + w) of a hypothesis' own past, itself included.
Advance = Callable[[jax.Array, jax.Array, jax.Array, Any], tuple[jax.Array, Any]]
# The cache with room for so many written places in all: what is empty is read too, so there is never much of it.
Room = Callable[[Any, int], Any]
FIRST_ROOM = 16  # new tokens; then twice as many, and so on


class Decoded(NamedTuple):
    """The tokens after the prompt, up to and with `eos`, then `pad`; and the sum of their log-probabilities.

    Shapes: ids [B, N] and scores [B] of greedy search; [B, W, N] and [B, W], the best first, of beam search, which
        gives -inf to hypotheses that it did not find
    Units: scores in nats, of beam search divided by length ** length_penalty
    """

    ids: Array
    scores: Array


def limits(max_new: int) -> list[int]:
    """After how many new tokens there is no more room: each is one compiled loop."""
    doubled = [FIRST_ROOM << number for number in range(max_new.bit_length())]
    return [*(limit for limit in doubled if limit < max_new), max_new]


class GreedyState(NamedTuple):
    """A search after `step` tokens: the rows' own leaves have a leading B, the scalars are common to all."""

    step: jax.Array
    ids: jax.Array
    scores: jax.Array
    over: jax.Array  # [B] bool
    log_probabilities: jax.Array  # [B, V]
    cache: Any


@dataclass(frozen=True, slots=True)
class Greedy:
    """The likeliest next token, again and again, until every row has ended or has `max_new` of them."""

    max_new: int
    eos: int
    pad: int

    def start(self, first: jax.Array, cache: Any) -> GreedyState:
        """Shapes: first [B, V], log-probabilities of the first new token"""
        num_rows = len(first)
        return GreedyState(
            step=jnp.zeros((), jnp.int32),
            ids=jnp.full((num_rows, self.max_new), self.pad, jnp.int32),
            scores=jnp.zeros(num_rows),
            over=jnp.zeros(num_rows, bool),
            log_probabilities=first,
            cache=cache,
        )

    def roomier(self, state: GreedyState, room: Room, limit: int) -> GreedyState:
        """The same with room for `limit` new tokens in all."""
        return state._replace(cache=room(state.cache, limit))

    def go_on(self, state: GreedyState, advance: Advance, end: int | jax.Array, limit: int) -> GreedyState:
        """Until `end` tokens are written, which there must be room for, or every row is over."""
        num_rows = len(state.over)

        def extend(state: GreedyState) -> GreedyState:
            token = jnp.where(state.over, self.pad, jnp.argmax(state.log_probabilities, axis=-1))
            gain = jnp.where(state.over, 0.0, jnp.max(state.log_probabilities, axis=-1))
            own = jnp.broadcast_to(jnp.arange(limit) <= state.step, (num_rows, 1, limit))
            log_probabilities, cache = advance(token[:, None], state.step, own, state.cache)
            return GreedyState(
                step=state.step + 1,
                ids=state.ids.at[:, state.step].set(token),
                scores=state.scores + gain,
                over=state.over | (token == self.eos),
                log_probabilities=log_probabilities[:, 0],
                cache=cache,
            )

        return jax.lax.while_loop(lambda state: (state.step < end) & ~jnp.all(state.over), extend, state)

    def found(self, state: GreedyState) -> Decoded:
        return Decoded(state.ids, state.scores)


class BeamState(NamedTuple):
    """A search after `step` tokens: the rows' own leaves have a leading B, the scalars are common to all."""

    step: jax.Array
    ids: jax.Array  # [B, W, N] open
    scores: jax.Array  # [B, W], not normalized
    ended_ids: jax.Array  # [B, W, N]
    ended_scores: jax.Array  # [B, W], normalized
    log_probabilities: jax.Array  # [B, W, V]
    own: jax.Array  # [B, W, N * W]
    over: jax.Array  # [B] bool
    cache: Any


@dataclass(frozen=True, slots=True)
class Beams:
    """The best hypotheses by log-probability / length ** length_penalty; a row without an ended one gives open ones.

    An end counts where it is among the `num_beams` best continuations, and a row's search is over with `num_beams`
    ended hypotheses of which none is worse than the best open one, were it to end here; so one beam is greedy search.
    It is over sooner where only the first `num_best` are asked for (all where None), and so many have ended that
    nothing open can come to be better, however surely it goes on: the first ones are the same, and those behind them
    may be missing.

    Source: Ott et al. 2019, fairseq's sequence generator (https://aclanthology.org/N19-4009). Differs: that one stops
        at `num_beams` ends, however unlikely they are beside what is still open.
    """

    max_new: int
    eos: int
    pad: int
    num_beams: int
    num_best: int | None
    length_penalty: float

    def start(self, first: jax.Array, cache: Any) -> BeamState:
        """Shapes: first [B, V], log-probabilities of the first new token"""
        num_rows, vocab_size = first.shape
        nothing = jnp.full((num_rows, self.num_beams, self.max_new), self.pad, jnp.int32)
        none = jnp.full((num_rows, self.num_beams), NEVER)
        return BeamState(
            step=jnp.zeros((), jnp.int32),
            ids=nothing,
            scores=none.at[:, 0].set(0.0),  # the other beams do not exist yet
            ended_ids=nothing,
            ended_scores=none,
            log_probabilities=jnp.broadcast_to(first[:, None], (num_rows, self.num_beams, vocab_size)),
            own=jnp.zeros((num_rows, self.num_beams, 0), bool),
            over=jnp.zeros(num_rows, bool),
            cache=cache,
        )

    def roomier(self, state: BeamState, room: Room, limit: int) -> BeamState:
        """The same with room for `limit` new tokens in all."""
        more = limit * self.num_beams - state.own.shape[2]
        own = jnp.pad(state.own, [(0, 0), (0, 0), (0, more)])
        return state._replace(own=own, cache=room(state.cache, limit * self.num_beams))

    def go_on(self, state: BeamState, advance: Advance, end: int | jax.Array, limit: int) -> BeamState:
        """Until `end` tokens are written, which there must be room for, or every row is over."""
        num_rows, num_beams, vocab_size = state.log_probabilities.shape
        themselves = jnp.broadcast_to(jnp.eye(num_beams, dtype=bool), (num_rows, num_beams, num_beams))
        longest = float(self.max_new) ** self.length_penalty
        num_wanted = num_beams if self.num_best is None else self.num_best

        def best_of(scores: jax.Array, ids: jax.Array, number: int) -> tuple[jax.Array, jax.Array]:
            top, index = jax.lax.top_k(scores, number)
            return top, jnp.take_along_axis(ids, index[:, :, None], axis=1)

        def extend(state: BeamState) -> BeamState:
            grown = (state.scores[:, :, None] + state.log_probabilities).reshape(num_rows, -1)
            scores, index = jax.lax.top_k(grown, min(2 * num_beams, grown.shape[1]))  # of them W at least do not end
            parent, token = index // vocab_size, index % vocab_size
            ids = jnp.take_along_axis(state.ids, parent[:, :, None], axis=1).at[:, :, state.step].set(token)
            ends = token == self.eos
            counts = ends & (scores > NEVER / 2) & (jnp.arange(scores.shape[1]) < num_beams) & ~state.over[:, None]
            length = (state.step + 1.0) ** self.length_penalty
            normalized = jnp.where(counts, scores / length, NEVER)
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
            worst = jnp.min(ended_scores, axis=1)
            over = state.over | ((worst > NEVER / 2) & (worst >= scores[:, 0] / length))
            over |= ended_scores[:, num_wanted - 1] >= scores[:, 0] / longest
            own = jnp.take_along_axis(state.own, parent[:, :, None], axis=1)
            own = jax.lax.dynamic_update_slice_in_dim(own, themselves, state.step * num_beams, axis=2)
            log_probabilities, cache = advance(token, state.step, own, state.cache)
            return BeamState(
                step=state.step + 1,
                ids=ids,
                scores=scores,
                ended_ids=ended_ids,
                ended_scores=ended_scores,
                log_probabilities=log_probabilities,
                own=own,
                over=over,
                cache=cache,
            )

        assert state.own.shape[2] == limit * num_beams
        return jax.lax.while_loop(lambda state: (state.step < end) & ~jnp.all(state.over), extend, state)

    def found(self, state: BeamState) -> Decoded:
        open_scores = jnp.where(state.scores > NEVER / 2, state.scores / self.max_new**self.length_penalty, NEVER)
        any_ended = jnp.max(state.ended_scores, axis=1, keepdims=True) > NEVER / 2
        scores = jnp.where(any_ended, state.ended_scores, open_scores)
        ids = jnp.where(any_ended[:, :, None], state.ended_ids, state.ids)
        return Decoded(ids, jnp.where(scores > NEVER / 2, scores, -jnp.inf))


Way = Greedy | Beams


def search(way: Way, first: jax.Array, advance: Advance, room: Room, cache: Any) -> Decoded:
    """All rows from the first new token to the end of the longest.

    Shapes: first [B, V], log-probabilities of the first new token
    """
    state: Any = way.start(first, cache)
    for limit in limits(way.max_new):
        state = way.roomier(state, room, limit)
        state = way.go_on(state, advance, limit, limit)
    return way.found(state)
