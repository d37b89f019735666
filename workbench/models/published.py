"""Encoders that others published, computed as they were trained: ModernBERT, XLM-R and BERT.

They take and give what our encoder does, so that probes and training can start from them. Linear weights stand as in
the published files, [out, in]; what a file holds and what is here differ in names alone (`exchange.published`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from workbench.errors import BadInput
from workbench.models import parts
from workbench.models.attention import Array
from workbench.models.stack import Output

Activation = Literal["gelu", "gelu-tanh"]
Reach = Literal["global", "local"]


@dataclass(frozen=True, slots=True)
class ModernBERTSettings:
    """`layers`: which attend to all, and which only to places at most `window // 2` away."""

    vocab_size: int
    width: int
    num_heads: int
    feed_forward: int
    layers: tuple[Reach, ...]
    window: int
    global_theta: float
    local_theta: float
    activation: Activation
    head_activation: Activation
    norm_eps: float
    dropout: float = 0.0
    kind: Literal["modernbert"] = "modernbert"

    @property
    def num_layers(self) -> int:
        return len(self.layers)


@dataclass(frozen=True, slots=True)
class XLMRSettings:
    """RoBERTa is the same model; BERT counts positions from 0, the others from `pad + 1` of `max_positions`."""

    vocab_size: int
    width: int
    num_layers: int
    num_heads: int
    feed_forward: int
    max_positions: int
    num_types: int
    pad: int
    activation: Activation
    norm_eps: float
    dropout: float = 0.0
    kind: Literal["xlm-roberta", "bert"] = "xlm-roberta"

    @property
    def first_position(self) -> int:
        return 0 if self.kind == "bert" else self.pad + 1

    @property
    def longest(self) -> int:
        """Tokens of a row at most."""
        return self.max_positions - self.first_position

    @property
    def head_activation(self) -> Activation:
        """RoBERTa's is fixed."""
        return self.activation if self.kind == "bert" else "gelu"


PublishedSettings = ModernBERTSettings | XLMRSettings


def _zeros(*shape: int) -> nnx.Param:
    return nnx.Param(jnp.zeros(shape, jnp.float32))


class Norm(nnx.Module):
    """LayerNorm, with or without a bias."""

    def __init__(self, width: int, eps: float, *, bias: bool) -> None:
        self.eps = eps
        self.scale = _zeros(width)
        self.bias = _zeros(width) if bias else None

    def __call__(self, x: jax.Array) -> jax.Array:  # [.., D]
        centred = x - jnp.mean(x, axis=-1, keepdims=True)
        x = centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred), axis=-1, keepdims=True) + self.eps) * self.scale
        return x if self.bias is None else x + self.bias[...]


class Linear(nnx.Module):
    def __init__(self, fan_in: int, fan_out: int, *, bias: bool) -> None:
        self.weight = _zeros(fan_out, fan_in)
        self.bias = _zeros(fan_out) if bias else None

    def __call__(self, x: jax.Array) -> jax.Array:  # [.., in] -> [.., out]
        x = parts.linear(x, self.weight[...].T)
        return x if self.bias is None else x + self.bias[...]


def _gelu(x: jax.Array, kind: Activation) -> jax.Array:
    return jax.nn.gelu(x, approximate=kind == "gelu-tanh")


def _attend(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array) -> jax.Array:
    """Shapes: query, key, value [B, T, H, K], mask [B, 1, T, T] added to the scores -> [B, T, H * K]"""
    scores = jnp.einsum("BTHK,BSHK->BHTS", query * query.shape[-1] ** -0.5, key) + mask
    mixed = jnp.einsum("BHTS,BSHK->BTHK", jax.nn.softmax(scores, axis=-1), value)
    return mixed.reshape(*mixed.shape[:2], -1)


def _rope(positions: Array, per_head: int, theta: float) -> tuple[jax.Array, jax.Array]:
    half = per_head // 2
    frequencies = (theta ** (-np.arange(half, dtype=np.float64) / half)).astype(np.float32)
    angles = jnp.asarray(positions)[:, :, None, None].astype(jnp.float32) * frequencies
    return jnp.cos(angles), jnp.sin(angles)


def _mask(allowed: Array) -> jax.Array:  # [B, T, S] bool -> [B, 1, T, S]
    return jnp.where(jnp.asarray(allowed)[:, None], 0.0, -1e9)


