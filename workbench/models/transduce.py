"""Greedy and beam search of one transducer or of several that vote, over cached keys and values.

Dims: B rows, S source, N characters written, W beams (1 of a greedy search), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from workbench.models.attention import Kept, View, mask_of, rope_of
from workbench.models.monotonic import Alignments, moved
from workbench.models.parts import Array
from workbench.models.search import Beams, Decoded, Greedy, Way, limits
from workbench.models.stack import Past
from workbench.models.transducer import Transducer, copied_at, log_probabilities
from workbench.objectives.batch import Batch, Tokens

TURN = 4  # characters after which rows that are over make place for others
WAVE = 8  # batches whose rows move together: so many caches exist at once
CLOSER = 0.75  # batches close up where that leaves no more than this share of them: moving a row costs a few characters
STEP = 8  # encoded lengths are rounded up to this


class Memory(NamedTuple):
    """What one model made of the source: each layer's keys and values of it, and what the pointer compares with."""

    cross: tuple[Kept, ...]
    copy_keys: jax.Array | None

    def padded(self, length: int) -> Memory:
        """The same of `length` places."""
        cross, keys = tuple(kept.room(length) for kept in self.cross), self.copy_keys
        if keys is not None:
            keys = jnp.pad(keys, [(0, 0), (0, length - keys.shape[1]), (0, 0)])
        return Memory(cross, keys)


class Cache(NamedTuple):
    """What one model has read: each layer's keys and values, and a monotonic pointer's alignments."""

    layers: tuple[Past, ...]
    alignments: Alignments | None

    @classmethod
    def empty(cls, model: Transducer, source: Tokens) -> Cache:
        """With room for one character."""
        stack = model.decoder
        layers = (Past.empty(stack.settings, len(source.ids), 1),) * stack.num_layers
        return cls(layers, None if model.monotonic is None else Alignments.start(source, len(model.embedding)))

    def room(self, places: int) -> Cache:
        layers = tuple(past.room(places) for past in self.layers)
        return Cache(layers, None if self.alignments is None else self.alignments.room(places))


def _remember(model: Transducer, source: Tokens) -> Memory:
    states = model.encode(source)
    rope = model.ropes(source.positions, source.positions)[1]
    blocks = model.decoder.layers()
    cross = tuple(Kept.of(block.cross.keys_values(states, rope)) for block in blocks if block.cross is not None)
    return Memory(cross, model.copy_keys(states))


def _read(
    model: Transducer, memory: Memory, source: Tokens, ids: jax.Array, place: jax.Array, seen: jax.Array, cache: Cache
) -> tuple[jax.Array, Cache]:
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
    for block, past, cross in zip(stack.layers(), cache.layers, memory.cross, strict=True):
        x, new = block(x, view, across, cross, past=past)
        assert new is not None
        read.append(new)
    final, kept = stack.final_norm(x), cache.alignments
    written = model.written(final, memory.copy_keys, source)
    if model.monotonic is not None and kept is not None and written.copies is not None:
        logits, copying = written.logits, model.monotonic.copying(final)
        earlier = seen & (cached < place)
        number = jnp.max(jnp.where(earlier, jnp.arange(len(cached)) + 1, 0), axis=2)  # up to the last character
        before, odds = kept.before(number, ids)
        same = ids[:, :, None] == jnp.asarray(source.ids)[:, None, :]
        places = moved(before, odds, same, model.monotonic.moves(written.copies, source))
        kept = kept.append(cache.layers[0].length, places, logits - copying[:, :, None])
        written = copied_at(places, copying, logits, source)
    return log_probabilities(written, source.ids), Cache(tuple(read), kept)


class _Voters(NamedTuple):
    """Models whose probabilities are averaged, and what each remembers of the source."""

    models: tuple[Transducer, ...]
    memories: tuple[Memory, ...]
    source: Tokens

    def read(
        self, ids: jax.Array, place: jax.Array, seen: jax.Array, caches: tuple[Cache, ...]
    ) -> tuple[jax.Array, tuple[Cache, ...]]:
        found = [
            _read(model, memory, self.source, ids, place, seen, cache)
            for model, memory, cache in zip(self.models, self.memories, caches, strict=True)
        ]
        if len(found) == 1:
            return found[0][0], (found[0][1],)
        return _mean_probability(jnp.stack([one for one, _ in found])), tuple(cache for _, cache in found)

    def advance(
        self, token: jax.Array, step: jax.Array, own: jax.Array, caches: tuple[Cache, ...]
    ) -> tuple[jax.Array, tuple[Cache, ...]]:
        seen = jnp.pad(own, [(0, 0), (0, 0), (1, 0)], constant_values=True)  # all see the beginning
        return self.read(token, step + 1, seen, caches)


