"""Greedy and beam search of one transducer or of several that vote, over cached keys and values; one program each.

Dims: B rows, S source, N characters written, W beams, V vocabulary, E models.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from workbench.models.attention import KeysValues, View, mask_of, rope_of
from workbench.models.search import Decoded, beam_search, by_row, greedy_search
from workbench.models.stack import Past
from workbench.models.transducer import Transducer, log_probabilities
from workbench.objectives.batch import Tokens


class Memory(NamedTuple):
    """What one model made of the source: each layer's keys and values of it, and what the pointer compares with."""

    cross: tuple[KeysValues, ...]
    copy_keys: jax.Array | None


def _remember(model: Transducer, source: Tokens) -> Memory:
    states = model.encode(source)
    rope = model.ropes(source.positions, source.positions)[1]
    blocks = model.decoder.layers()
    cross = tuple(block.cross.keys_values(states, rope) for block in blocks if block.cross is not None)
    return Memory(cross, model.copy_keys(states))


def _next(
    model: Transducer, memory: Memory, source: Tokens, ids: jax.Array, step: jax.Array, layers: tuple[Past, ...]
) -> tuple[jax.Array, tuple[Past, ...]]:
    """Read one character a row, the one before place `step`. Shapes: ids [B] -> log-probabilities [B, V]"""
    stack = model.decoder
    ids, positions = ids[:, None], jnp.broadcast_to(step + 1, (len(ids), 1))
    place = jnp.arange(layers[0].keys_values.length)
    visible = jnp.broadcast_to(place <= step, (len(ids), 1, 1, len(place)))
    rope = rope_of(stack.settings, positions)
    view = View(
        query_segments=jnp.ones_like(ids),
        key_segments=jnp.ones((len(ids), len(place)), jnp.int32),
        mask=mask_of(visible),
        offset=(place - step)[None, :],
        query_rope=rope,
        key_rope=rope,
    )
    across = model.across(jnp.ones_like(ids), positions, source)
    x = stack.embed(model.embedding[...], ids, None)
    read = []
    for block, past, cross in zip(stack.layers(), layers, memory.cross, strict=True):
        x, new = block(x, view, across, cross, past=past)
        assert new is not None
        read.append(new)
    written = model.written(stack.final_norm(x), memory.copy_keys, source)
    return log_probabilities(written, source.ids)[:, 0], tuple(read)


class _Voters(NamedTuple):
    """Models whose probabilities are averaged, and what each remembers of the source."""

    models: tuple[Transducer, ...]
    memories: tuple[Memory, ...]
    source: Tokens

    def next(
        self, ids: jax.Array, step: jax.Array, caches: tuple[tuple[Past, ...], ...]
    ) -> tuple[jax.Array, tuple[tuple[Past, ...], ...]]:
        found = [
            _next(model, memory, self.source, ids, step, cache)
            for model, memory, cache in zip(self.models, self.memories, caches, strict=True)
        ]
        if len(found) == 1:
            return found[0][0], (found[0][1],)
        mean = jax.nn.logsumexp(jnp.stack([one for one, _ in found]), axis=0) - jnp.log(float(len(found)))
        return mean, tuple(cache for _, cache in found)


def _start(
    models: Sequence[Transducer], source: Tokens, max_new: int, bos: int
) -> tuple[_Voters, jax.Array, tuple[tuple[Past, ...], ...]]:
    voters = _Voters(tuple(models), tuple(_remember(model, source) for model in models), source)
    caches = tuple(_empty(model, len(source.ids), max_new + 1) for model in models)
    first, caches = voters.next(jnp.full(len(source.ids), bos), jnp.zeros((), jnp.int32), caches)
    return voters, first, caches


def _empty(model: Transducer, num_rows: int, length: int) -> tuple[Past, ...]:
    settings = model.decoder.settings
    nothing = jnp.zeros((num_rows, length, settings.num_heads, settings.width // settings.num_heads))
    zero = jnp.zeros((), jnp.int32)
    return tuple(Past(KeysValues(nothing, nothing), zero) for _ in range(model.decoder.num_layers))


@partial(jax.jit, static_argnames=("max_new", "bos", "eos", "pad"))
def greedy(models: Sequence[Transducer], source: Tokens, *, max_new: int, bos: int, eos: int, pad: int = 0) -> Decoded:
    """The likeliest next character, by the mean of the models' probabilities, until every row has ended.

    Shapes: source [B, S] -> ids [B, N], scores [B]
    """
    voters, first, caches = _start(models, source, max_new, bos)

    def advance(
        token: jax.Array, step: jax.Array, caches: tuple[tuple[Past, ...], ...]
    ) -> tuple[jax.Array, tuple[tuple[Past, ...], ...]]:
        return voters.next(token, step + 1, caches)

    return greedy_search(first, advance, caches, max_new=max_new, eos=eos, pad=pad)


@partial(jax.jit, static_argnames=("max_new", "bos", "eos", "pad", "num_beams", "length_penalty"))
def beam(
    models: Sequence[Transducer],
    source: Tokens,
    *,
    max_new: int,
    bos: int,
    eos: int,
    num_beams: int = 5,
    length_penalty: float = 1.0,
    pad: int = 0,
) -> Decoded:
    """The best forms by log-probability / length ** length_penalty. Shapes: -> ids [B, W, N], scores [B, W]"""
    voters, first, caches = _start(models, source, max_new, bos)
    spread = jnp.repeat(jnp.arange(len(first)), num_beams)
    voters = voters._replace(memories=by_row(voters.memories, spread), source=by_row(voters.source, spread))

    def advance(
        token: jax.Array, step: jax.Array, caches: tuple[tuple[Past, ...], ...]
    ) -> tuple[jax.Array, tuple[tuple[Past, ...], ...]]:
        return voters.next(token, step + 1, caches)

    return beam_search(
        first, advance, caches, max_new=max_new, eos=eos, pad=pad, num_beams=num_beams, length_penalty=length_penalty
    )