def _same_document(segments: Array) -> jax.Array:  # [B, T] -> [B, T, T] bool
    return jnp.asarray(segments[:, :, None] == segments[:, None, :])


class ModernBERTBlock(nnx.Module):
    """Pre-norm attention with RoPE, and GeGLU; the first block's attention has no norm before it."""

    def __init__(self, settings: ModernBERTSettings, number: int) -> None:
        width = settings.width
        self.settings = settings
        self.attention_norm = Norm(width, settings.norm_eps, bias=False) if number else None
        self.qkv = Linear(width, 3 * width, bias=False)
        self.out = Linear(width, width, bias=False)
        self.mlp_norm = Norm(width, settings.norm_eps, bias=False)
        self.gate_up = Linear(width, 2 * settings.feed_forward, bias=False)
        self.down = Linear(settings.feed_forward, width, bias=False)

    def __call__(
        self, x: jax.Array, mask: jax.Array, turn: tuple[jax.Array, jax.Array], key: jax.Array | None
    ) -> jax.Array:  # x [B, T, D]
        settings = self.settings
        keys = (None, None) if key is None else jax.random.split(key)
        qkv = self.qkv(x if self.attention_norm is None else self.attention_norm(x))
        query, key_, value = jnp.moveaxis(qkv.reshape(*x.shape[:2], 3, settings.num_heads, -1), 2, 0)
        mixed = _attend(parts.rotate(query, *turn), parts.rotate(key_, *turn), value, mask)
        x = x + parts.dropout(self.out(mixed), settings.dropout, keys[0])
        gate, up = jnp.split(self.gate_up(self.mlp_norm(x)), 2, axis=-1)
        return x + parts.dropout(self.down(_gelu(gate, settings.activation) * up), settings.dropout, keys[1])


class ModernBERT(nnx.Module):
    """Source: Warner et al. 2024 (arXiv 2412.13663), as in transformers' ModernBertForMaskedLM."""

    def __init__(self, settings: ModernBERTSettings, *, head: bool) -> None:
        width = settings.width
        self.settings = settings
        self.embedding = _zeros(settings.vocab_size, width)
        self.embedding_norm = Norm(width, settings.norm_eps, bias=False)
        self.blocks = nnx.List([ModernBERTBlock(settings, number) for number in range(len(settings.layers))])
        self.final_norm = Norm(width, settings.norm_eps, bias=False)
        self.head = Linear(width, width, bias=False) if head else None
        self.head_norm = Norm(width, settings.norm_eps, bias=False) if head else None
        self.vocab_bias = _zeros(settings.vocab_size) if head else None

    def __call__(
        self,
        ids: Array,
        segments: Array,
        positions: Array,
        *,
        key: jax.Array | None = None,
        hidden: bool = False,
    ) -> Output:  # ids, segments, positions [B, T] int32
        """Encode rows of packed documents; a token sees its own document alone. `key=None`: no dropout."""
        settings, per_head = self.settings, self.settings.width // self.settings.num_heads
        same = _same_document(segments)
        near = jnp.abs(positions[:, :, None] - positions[:, None, :]) <= settings.window // 2
        masks = {"global": _mask(same), "local": _mask(same & near)}
        turns = {
            "global": _rope(positions, per_head, settings.global_theta),
            "local": _rope(positions, per_head, settings.local_theta),
        }
        keys = [None] * (len(self.blocks) + 1) if key is None else list(jax.random.split(key, len(self.blocks) + 1))
        x = parts.dropout(self.embedding_norm(self.embedding[...][ids]), settings.dropout, keys[0])
        states = [x]
        for block, reach, block_key in zip(self.blocks, settings.layers, keys[1:], strict=True):
            x = block(x, masks[reach], turns[reach], block_key)
            states.append(x)
        return Output(self.final_norm(x), jnp.stack(states) if hidden else None)

    def logits(self, x: jax.Array) -> jax.Array:  # [.., D] -> [.., V]
        if self.head is None or self.head_norm is None or self.vocab_bias is None:
            raise _headless()
        x = self.head_norm(_gelu(self.head(x), self.settings.head_activation))
        return parts.vocabulary_scores(x, self.embedding[...]) + self.vocab_bias[...]


