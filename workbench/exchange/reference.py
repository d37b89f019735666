"""Llama and T5 computed in numpy from the files alone: what an export is checked against. No training, no speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench.exchange.tensors import Tensors

States = list[np.ndarray]  # the embeddings and each layer's output, the last of them normed: [B, T, D] each


def llama(tensors: Tensors, config: Mapping[str, Any], ids: np.ndarray) -> tuple[States, np.ndarray]:
    """Hidden states, and the logits [B, T, V], of whole texts without padding.

    Source: transformers' LlamaForCausalLM.
    """
    heads, eps = config["num_attention_heads"], config["rms_norm_eps"]
    turn = _rope(ids.shape[1], config["head_dim"], config["rope_parameters"]["rope_theta"])
    earlier = np.tril(np.ones((ids.shape[1],) * 2, bool))
    x = tensors["model.embed_tokens.weight"][ids]
    states = []
    for number in range(config["num_hidden_layers"]):
        states.append(x)
        at = f"model.layers.{number}"
        inner = _rms(x, tensors[f"{at}.input_layernorm.weight"], eps)
        query, key, value = (_heads(inner, tensors[f"{at}.self_attn.{n}_proj.weight"], heads) for n in "qkv")
        scores = np.einsum("BHTK,BHSK->BHTS", _rotate(query, *turn), _rotate(key, *turn)) * query.shape[-1] ** -0.5
        x = x + _linear(_mix(scores, earlier, value), tensors[f"{at}.self_attn.o_proj.weight"])
        inner = _rms(x, tensors[f"{at}.post_attention_layernorm.weight"], eps)
        gate, up = (_linear(inner, tensors[f"{at}.mlp.{name}_proj.weight"]) for name in ("gate", "up"))
        x = x + _linear(_gelu(gate) * up, tensors[f"{at}.mlp.down_proj.weight"])
    x = _rms(x, tensors["model.norm.weight"], eps)
    return [*states, x], _linear(x, tensors["model.embed_tokens.weight"])


def t5(
    tensors: Tensors, config: Mapping[str, Any], ids: np.ndarray, decoder_ids: np.ndarray
) -> tuple[States, States, np.ndarray]:
    """Hidden states of encoder and decoder, and the logits [B, T, V], of whole texts without padding.

    Source: transformers' T5ForConditionalGeneration with the options of T5 v1.1.
    """
    encoder = _t5_stack("encoder", tensors, config, ids, None)
    decoder = _t5_stack("decoder", tensors, config, decoder_ids, encoder[-1])
    return encoder, decoder, _linear(decoder[-1], tensors["lm_head.weight"])


def _t5_stack(
    side: str, tensors: Tensors, config: Mapping[str, Any], ids: np.ndarray, memory: np.ndarray | None
) -> States:
    heads, eps, length = config["num_heads"], config["layer_norm_epsilon"], ids.shape[1]
    table = tensors[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    buckets = _buckets(length, config, both_ways=memory is None)
    bias = np.moveaxis(table[buckets], -1, 0)
    visible = np.ones((length, length), bool) if memory is None else np.tril(np.ones((length, length), bool))
    x = tensors["shared.weight"][ids]
    states = []
    for number in range(config["num_layers" if memory is None else "num_decoder_layers"]):
        states.append(x)
        at = f"{side}.block.{number}.layer"
        sources: list[tuple[str, np.ndarray | None, np.ndarray, np.ndarray]]
        sources = [("SelfAttention", None, bias, visible)]
        if memory is not None:
            sources.append(("EncDecAttention", memory, np.zeros(1), np.ones((1, 1), bool)))
        for place, (name, source, added, seen) in enumerate(sources):
            inner = _rms(x, tensors[f"{at}.{place}.layer_norm.weight"], eps)
            reads = inner if source is None else source
            query, key, value = (
                _heads(states_in, tensors[f"{at}.{place}.{name}.{n}.weight"], heads)
                for states_in, n in ((inner, "q"), (reads, "k"), (reads, "v"))
            )
            mixed = _mix(np.einsum("BHTK,BHSK->BHTS", query, key) + added, seen, value)
            x = x + _linear(mixed, tensors[f"{at}.{place}.{name}.o.weight"])
        last = f"{at}.{len(sources)}"
        inner = _rms(x, tensors[f"{last}.layer_norm.weight"], eps)
        gate, up = (_linear(inner, tensors[f"{last}.DenseReluDense.wi_{n}.weight"]) for n in (0, 1))
        x = x + _linear(_gelu(gate) * up, tensors[f"{last}.DenseReluDense.wo.weight"])
    return [*states, _rms(x, tensors[f"{side}.final_layer_norm.weight"], eps)]


def _buckets(length: int, config: Mapping[str, Any], *, both_ways: bool) -> np.ndarray:  # [T, S]
    count, farthest = config["relative_attention_num_buckets"], config["relative_attention_max_distance"]
    away = np.arange(length)[None, :] - np.arange(length)[:, None]
    start = np.zeros_like(away)
    if both_ways:
        count //= 2
        start = np.where(away > 0, count, 0)
        away = np.abs(away)
    else:
        away = np.maximum(-away, 0)
    exact = count // 2
    logs = np.log(np.maximum(away, 1).astype(np.float32) / exact) / np.float32(np.log(farthest / exact))
    far = np.minimum(exact + (logs * (count - exact)).astype(np.int64), count - 1)
    return start + np.where(away < exact, away, far)


def _linear(x: np.ndarray, weight: np.ndarray) -> np.ndarray:  # weight [out, in]
    return np.asarray(x @ weight.T)


def _heads(x: np.ndarray, weight: np.ndarray, heads: int) -> np.ndarray:  # [B, T, D] -> [B, H, T, K]
    return np.moveaxis(_linear(x, weight).reshape(*x.shape[:2], heads, -1), 2, 1)


def _mix(scores: np.ndarray, visible: np.ndarray, value: np.ndarray) -> np.ndarray:  # -> [B, T, H * K]
    scores = np.where(visible, scores, np.float32(-np.inf))
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    mixed = np.moveaxis(np.einsum("BHTS,BHSK->BHTK", weights, value), 1, 2)
    return np.asarray(mixed.reshape(*mixed.shape[:2], -1), np.float32)


def _rms(x: np.ndarray, scale: np.ndarray, eps: float) -> np.ndarray:
    return np.asarray(x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + eps) * scale, np.float32)


def _gelu(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * x * (1.0 + np.tanh(np.float32(np.sqrt(2.0 / np.pi)) * (x + 0.044715 * x**3))), np.float32)


def _rope(length: int, per_head: int, theta: float) -> tuple[np.ndarray, np.ndarray]:  # [T, K/2] twice
    angles = np.arange(length)[:, None] * theta ** (-np.arange(0, per_head, 2) / per_head)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotate(x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:  # x [B, H, T, K]
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def llama_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Every tensor of the layout."""
    width, inner, size = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (size, width), "model.norm.weight": (width,)}
    for number in range(config["num_hidden_layers"]):
        at = f"model.layers.{number}"
        shapes |= {f"{at}.self_attn.{name}_proj.weight": (width, width) for name in "qkvo"}
        shapes |= {f"{at}.mlp.{name}_proj.weight": (inner, width) for name in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (width, inner)}
        shapes |= {f"{at}.{name}_layernorm.weight": (width,) for name in ("input", "post_attention")}
    return shapes


