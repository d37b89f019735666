"""Our models in the layouts that others read: which fits which, and the tensors under their names there.

No tensor is approximated: a model whose options a layout cannot say is refused, and each such option is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, assert_never

import numpy as np

from workbench import config
from workbench.errors import BadInput
from workbench.exchange import published
from workbench.exchange.tensors import Tensors
from workbench.models import Decoder, Encoder, EncoderDecoder, Model
from workbench.models.attention import MAX_DISTANCE, NUM_BUCKETS, Attention
from workbench.models.published import ModernBERTSettings, Reach
from workbench.models.stack import Stack
from workbench.vocab import Vocab

# "published": of an encoder that somebody else published, its own.
Layout = Literal["modernbert", "llama", "t5", "workbench", "published"]
ROPE_BASE = 10_000.0
RMS_EPS, LAYER_EPS = 1e-6, 1e-5
PYTORCH_GELU = "gelu_pytorch_tanh"


@dataclass(frozen=True, slots=True)
class Written:
    """A model as its layout has it: `config.json` and the tensors, every one that the layout knows."""

    config: dict[str, Any]
    tensors: Tensors


def layout_of(settings: config.Model, objective: str) -> Layout:
    """The published layout of such models.

    Raises: BadInput where there is none, naming each option in the way and what to set.
    """
    wanted: dict[str, Any]
    match settings.kind:
        case "encoder":
            found: Layout = "modernbert"
            wanted = {"local_heads": 0, "norm": "layer", "position": "rope", "adapters": config.Adapters()}
        case "decoder":
            found = "llama"
            wanted = {"local_heads": 0, "norm": "rms", "position": "rope", "adapters": config.Adapters()}
        case "encoder-decoder":
            found = "t5"
            wanted = {"local_heads": 0, "norm": "rms", "position": "relative", "adapters": config.Adapters()}
        case _:
            assert_never(settings.kind)
    faults = {name: value for name, value in wanted.items() if getattr(settings, name) != value}
    told = [f"model.{name} = {getattr(settings, name)!r} (wanted {value!r})" for name, value in faults.items()]
    if settings.kind == "decoder" and objective == "prefix-lm":
        told.append("objective.kind = 'prefix-lm' (wanted 'causal': Llama reads no text in both directions)")
    if told:
        raise BadInput(
            f"no published layout computes what this {settings.kind} computes: {'; '.join(told)}. "
            + (f"Trained with {' '.join(f'model.{n}={v}' for n, v in faults.items())} it would be " if faults else "")
            + (f"exported as {found}; " if faults else "")
            + "`--layout workbench` exports this one as it is"
        )
    return found


def write(model: Model, vocab: Vocab, length: int, layout: Layout) -> Written:
    """The model in a published layout; `length` is that of the rows it was trained on."""
    match layout, model:
        case "modernbert", Encoder():
            written = _modernbert(model)
        case "llama", Decoder():
            written = _llama(model)
        case "t5", EncoderDecoder():
            written = _t5(model, vocab)
        case _:
            raise BadInput(f"a {type(model).__name__} has no {layout} layout; --layout auto picks the one that fits")
    ids = {"pad": vocab.pad, "bos": vocab.bos, "eos": vocab.eos}
    if layout == "modernbert":
        ids |= {"cls": vocab.bos, "sep": vocab.eos}
    positions = {} if layout == "t5" else {"max_position_embeddings": length}
    written.config.update({f"{name}_token_id": id for name, id in ids.items()} | positions)
    return written


def _modernbert(model: Encoder) -> Written:
    settings = model.settings
    assert model.embedding_norm is not None
    everywhere: Reach = "global"
    described = ModernBERTSettings(
        vocab_size=model.embedding.shape[0],
        width=settings.width,
        num_heads=settings.num_heads,
        feed_forward=settings.feed_forward,
        layers=(everywhere,) * settings.num_layers,
        window=128,  # of no layer
        global_theta=ROPE_BASE,
        local_theta=ROPE_BASE,
        activation="gelu-tanh",
        head_activation="gelu-tanh",
        norm_eps=LAYER_EPS,
        dropout=settings.dropout,
    )
    tensors = {
        "model.embeddings.tok_embeddings.weight": _array(model.embedding),
        "model.embeddings.norm.weight": _array(model.embedding_norm.scale),
        "model.final_norm.weight": _array(model.final_norm.scale),
        "head.dense.weight": _array(model.head).T,
        "head.norm.weight": _array(model.head_norm.scale),
        "decoder.bias": _array(model.vocab_bias),
    }
    for number, block in enumerate(model.layers()):
        at = f"model.layers.{number}"
        query, key, value = _query_key_value(block.attention)
        if block.attention_norm is not None:
            tensors[f"{at}.attn_norm.weight"] = _array(block.attention_norm.scale)
        tensors |= {
            f"{at}.attn.Wqkv.weight": np.concatenate([query, key, value]),
            f"{at}.attn.Wo.weight": _out(block.attention),
            f"{at}.mlp_norm.weight": _array(block.mlp_norm.scale),
            f"{at}.mlp.Wi.weight": np.concatenate([_array(block.mlp.gate).T, _array(block.mlp.up).T]),
            f"{at}.mlp.Wo.weight": _array(block.mlp.down).T,
        }
    return Written(published.config(described), tensors)


def _llama(model: Decoder) -> Written:
    settings = model.settings
    described = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": model.embedding.shape[0],
        "hidden_size": settings.width,
        "intermediate_size": settings.feed_forward,
        "num_hidden_layers": settings.num_layers,
        "num_attention_heads": settings.num_heads,
        "num_key_value_heads": settings.num_heads,
        "head_dim": settings.width // settings.num_heads,
        "hidden_act": PYTORCH_GELU,
        "rms_norm_eps": RMS_EPS,
        "rope_theta": ROPE_BASE,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROPE_BASE},
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }
    tensors = {
        "model.embed_tokens.weight": _array(model.embedding),
        "model.norm.weight": _array(model.final_norm.scale),
    }
    for number, block in enumerate(model.layers()):
        at = f"model.layers.{number}"
        assert block.attention_norm is not None
        query, key, value = _query_key_value(block.attention)
        tensors |= {
            f"{at}.input_layernorm.weight": _array(block.attention_norm.scale),
            f"{at}.self_attn.q_proj.weight": query,
            f"{at}.self_attn.k_proj.weight": key,
            f"{at}.self_attn.v_proj.weight": value,
            f"{at}.self_attn.o_proj.weight": _out(block.attention),
            f"{at}.post_attention_layernorm.weight": _array(block.mlp_norm.scale),
            f"{at}.mlp.gate_proj.weight": _array(block.mlp.gate).T,
            f"{at}.mlp.up_proj.weight": _array(block.mlp.up).T,
            f"{at}.mlp.down_proj.weight": _array(block.mlp.down).T,
        }
    return Written(described, tensors)


def _t5(model: EncoderDecoder, vocab: Vocab) -> Written:
    settings = model.settings
    described = {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": "t5",
        "vocab_size": model.embedding.shape[0],
        "d_model": settings.width,
        "d_kv": settings.width // settings.num_heads,
        "d_ff": settings.feed_forward,
        "num_layers": settings.num_layers,
        "num_decoder_layers": settings.num_decoder_layers or settings.num_layers,
        "num_heads": settings.num_heads,
        "relative_attention_num_buckets": NUM_BUCKETS,
        "relative_attention_max_distance": MAX_DISTANCE,
        "feed_forward_proj": "gated-gelu",
        "layer_norm_epsilon": RMS_EPS,
        "dropout_rate": settings.dropout,
        "is_encoder_decoder": True,
        "decoder_start_token_id": vocab.bos,
        # A tied head would be scaled by 1 / sqrt(width), which ours is not; so a copy of the embeddings is the head.
        "tie_word_embeddings": False,
        "dtype": "float32",
    }
    embedding = _array(model.embedding)
    tensors = {"shared.weight": embedding, "lm_head.weight": embedding.copy()}
    for side, stack in (("encoder", model.encoder), ("decoder", model.decoder)):
        tensors |= _t5_stack(side, stack)
    return Written(described, tensors)


def _t5_stack(side: str, stack: Stack) -> Tensors:
    assert stack.relative is not None
    tensors = {
        f"{side}.final_layer_norm.weight": _array(stack.final_norm.scale),
        f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight": _array(stack.relative),
    }
    for number, block in enumerate(stack.layers()):
        at = f"{side}.block.{number}.layer"
        attentions = [("SelfAttention", block.attention_norm, block.attention)]
        if block.cross is not None:
            attentions.append(("EncDecAttention", block.cross_norm, block.cross))
        for place, (name, norm, attention) in enumerate(attentions):
            assert norm is not None
            query, key, value = _query_key_value(attention)
            scale = np.float32(attention.query.shape[-1] ** -0.5)  # T5 divides its scores by nothing
            tensors |= {
                f"{at}.{place}.layer_norm.weight": _array(norm.scale),
                f"{at}.{place}.{name}.q.weight": query * scale,
                f"{at}.{place}.{name}.k.weight": key,
                f"{at}.{place}.{name}.v.weight": value,
                f"{at}.{place}.{name}.o.weight": _out(attention),
            }
        last = f"{at}.{len(attentions)}"
        tensors |= {
            f"{last}.layer_norm.weight": _array(block.mlp_norm.scale),
            f"{last}.DenseReluDense.wi_0.weight": _array(block.mlp.gate).T,
            f"{last}.DenseReluDense.wi_1.weight": _array(block.mlp.up).T,
            f"{last}.DenseReluDense.wo.weight": _array(block.mlp.down).T,
        }
    return tensors


def _array(weight: Any) -> np.ndarray:
    return np.asarray(weight[...])


def _query_key_value(attention: Attention) -> list[np.ndarray]:
    """Shapes: -> three of [H * K, D]"""
    weights = (_array(weight) for weight in (attention.query, attention.key, attention.value))
    return [weight.reshape(weight.shape[0], -1).T for weight in weights]


def _out(attention: Attention) -> np.ndarray:  # [D, H * K]
    weight = _array(attention.out)
    return weight.reshape(-1, weight.shape[-1]).T