class XLMRBlock(nnx.Module):
    """Attention and feed-forward, each added to its input and then normed; biases everywhere."""

    def __init__(self, settings: XLMRSettings) -> None:
        width, eps = settings.width, settings.norm_eps
        self.settings = settings
        self.query, self.key, self.value = (Linear(width, width, bias=True) for _ in range(3))
        self.out = Linear(width, width, bias=True)
        self.attention_norm = Norm(width, eps, bias=True)
        self.up = Linear(width, settings.feed_forward, bias=True)
        self.down = Linear(settings.feed_forward, width, bias=True)
        self.mlp_norm = Norm(width, eps, bias=True)

    def __call__(self, x: jax.Array, mask: jax.Array, key: jax.Array | None) -> jax.Array:  # x [B, T, D]
        settings = self.settings
        keys = (None, None) if key is None else jax.random.split(key)
        heads = (*x.shape[:2], settings.num_heads, -1)
        query, key_, value = (part(x).reshape(heads) for part in (self.query, self.key, self.value))
        mixed = _attend(query, key_, value, mask)
        x = self.attention_norm(x + parts.dropout(self.out(mixed), settings.dropout, keys[0]))
        inner = _gelu(self.up(x), settings.activation)
        return self.mlp_norm(x + parts.dropout(self.down(inner), settings.dropout, keys[1]))


class XLMR(nnx.Module):
    """Source: Conneau et al. 2020 (2020.acl-main.747) and, with settings of kind "bert", Devlin et al. 2019 (N19-1423),
    as in transformers' XLMRobertaForMaskedLM and BertForMaskedLM. Every token is of BERT's first segment type.
    """

    def __init__(self, settings: XLMRSettings, *, head: bool) -> None:
        width, eps = settings.width, settings.norm_eps
        self.settings = settings
        self.embedding = _zeros(settings.vocab_size, width)
        self.position_embedding = _zeros(settings.max_positions, width)
        self.type_embedding = _zeros(settings.num_types, width)
        self.embedding_norm = Norm(width, eps, bias=True)
        self.blocks = nnx.List([XLMRBlock(settings) for _ in range(settings.num_layers)])
        self.head = Linear(width, width, bias=True) if head else None
        self.head_norm = Norm(width, eps, bias=True) if head else None
        self.vocab_bias = _zeros(settings.vocab_size) if head else None

    def __call__(
        self,
        ids: Array,
        segments: Array,
        positions: Array,
        *,
        key: jax.Array | None = None,
        hidden: bool = False,
    ) -> Output:  # ids, segments, positions [B, T] int32
        """Encode rows of packed documents; a token sees its own document alone. `key=None`: no dropout.

        Raises: BadInput for rows longer than the table of positions.
        """
        settings = self.settings
        if ids.shape[1] > settings.longest:
            raise BadInput(
                f"this model knows {settings.longest} positions, got rows of {ids.shape[1]} tokens; cut them shorter"
            )
        keys = [None] * (len(self.blocks) + 1) if key is None else list(jax.random.split(key, len(self.blocks) + 1))
        places = self.position_embedding[...][positions + settings.first_position]
        x = self.embedding_norm(self.embedding[...][ids] + places + self.type_embedding[...][0])
        x = parts.dropout(x, settings.dropout, keys[0])
        mask = _mask(_same_document(segments))
        states = [x]
        for block, block_key in zip(self.blocks, keys[1:], strict=True):
            x = block(x, mask, block_key)
            states.append(x)
        return Output(x, jnp.stack(states) if hidden else None)

    def logits(self, x: jax.Array) -> jax.Array:  # [.., D] -> [.., V]
        if self.head is None or self.head_norm is None or self.vocab_bias is None:
            raise _headless()
        x = self.head_norm(_gelu(self.head(x), self.settings.head_activation))
        return parts.vocabulary_scores(x, self.embedding[...]) + self.vocab_bias[...]


Published = ModernBERT | XLMR


def empty(settings: PublishedSettings, *, head: bool) -> Published:
    """The model that `settings` describe, its weights to be filled in; `head=False` where none was published."""
    match settings:
        case ModernBERTSettings():
            return ModernBERT(settings, head=head)
        case XLMRSettings():
            return XLMR(settings, head=head)


def _headless() -> BadInput:
    return BadInput("this model was published without its vocabulary head: it gives hidden states, no predictions")


def longest_row(model: object) -> int | None:
    """Tokens of a row that the model takes at most, where it has a table of positions."""
    return model.settings.longest if isinstance(model, XLMR) else None
