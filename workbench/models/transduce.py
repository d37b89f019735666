"""Greedy and beam search of one transducer or of several that vote, over cached keys and values; one program each.

Dims: B rows, S source, N characters written, W beams (1 of a greedy search), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from workbench.models.attention import Kept, View, mask_of, rope_of
from workbench.models.search import Decoded, beam_search, greedy_search
from workbench.models.stack import Past
from workbench.models.transducer import Transducer, log_probabilities
from workbench.objectives.batch import Batch, Tokens

Layers = tuple[Past, ...]


class Memory(NamedTuple):
    """What one model made of the source: each layer's keys and values of it, and what the pointer compares with."""

    cross: tuple[Kept, ...]
    copy_keys: jax.Array | None


def _remember(model: Transducer, source: Tokens) -> Memory:
    states = model.encode(source)
    rope = model.ropes(source.positions, source.positions)[1]
    blocks = model.decoder.layers()
    cross = tuple(Kept.of(block.cross.keys_values(states, rope)) for block in blocks if block.cross is not None)
    return Memory(cross, model.copy_keys(states))


def _read(
    model: Transducer, memory: Memory, source: Tokens, ids: jax.Array, place: jax.Array, seen: jax.Array, layers: Layers
) -> tuple[jax.Array, Layers]:
    """Read one character of each hypothesis, which see of the cache what is `seen`; the first place is 0.

    Shapes: ids [B, W], seen [B, W, 1 + N * W] -> log-probabilities [B, W, V]
    """
    stack, num_hypotheses = model.decoder, ids.shape[1]
    positions = jnp.broadcast_to(place + 1, ids.shape)
    cached = (jnp.arange(seen.shape[2]) + num_hypotheses - 1) // num_hypotheses  # the place of each entry
    rope = rope_of(stack.settings, positions)
    view = View(
        query_segments=jnp.ones_like(ids),
        key_segments=jnp.ones((len(ids), seen.shape[2]), jnp.int32),
        mask=mask_of(seen[:, None]),
        offset=jnp.broadcast_to(cached - place, (num_hypotheses, len(cached))),
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
    return log_probabilities(written, source.ids), tuple(read)


class _Voters(NamedTuple):
    """Models whose probabilities are averaged, and what each remembers of the source."""

    models: tuple[Transducer, ...]
    memories: tuple[Memory, ...]
    source: Tokens

    def read(
        self, ids: jax.Array, place: jax.Array, seen: jax.Array, caches: tuple[Layers, ...]
    ) -> tuple[jax.Array, tuple[Layers, ...]]:
        found = [
            _read(model, memory, self.source, ids, place, seen, layers)
            for model, memory, layers in zip(self.models, self.memories, caches, strict=True)
        ]
        if len(found) == 1:
            return found[0][0], (found[0][1],)
        return _mean_probability(jnp.stack([one for one, _ in found])), tuple(layers for _, layers in found)

    def advance(
        self, token: jax.Array, step: jax.Array, own: jax.Array, caches: tuple[Layers, ...]
    ) -> tuple[jax.Array, tuple[Layers, ...]]:
        seen = jnp.pad(own, [(0, 0), (0, 0), (1, 0)], constant_values=True)  # all see the beginning
        return self.read(token, step + 1, seen, caches)


def _room(caches: tuple[Layers, ...], places: int) -> tuple[Layers, ...]:
    return tuple(tuple(past.room(1 + places) for past in layers) for layers in caches)


def _start(models: Sequence[Transducer], source: Tokens, bos: int) -> tuple[_Voters, jax.Array, tuple[Layers, ...]]:
    """Caches with the beginning read, and log-probabilities of what follows it [B, V]."""
    voters = _Voters(tuple(models), tuple(_remember(model, source) for model in models), source)
    stacks = [model.decoder for model in models]
    caches = tuple((Past.empty(stack.settings, len(source.ids), 1),) * stack.num_layers for stack in stacks)
    seen = jnp.ones((len(source.ids), 1, 1), bool)
    first, caches = voters.read(jnp.full((len(source.ids), 1), bos), jnp.zeros((), jnp.int32), seen, caches)
    return voters, first[:, 0], caches


@partial(jax.jit, static_argnames=("max_new", "bos", "eos", "pad"))
def greedy(models: Sequence[Transducer], source: Tokens, *, max_new: int, bos: int, eos: int, pad: int = 0) -> Decoded:
    """The likeliest next character, by the mean of the models' probabilities, until every row has ended.

    Shapes: source [B, S] -> ids [B, N], scores [B]
    """
    voters, first, caches = _start(models, source, bos)
    return greedy_search(first, voters.advance, _room, caches, max_new=max_new, eos=eos, pad=pad)


@partial(jax.jit, static_argnames=("max_new", "bos", "eos", "pad", "num_beams", "num_best", "length_penalty"))
def beam(
    models: Sequence[Transducer],
    source: Tokens,
    *,
    max_new: int,
    bos: int,
    eos: int,
    num_beams: int = 5,
    num_best: int | None = None,
    length_penalty: float = 1.0,
    pad: int = 0,
) -> Decoded:
    """The best forms by log-probability / length ** length_penalty; of the first `num_best`, of all where None.

    Shapes: -> ids [B, W, N], scores [B, W]
    """
    voters, first, caches = _start(models, source, bos)
    return beam_search(
        first,
        voters.advance,
        _room,
        caches,
        max_new=max_new,
        eos=eos,
        pad=pad,
        num_beams=num_beams,
        num_best=num_best,
        length_penalty=length_penalty,
    )


@jax.jit
def form_log_probabilities(models: Sequence[Transducer], batch: Batch) -> jax.Array:
    """Of writing the batch's targets, by the mean of the models' probabilities of each character.

    Shapes: batch [B, ..] -> [B]
    Units: nats
    """
    each = -jnp.stack([model.token_losses(batch) for model in models])
    return jnp.sum(_mean_probability(each) * batch.weights, axis=1)


def _mean_probability(log_probabilities: jax.Array) -> jax.Array:
    """Of several models. Shapes: [M, ..] -> [..]"""
    return jax.nn.logsumexp(log_probabilities, axis=0) - jnp.log(float(len(log_probabilities)))
