"""A stack of transformer blocks, unrolled or scanned: the one that the encoder and the decoders share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench import config
from workbench.models import parts
from workbench.models.adapters import Bottleneck, Invertible
from workbench.models.attention import NUM_BUCKETS, Attention, Kept, KeysValues, View, relative_bias
from workbench.models.parts import Array


class Output(NamedTuple):
    """Shapes: final [B, T, D], normalized; hidden [L+1, B, T, D], the embeddings and each layer's output, or None.

    Both are float32, whatever the stack computed in.
    """

    final: jax.Array
    hidden: jax.Array | None


class Past(NamedTuple):
    """Keys and values of one layer's tokens so far: the first `length` places along S are filled."""

    kept: Kept
    length: jax.Array

    @classmethod
    def empty(cls, settings: config.Model, num_rows: int, places: int, dtype: jnp.dtype | None = None) -> Past:
        kept = Kept.empty(num_rows, settings.num_heads, settings.width // settings.num_heads, places, dtype)
        return cls(kept, jnp.zeros((), jnp.int32))

    def room(self, length: int) -> Past:
        return self._replace(kept=self.kept.room(length))

    def append(self, new: KeysValues) -> Past:
        key, value = Kept.of(new)
        write = jax.lax.dynamic_update_slice_in_dim
        kept = Kept(write(self.kept.key, key, self.length, axis=3), write(self.kept.value, value, self.length, axis=2))
        return Past(kept, self.length + value.shape[2])


class Block(nnx.Module):
    """Pre-norm attention, attention over an encoder where there is one, and feed-forward, each added to the stream."""

    def __init__(
        self, settings: config.Model, rng: np.random.Generator | None, *, causal: bool, cross: bool, first: bool
    ) -> None:
        self.dropout = settings.dropout
        # ModernBERT normalizes the embeddings, and not once more before the first attention
        self.attention_norm = None if first and settings.norm == "layer" else parts.norm(settings)
        width, heads = settings.width, settings.num_heads
        self.attention = Attention(width, heads, settings.local_heads, rng, causal=causal)
        self.cross_norm = parts.norm(settings) if cross else None
        self.cross = Attention(width, heads, 0, rng) if cross else None
        self.mlp_norm = parts.norm(settings)
        self.mlp = parts.GeGLU(width, settings.feed_forward, rng)
        self.language, self.task = (
            Bottleneck(width, max(1, width // reduction), rng) if reduction else None
            for reduction in (settings.adapters.reduction, settings.adapters.task_reduction)
        )

    def __call__(
        self,
        x: jax.Array,  # [B, T, D]
        view: View,
        across: View | None = None,
        memory: jax.Array | Kept | None = None,  # [B, S, D]
        key: jax.Array | None = None,
        past: Past | None = None,
        only: Array | None = None,  # [B, M]
    ) -> tuple[jax.Array, Past | None]:
        """`memory` is what an encoder made of its input, or this layer's keys and values of that.

        With `past`, x follows the tokens in it, and the past that contains x too comes back. With `only`, what comes
        back is of these places alone, and `view` is theirs: the others are read as keys and values, and no more.
        """
        keys = [None] * 3 if key is None else [*jax.random.split(key, 2 if self.cross is None else 3)]
        normalized = x if self.attention_norm is None else self.attention_norm(x)
        own: KeysValues | Kept = self.attention.keys_values(normalized, view.key_rope)
        if only is not None:
            x, normalized = parts.at(x, only), parts.at(normalized, only)
        query = self.attention.queries(normalized, view.query_rope)
        if past is not None:
            assert isinstance(own, KeysValues)
            past = past.append(own)
            own = past.kept
        x = x + parts.coarse_dropout(self.attention(query, own, view), self.dropout, keys[0])
        if self.cross is not None and self.cross_norm is not None and across is not None and memory is not None:
            query = self.cross.queries(self.cross_norm(x), across.query_rope)
            cross = memory if isinstance(memory, Kept) else self.cross.keys_values(memory, across.key_rope)
            x = x + parts.coarse_dropout(self.cross(query, cross, across), self.dropout, keys[2])
        fed = self.mlp(self.mlp_norm(x))
        for adapter in (self.language, self.task):
            fed = fed if adapter is None else fed + adapter(fed)
        return x + parts.coarse_dropout(fed, self.dropout, keys[1]), past


class Stack(nnx.Module):
    """Blocks and a final norm. Scanned, the blocks of one shape are one block whose leaves have a leading L.

    With `norm = "layer"` the first block has one norm fewer, so a scanned stack holds it apart as `first`.
    """

    def __init__(
        self,
        settings: config.Model,
        num_layers: int,
        rng: np.random.Generator | None,
        *,
        causal: bool = False,
        cross: bool = False,
    ) -> None:
        self.settings, self.num_layers, self.causal = settings, num_layers, causal
        blocks = [Block(settings, rng, causal=causal, cross=cross, first=i == 0) for i in range(num_layers)]
        num_apart = int(settings.norm == "layer")
        if settings.compute.layers == "scanned":
            self.first = blocks[0] if num_apart else None
            rest = blocks[num_apart:]
            self.blocks = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rest) if rest else None
        else:
            self.first, self.blocks = None, nnx.List(blocks)
        self.embedding_norm = parts.norm(settings) if settings.norm == "layer" else None
        self.final_norm = parts.norm(settings)
        relative = settings.position == "relative"
        self.relative = parts.normal(rng, (NUM_BUCKETS, settings.num_heads), settings.width) if relative else None
        self.invertible = Invertible(settings.width, rng) if settings.adapters.invertible else None

    @property
    def dtype(self) -> jnp.dtype:
        return jnp.dtype(self.settings.compute.dtype)

    def layers(self) -> list[Block]:
        """The blocks one by one, however they are held."""
        apart, stacked = self._held()
        rest = range(self.num_layers - len(apart))
        return [*apart, *(jax.tree.map(lambda leaf, layer=layer: leaf[layer], stacked) for layer in rest)]

    def _held(self) -> tuple[list[Block], Block | None]:
        """The blocks that stand apart, and those stacked into one."""
        if isinstance(self.blocks, nnx.List):
            return list(self.blocks), None
        return [] if self.first is None else [self.first], self.blocks

    def relative_bias(self, offset: Array) -> jax.Array | None:
        return None if self.relative is None else relative_bias(self.relative[...], offset, self.causal)

    def embed(self, embedding: jax.Array, ids: Array, key: jax.Array | None) -> jax.Array:  # -> [B, T, D]
        x = embedding[ids].astype(self.dtype)
        if self.embedding_norm is not None:
            x = self.embedding_norm(x)
        if self.invertible is not None:
            x = self.invertible(x)
        return parts.coarse_dropout(x, self.settings.dropout, key)

    def run(
        self,
        embedding: jax.Array,
        ids: Array,
        view: View,
        *,
        memory: jax.Array | None = None,  # [B, S, D]
        across: View | None = None,
        key: jax.Array | None = None,
        hidden: bool = False,
        only: Array | None = None,  # [B, M]
    ) -> Output:
        """All layers over whole rows; with `only`, the final states of these places alone [B, M, D].

        The last layer then computes no others. Not for a causal stack, nor together with `hidden`.
        """
        assert only is None or not (hidden or self.causal)
        apart, stacked = self._held()
        last = None
        if only is not None:
            if stacked is None:
                *apart, last = apart
            else:
                stacked, last = (jax.tree.map(lambda leaf, part=part: leaf[part], stacked) for part in (slice(-1), -1))
        keys = None if key is None else jax.random.split(key, self.num_layers + 1)
        x = self.embed(embedding, ids, None if keys is None else keys[0])
        states = None if memory is None else memory.astype(x.dtype)
        if view.offset is not None:
            view = view.with_bias(self.relative_bias(view.offset))

        def through(
            x: jax.Array, layer: tuple[Block, jax.Array | None], places: Array | None = None
        ) -> tuple[jax.Array, jax.Array | None]:
            block, block_key = layer
            x, _ = block(x, view if places is None else view.at(places), across, states, block_key, only=places)
            return x, x if hidden else None

        through = _remat(through, self.settings.compute.remat)
        seen, emitted = [x], None
        for number, block in enumerate(apart, 1):
            x, _ = through(x, (block, None if keys is None else keys[number]))
            seen.append(x)
        if stacked is not None:
            rest = None if keys is None else keys[1 + len(apart) : None if last is None else -1]
            x, emitted = jax.lax.scan(through, x, (stacked, rest))
        if last is not None:
            x, _ = through(x, (last, None if keys is None else keys[-1]), only)
        final = self.final_norm(x.astype(jnp.float32))
        if not hidden:
            return Output(final, None)
        states = jnp.stack(seen) if emitted is None else jnp.concatenate([jnp.stack(seen), emitted])
        return Output(final, states.astype(jnp.float32))


def _remat(function: Callable, policy: str) -> Callable:
    match policy:
        case "none":
            return function
        case "dots":
            return jax.checkpoint(function, policy=jax.checkpoint_policies.dots_with_no_batch_dims_saveable)
        case "full":
            return jax.checkpoint(function)
        case _:
            raise AssertionError(policy)