def _room(caches: tuple[Cache, ...], places: int) -> tuple[Cache, ...]:
    return tuple(cache.room(1 + places) for cache in caches)


class _Batch(NamedTuple):
    """Rows that are searched together. Every leaf has a leading B, but for scalars, which are common to all."""

    source: Tokens
    memories: tuple[Memory, ...]
    state: Any  # of the search


@partial(jax.jit, static_argnames=("places",))
def _encode(models: Sequence[Transducer], source: Tokens, places: int) -> tuple[Memory, ...]:
    """Memories of `places` places, those behind the source empty."""
    return tuple(_remember(model, source).padded(places) for model in models)


@partial(jax.jit, static_argnames=("way", "bos"))
def _begin(
    models: Sequence[Transducer], source: Tokens, memories: tuple[Memory, ...], real: Array, way: Way, bos: int
) -> Any:
    """A search's state after the beginning is read; only the rows that are `real` [B] are searched."""
    voters = _Voters(tuple(models), memories, source)
    num_rows = len(source.ids)
    caches = tuple(Cache.empty(model, source) for model in models)
    seen = jnp.ones((num_rows, 1, 1), bool)
    first, caches = voters.read(jnp.full((num_rows, 1), bos), jnp.zeros((), jnp.int32), seen, caches)
    state: Any = way.start(first[:, 0], caches)
    return state._replace(over=~jnp.asarray(real))


@partial(jax.jit, static_argnames=("way", "limit"))
def _make_room(state: Any, way: Way, limit: int) -> Any:
    return way.roomier(state, _room, limit)


@partial(jax.jit, static_argnames=("way", "limit"), donate_argnames=("state",))
def _go_on(
    models: Sequence[Transducer],
    source: Tokens,
    memories: tuple[Memory, ...],
    state: Any,
    end: int,
    way: Way,
    limit: int,
) -> tuple[Any, Decoded]:
    """The next state, written over the given one: caches are not copied, nor what the models remember."""
    state = way.go_on(state, _Voters(tuple(models), memories, source).advance, end, limit)
    return state, way.found(state)


def _search(models: Sequence[Transducer], source: Tokens, way: Way, bos: int, size: int) -> Decoded:
    """Any number of rows, `size` at a time.

    Every `TURN` characters the rows that are over make place: the others move together into fewer batches, where that
    spares enough of them. So little waits for the longest form but the rows of the last batch. A batch's sources are
    encoded without the places that all of them leave empty: there are few programs, whatever the lengths.
    """
    if not len(source.ids):
        raise ValueError("nothing to search: a source of no rows")
    models = tuple(models)
    order = np.argsort((np.asarray(source.segments) > 0).sum(axis=1), kind="stable")
    ends = sorted({*range(TURN, way.max_new, TURN), *limits(way.max_new)})
    ids, scores = None, None
    for wave in np.split(order, range(WAVE * size, len(order), WAVE * size)):
        waiting = [_started(models, source, numbers, way, bos, size) for numbers in _chunks(wave, size)]
        room = 0
        for end in ends:
            limit = next(limit for limit in limits(way.max_new) if limit >= end)
            going_on = []
            for numbers, batch in waiting:
                state = batch.state if limit == room else _make_room(batch.state, way, limit)
                state, found = _go_on(models, batch.source, batch.memories, state, end, way, limit)
                if ids is None or scores is None:
                    ids, scores = (np.empty((len(order), *leaf.shape[1:]), leaf.dtype) for leaf in found)
                ids[numbers], scores[numbers] = (np.asarray(leaf)[: len(numbers)] for leaf in found)
                going_on.append((numbers, batch._replace(state=state)))
            waiting, room = _closed_up(going_on, size), limit
            if not waiting:
                break
    assert ids is not None
    assert scores is not None
    return Decoded(ids, scores)


def _chunks(numbers: np.ndarray, size: int) -> list[np.ndarray]:
    return np.split(numbers, range(size, len(numbers), size))