def t5_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Every tensor of the layout with an untied head."""
    width, inner, size = config["d_model"], config["d_ff"], config["vocab_size"]
    across = config["num_heads"] * config["d_kv"]
    shapes: dict[str, tuple[int, ...]] = {"shared.weight": (size, width), "lm_head.weight": (size, width)}
    for side, count in (("encoder", config["num_layers"]), ("decoder", config["num_decoder_layers"])):
        shapes[f"{side}.final_layer_norm.weight"] = (width,)
        shapes[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = (
            config["relative_attention_num_buckets"],
            config["num_heads"],
        )
        names = ["SelfAttention"] if side == "encoder" else ["SelfAttention", "EncDecAttention"]
        for number in range(count):
            at = f"{side}.block.{number}.layer"
            for place, name in enumerate(names):
                shapes |= {f"{at}.{place}.{name}.{part}.weight": (across, width) for part in "qkv"}
                shapes |= {
                    f"{at}.{place}.{name}.o.weight": (width, across),
                    f"{at}.{place}.layer_norm.weight": (width,),
                }
            last = f"{at}.{len(names)}"
            shapes |= {f"{last}.DenseReluDense.wi_{part}.weight": (inner, width) for part in (0, 1)}
            shapes |= {f"{last}.DenseReluDense.wo.weight": (width, inner), f"{last}.layer_norm.weight": (width,)}
    return shapes
