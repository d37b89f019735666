"""Attention: who sees whom, where, and the weighted sum. Dims: B batch, T query, S key, D width, H head, K per head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench import config
from workbench.models import kernels, parts
from workbench.models.parts import Array

LOCAL_REACH = 8  # offsets farther than this share one learned bias
LOCAL_BIAS = 8.0  # where a local head starts: e^8 = 3,000 times the weight of any other place
NUM_BUCKETS, MAX_DISTANCE = 32, 128  # of T5's relative bias

Rope = tuple[jax.Array, jax.Array]


class KeysValues(NamedTuple):
    """Shapes: key, value [B, S, H, K]."""

    key: jax.Array
    value: jax.Array


class Kept(NamedTuple):
    """Keys and values that are read again and again by a few queries: as those products want them, not transposed anew.

    Shapes: key [B, H, K, S], value [B, H, S, K]
    """

    key: jax.Array
    value: jax.Array

    @classmethod
    def of(cls, found: KeysValues) -> Kept:
        return cls(jnp.transpose(found.key, (0, 2, 3, 1)), jnp.transpose(found.value, (0, 2, 1, 3)))

    @classmethod
    def empty(cls, num_rows: int, num_heads: int, per_head: int, length: int, dtype: jnp.dtype | None = None) -> Kept:
        shape = (num_rows, num_heads)
        return cls(jnp.zeros((*shape, per_head, length), dtype), jnp.zeros((*shape, length, per_head), dtype))

    @property
    def length(self) -> int:
        return self.value.shape[2]

    def room(self, length: int) -> Kept:
        """The same with empty places behind them, `length` in all."""
        more = (0, length - self.length)
        return Kept(jnp.pad(self.key, [(0, 0)] * 3 + [more]), jnp.pad(self.value, [(0, 0), (0, 0), more, (0, 0)]))


@dataclass(frozen=True)
class View:
    """What all layers of a stack share in one attention.

    Shapes: query_segments [B, T] and key_segments [B, S]: a query sees keys of its own segment alone; mask
        [B, 1, T, S] float32, 0 where a query sees a key and very negative elsewhere; offset [T, S] or [B, T, S] int,
        the key's place minus the query's; bias [H, T, S] or [B, H, T, S], of relative positions; ropes as from
        `parts.rope`.
    """

    query_segments: Array
    key_segments: Array
    mask: jax.Array
    offset: Array | None = None
    causal: bool = False
    whole: bool = False  # segments and `causal` say all that the mask says
    bias: jax.Array | None = None
    query_rope: Rope | None = None
    key_rope: Rope | None = None

    def with_bias(self, bias: jax.Array | None) -> View:
        return replace(self, bias=bias)

    def at(self, places: Array) -> View:
        """What the queries at these places alone share. Shapes: places [B, M]"""
        offset, bias, rope = self.offset, self.bias, self.query_rope
        if offset is not None:
            offset = jnp.asarray(offset)[places] if offset.ndim == 2 else parts.at(offset, places)
        if bias is not None:
            by_query = jnp.moveaxis(bias, -2, -3)  # [(B,) T, H, S]
            bias = jnp.moveaxis(by_query[places] if bias.ndim == 3 else parts.at(by_query, places), -2, -3)
        return replace(
            self,
            query_segments=parts.at(self.query_segments, places),
            mask=jnp.take_along_axis(self.mask, jnp.asarray(places)[:, None, :, None], axis=2),
            offset=offset,
            bias=bias,
            query_rope=None if rope is None else (parts.at(rope[0], places), parts.at(rope[1], places)),
        )


def same_segment(query_segments: Array, key_segments: Array) -> Array:  # -> [B, 1, T, S] bool
    return query_segments[:, None, :, None] == key_segments[:, None, None, :]


def mask_of(visible: Array) -> jax.Array:
    return jnp.where(visible, 0.0, -1e9)


def rope_of(settings: config.Model, positions: Array) -> Rope | None:
    if settings.position == "relative":
        return None
    return parts.rope(positions, settings.width // settings.num_heads)


def self_view(
    settings: config.Model, segments: Array, positions: Array, *, causal: bool, prefix: Array | None = None
) -> View:
    """Tokens of one stack: all of their segment; with `causal`, only earlier ones and those of the prefix."""
    place = np.arange(segments.shape[1])
    offset = place[None, :] - place[:, None]
    visible = same_segment(segments, segments)
    if causal:
        visible = visible & (offset <= 0 if prefix is None else (offset <= 0) | prefix[:, None, None, :])
    mask, rope = mask_of(visible), rope_of(settings, positions)
    return View(segments, segments, mask, offset, causal, prefix is None, query_rope=rope, key_rope=rope)


def cross_view(segments: Array, memory_segments: Array) -> View:
    """A decoder's tokens over an encoder's: equal segments belong together."""
    return View(segments, memory_segments, mask_of(same_segment(segments, memory_segments)), whole=True)


def local_offsets(num_heads: int, causal: bool = False) -> np.ndarray:
    """The offset that each local head looks at first: -1, +1, -2, +2, ..; where causal -1, -2, ...

    Shapes: -> [H] int
    """
    head = np.arange(num_heads)
    if causal:
        return -(head % LOCAL_REACH + 1)
    return (head // 2 % LOCAL_REACH + 1) * np.where(head % 2 == 0, -1, 1)


def bucket(offset: Array, causal: bool) -> jax.Array:
    """The bucket of each key-minus-query offset: one each for short distances, logarithmic ones up to MAX_DISTANCE.

    Source: Raffel et al. 2020 (JMLR 21-140), section 2.1; google-research/text-to-text-transfer-transformer.
    """
    offset = jnp.asarray(offset)
    num = NUM_BUCKETS if causal else NUM_BUCKETS // 2
    side = jnp.zeros_like(offset) if causal else (offset > 0) * num
    distance = jnp.maximum(-offset, 0) if causal else jnp.abs(offset)
    exact = num // 2
    share = jnp.log(jnp.maximum(distance, 1).astype(jnp.float32) / exact) / np.float32(np.log(MAX_DISTANCE / exact))
    far = jnp.minimum(exact + (share * (num - exact)).astype(jnp.int32), num - 1)
    return side + jnp.where(distance < exact, distance, far)


def relative_bias(table: jax.Array, offset: Array, causal: bool) -> jax.Array:
    """Shapes: table [32, H], offset [.., T, S] -> [.., H, T, S]"""
    return jnp.moveaxis(table[bucket(offset, causal)], -1, -3)


class Attention(nnx.Module):
    """Multi-head attention; the first `local_heads` have a learned bias per offset, of earlier tokens where causal."""

    def __init__(
        self,
        width: int,
        num_heads: int,
        local_heads: int,
        rng: np.random.Generator | None,
        *,
        causal: bool = False,
    ) -> None:
        self.per_head = width // num_heads
        self.farthest = 0 if causal else LOCAL_REACH
        shape = (width, num_heads, self.per_head)
        self.query, self.key, self.value = (parts.normal(rng, shape, width) for _ in range(3))
        self.out = parts.normal(rng, (num_heads, self.per_head, width), width)
        bias = np.zeros((local_heads, LOCAL_REACH + self.farthest + 1), np.float32)
        bias[np.arange(local_heads), local_offsets(local_heads, causal) + LOCAL_REACH] = LOCAL_BIAS
        self.offset_bias = nnx.Param(jnp.asarray(bias)) if local_heads else None

    def local_bias(self, offset: Array) -> jax.Array | None:
        """What the local heads add to their scores, and 0 for the others.

        Shapes: offset [T, S] -> [H, T, S], or [B, T, S] -> [B, H, T, S]
        """
        if self.offset_bias is None:
            return None
        place = offset.clip(-LOCAL_REACH, self.farthest) + LOCAL_REACH
        local = jnp.moveaxis(self.offset_bias[...][:, place], 0, -3)
        other_heads = self.query.shape[1] - local.shape[-3]
        return jnp.pad(local, [(0, 0)] * (local.ndim - 3) + [(0, other_heads), (0, 0), (0, 0)])

    def _bias(self, view: View) -> jax.Array | None:  # -> [(B,) H, T, S]
        local = None if view.offset is None else self.local_bias(view.offset)
        if local is None or view.bias is None:
            return view.bias if local is None else local
        return local + view.bias

    def queries(self, x: jax.Array, rope: Rope | None) -> jax.Array:
        """Shapes: x [B, T, D] -> [B, T, H, K], scaled"""
        query = parts.linear(x, self.query[...])
        return (query if rope is None else parts.rotate(query, *rope)) * self.per_head**-0.5

    def keys_values(self, source: jax.Array, rope: Rope | None) -> KeysValues:  # source [B, S, D]
        key, value = (parts.linear(source, weight[...]) for weight in (self.key, self.value))
        return KeysValues(key if rope is None else parts.rotate(key, *rope), value)

    def __call__(self, query: jax.Array, keys_values: KeysValues | Kept, view: View) -> jax.Array:
        """Shapes: query [B, T, H, K] -> [B, T, D]"""
        key, value = keys_values
        if isinstance(keys_values, Kept):
            weights = self._weights(jnp.einsum("BTHK,BHKS->BHTS", query, key, preferred_element_type=jnp.float32), view)
            # asked for BTHK, XLA's CPU programs take a transposed product that is several times slower
            mixed = jnp.einsum("BHTS,BHSK->BHTK", weights.astype(value.dtype), value)
            return self._out(jnp.transpose(mixed, (0, 2, 1, 3)))
        biased = view.bias is not None or (view.offset is not None and self.offset_bias is not None)
        kernel = kernels.choose(
            kernels.platform(),
            jax.device_count(),
            query.dtype,
            query.shape[1],
            key.shape[1],
            self.per_head,
            biased=biased,
            whole=view.whole,
        )
        if kernel == "einsum":
            weights = self._weights(jnp.einsum("BTHK,BSHK->BHTS", query, key, preferred_element_type=jnp.float32), view)
            return self._out(jnp.einsum("BHTS,BSHK->BTHK", weights.astype(value.dtype), value))
        return self._out(kernels.fused(kernel, query, key, value, self._bias(view), view))

    def _weights(self, scores: jax.Array, view: View) -> jax.Array:  # [B, H, T, S]
        bias = self._bias(view)
        scores = scores if bias is None else scores + bias
        return jax.nn.softmax(scores + view.mask, axis=-1)

    def _out(self, mixed: jax.Array) -> jax.Array:  # [B, T, H, K] -> [B, T, D]
        return parts.linear(mixed, self.out[...], inputs=2)
