"""A pointer that only moves forward. Dims: B batch, T target, P characters read, S source, V vocabulary."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench.models import parts
from workbench.models.attention import LOCAL_REACH
from workbench.models.parts import Array
from workbench.objectives.batch import Tokens

NEVER = -1e9
FORWARD = 3.0  # where the bias of one place forward starts: e^3 = 20 times the weight of staying or of any other place


class MonotonicPointer(nnx.Module):
    """Hard monotonic attention: the pointer stands at one character, and before each one written it stays or moves on.

    Where it stands is a hidden state. From place k it moves to each place from k on by a softmax of their scores and of
    a learned bias per distance; at place j the next character is generated, or copied from j. What was written says
    where it may have stood: summing over all ways there, the forward algorithm, is exact, in training and in search.
    It starts before the first character; features and padding are no places.

    Source: Wu & Cotterell 2019 (arXiv 1905.06319), first-order hard monotonic attention. Differs: only copying knows
        the place, generating reads the decoder's state, whose layers see the whole source; the bias per distance.
    """

    def __init__(self, width: int, rng: np.random.Generator | None) -> None:
        self.gate = parts.normal(rng, (width, 1), width)
        self.bias = nnx.Param(jnp.zeros(LOCAL_REACH + 1).at[1].set(FORWARD))

    def copying(self, final: jax.Array) -> jax.Array:
        """The score of copying, to compete with those of generating. Shapes: final [B, T, D] -> [B, T]"""
        return parts.linear(final, self.gate[...])[:, :, 0]

    def moves(self, scores: jax.Array, source: Tokens) -> jax.Array:
        """Log-probabilities of standing at each place next, by the place before.

        Shapes: scores [B, T, S], source [B, S] -> [B, T, S before, S next]
        """
        positions = jnp.asarray(source.positions)
        place = np.arange(positions.shape[1])
        distance = positions[:, None, :] - positions[:, :, None]
        may = (place[None, :] >= place[:, None]) & (positions > 0)[:, None, :]
        bias = jnp.where(may, self.bias[...][distance.clip(0, LOCAL_REACH)], NEVER)
        return jax.nn.log_softmax(scores[:, :, None, :] + bias[:, None], axis=-1)


class Alignments(NamedTuple):
    """What a search keeps: first of the start, then of each character read, for what is written behind it.

    Shapes: places [B, 1 + P, S], log-probabilities of where the pointer stands; odds [B, 1 + P, V], by how much the
        score of generating each character is above that of copying
    """

    places: jax.Array
    odds: jax.Array

    @classmethod
    def start(cls, source: Tokens, vocab_size: int) -> Alignments:
        """With room for one character."""
        places = jnp.stack([beginning(source)] * 2, axis=1)
        return cls(places, jnp.zeros((*places.shape[:2], vocab_size)))

    def room(self, characters: int) -> Alignments:
        """The same with empty places behind them, for so many characters in all."""
        more = [(0, 0), (0, 1 + characters - self.odds.shape[1]), (0, 0)]
        return Alignments(jnp.pad(self.places, more), jnp.pad(self.odds, more))

    def before(self, number: jax.Array, ids: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Of hypotheses after `number` of the kept characters (0: none): the pointer's places when their last
        character was written, and the odds of the one that was: `ids`.

        Shapes: number, ids [B, W] -> [B, W, S], [B, W]
        """
        odds = parts.at(self.odds, number)
        return parts.at(self.places, number), jnp.take_along_axis(odds, ids[:, :, None], axis=2)[:, :, 0]

    def append(self, length: jax.Array, places: jax.Array, odds: jax.Array) -> Alignments:
        """Of characters read after `length` others. Shapes: places [B, W, S], odds [B, W, V]"""
        write = jax.lax.dynamic_update_slice_in_dim
        start = 1 + length
        return Alignments(write(self.places, places, start, axis=1), write(self.odds, odds, start, axis=1))


def beginning(source: Tokens) -> jax.Array:
    """All at the first place, a feature, from where the first move is made. Shapes: -> [B, S]"""
    num_rows, length = source.ids.shape
    return jnp.broadcast_to(jnp.where(jnp.arange(length) == 0, 0.0, NEVER), (num_rows, length))


def moved(before: jax.Array, odds: jax.Array, same: jax.Array, moves: jax.Array) -> jax.Array:
    """Where the pointer stands next: of where it stood, what was written there says how likely, and on from there.

    Shapes: before [.., S], odds [..] of what was written, same [.., S] bool, whether a place holds it,
        moves [.., S, S] -> [.., S]
    """
    ways = jnp.logaddexp(odds[..., None], jnp.where(same, 0.0, NEVER))
    after = jax.nn.log_softmax(before + ways, axis=-1)
    return jax.nn.logsumexp(after[..., :, None] + moves, axis=-2)


def alignments(moves: jax.Array, odds: jax.Array, ids: Array, source: Tokens) -> jax.Array:
    """Log-probabilities of where the pointer stands when each character is written, after those read before it.

    Shapes: moves [B, T, S, S], odds [B, T, V], ids [B, T], of which the first is no character -> [B, T, S]
    """
    ids = jnp.asarray(ids)
    odds_read = jnp.take_along_axis(odds[:, :-1], ids[:, 1:, None], axis=2)[:, :, 0]
    odds_read = jnp.pad(odds_read, [(0, 0), (1, 0)])
    same = ids[:, :, None] == jnp.asarray(source.ids)[:, None, :]

    def step(before: jax.Array, read: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        places = moved(before, *read)
        return places, places

    in_turn = (jnp.moveaxis(odds_read, 1, 0), jnp.moveaxis(same, 1, 0), jnp.moveaxis(moves, 1, 0))
    return jnp.moveaxis(jax.lax.scan(step, beginning(source), in_turn)[1], 0, 1)