def _started(
    models: tuple[Transducer, ...], source: Tokens, numbers: np.ndarray, way: Way, bos: int, size: int
) -> tuple[np.ndarray, _Batch]:
    """These rows, filled up to `size` by the first of them, which are not searched."""
    rows = np.resize(numbers, size)
    whole = Tokens(*(np.asarray(leaf)[rows] for leaf in source))
    longest = int((whole.segments > 0).sum(axis=1).max())
    length = min(-(-longest // STEP) * STEP, whole.ids.shape[1])
    memories = _encode(models, Tokens(*(leaf[:, :length] for leaf in whole)), whole.ids.shape[1])
    state = _begin(models, whole, memories, np.arange(size) < len(numbers), way, bos)
    return numbers, _Batch(whole, memories, state)


def _closed_up(batches: list[tuple[np.ndarray, _Batch]], size: int) -> list[tuple[np.ndarray, _Batch]]:
    """The rows that are not over, in as few batches as hold them; the batches themselves where that saves little."""
    batches = [(numbers, batch) for numbers, batch in batches if not np.all(batch.state.over)]
    open_ = [np.flatnonzero(~np.asarray(batch.state.over)) for _, batch in batches]
    left = sum(map(len, open_))
    if -(-left // size) > CLOSER * len(batches) or not batches:
        return batches
    owner = np.repeat(np.arange(len(batches)), list(map(len, open_)))
    row = np.concatenate(open_)
    numbers = np.concatenate([own[rows] for (own, _), rows in zip(batches, open_, strict=True)])
    closed = []
    for chosen in _chunks(np.arange(left), size):
        filled = np.resize(chosen, size)
        gathered = partial(_gathered, owner=owner[filled], row=row[filled])
        batch: _Batch = jax.tree.map(gathered, *(batch for _, batch in batches))
        state = batch.state._replace(over=np.arange(size) >= len(chosen))
        closed.append((numbers[chosen], batch._replace(state=state)))
    return closed


def _gathered(*leaves: jax.Array, owner: np.ndarray, row: np.ndarray) -> Any:
    """Row `row[i]` of leaf `owner[i]` for each i; a scalar is the same in all. Shapes: owner, row [B] -> [B, ..]"""
    if not leaves[0].ndim:
        return jnp.copy(leaves[0])  # each batch overwrites its own
    found = np.empty((len(row), *leaves[0].shape[1:]), leaves[0].dtype)
    for one in np.unique(owner):
        found[owner == one] = np.asarray(leaves[one])[row[owner == one]]
    return jnp.asarray(found)


def greedy(
    models: Sequence[Transducer],
    source: Tokens,
    *,
    max_new: int,
    bos: int,
    eos: int,
    pad: int = 0,
    batch_size: int = 64,
) -> Decoded:
    """The likeliest next character, by the mean of the models' probabilities, until every row has ended.

    Shapes: source [B, S] -> ids [B, N], scores [B]
    """
    return _search(models, source, Greedy(max_new, eos, pad), bos, batch_size)


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
    batch_size: int = 64,
) -> Decoded:
    """The best forms by log-probability / length ** length_penalty; of the first `num_best`, of all where None.

    Where one form is asked for, greedy search comes first, and a row is searched no more where no other form can be
    better: then there is nothing but that form in the row. `batch_size` counts hypotheses: a batch has that many
    divided by the beams.

    Shapes: -> ids [B, W, N], scores [B, W]
    """
    if length_penalty < 0:
        raise ValueError(f"length_penalty: {length_penalty}, wanted 0 or more")
    way = Beams(max_new, eos, pad, num_beams, num_best, length_penalty)
    size = -(-batch_size // num_beams)
    if num_best != 1:
        return _search(models, source, way, bos, size)
    first = greedy(models, source, max_new=max_new, bos=bos, eos=eos, pad=pad, batch_size=batch_size)
    ids = np.full((len(first.ids), num_beams, max_new), pad, np.int32)
    scores = np.full((len(first.ids), num_beams), -np.inf, np.float32)
    ids[:, 0], scores[:, 0], settled = first.ids, *_settled(first, eos, length_penalty)
    open_ = np.flatnonzero(~settled)
    if len(open_):
        rest = Tokens(*(np.asarray(leaf)[open_] for leaf in source))
        ids[open_], scores[open_] = _search(models, rest, way, bos, size)
    return Decoded(ids, scores)


def _settled(first: Decoded, eos: int, length_penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """The scores of what greedy search has written, by a length penalty; and whether no other form can have a better.

    All other forms have together the probability that is left, and are as long as may be at best. So a form that is
    settled has half of all probability or more: each of its characters is the likeliest, and any beam would find it.

    Shapes: -> [B], [B] bool
    """
    ends = first.ids == eos
    num_new = np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, ends.shape[1])
    log_probability = np.minimum(np.asarray(first.scores, np.float64), 0.0)
    scores = log_probability / num_new**length_penalty
    with np.errstate(divide="ignore"):  # nothing is left
        others = np.log(-np.expm1(log_probability)) / float(ends.shape[1]) ** length_penalty
    return scores, ends.any(axis=1) & (scores >= others)


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
