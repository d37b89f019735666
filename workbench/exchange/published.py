"""Published encoders: their `config.json` and tensor names, and ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import jax
import numpy as np

from workbench.errors import BadInput
from workbench.exchange.tensors import Tensors
from workbench.models.leaves import named_leaves
from workbench.models.published import (
    Activation,
    ModernBERTSettings,
    Published,
    PublishedSettings,
    Reach,
    XLMRSettings,
    empty,
)

ACTIVATIONS: dict[str, Activation] = {"gelu": "gelu", "gelu_pytorch_tanh": "gelu-tanh", "gelu_new": "gelu-tanh"}
PUBLISHED_ACTIVATIONS: dict[Activation, str] = {"gelu": "gelu", "gelu-tanh": "gelu_pytorch_tanh"}

MODERNBERT = {
    "embedding": "model.embeddings.tok_embeddings.weight",
    "embedding_norm.scale": "model.embeddings.norm.weight",
    "blocks.*.attention_norm.scale": "model.layers.*.attn_norm.weight",
    "blocks.*.qkv.weight": "model.layers.*.attn.Wqkv.weight",
    "blocks.*.out.weight": "model.layers.*.attn.Wo.weight",
    "blocks.*.mlp_norm.scale": "model.layers.*.mlp_norm.weight",
    "blocks.*.gate_up.weight": "model.layers.*.mlp.Wi.weight",
    "blocks.*.down.weight": "model.layers.*.mlp.Wo.weight",
    "final_norm.scale": "model.final_norm.weight",
    "head.weight": "head.dense.weight",
    "head_norm.scale": "head.norm.weight",
    "vocab_bias": "decoder.bias",
}
_LAYER = "roberta.encoder.layer.*"
XLMR = {
    "embedding": "roberta.embeddings.word_embeddings.weight",
    "position_embedding": "roberta.embeddings.position_embeddings.weight",
    "type_embedding": "roberta.embeddings.token_type_embeddings.weight",
    "embedding_norm.scale": "roberta.embeddings.LayerNorm.weight",
    "embedding_norm.bias": "roberta.embeddings.LayerNorm.bias",
    **{
        f"blocks.*.{ours}.{kind}": f"{_LAYER}.{theirs}.{kind}"
        for ours, theirs in {
            "query": "attention.self.query",
            "key": "attention.self.key",
            "value": "attention.self.value",
            "out": "attention.output.dense",
            "up": "intermediate.dense",
            "down": "output.dense",
        }.items()
        for kind in ("weight", "bias")
    },
    "blocks.*.attention_norm.scale": f"{_LAYER}.attention.output.LayerNorm.weight",
    "blocks.*.attention_norm.bias": f"{_LAYER}.attention.output.LayerNorm.bias",
    "blocks.*.mlp_norm.scale": f"{_LAYER}.output.LayerNorm.weight",
    "blocks.*.mlp_norm.bias": f"{_LAYER}.output.LayerNorm.bias",
    "head.weight": "lm_head.dense.weight",
    "head.bias": "lm_head.dense.bias",
    "head_norm.scale": "lm_head.layer_norm.weight",
    "head_norm.bias": "lm_head.layer_norm.bias",
    "vocab_bias": "lm_head.bias",
}
_BERT_HEAD = "cls.predictions"
BERT = {
    **{ours: re.sub(r"^roberta\.", "bert.", theirs) for ours, theirs in XLMR.items()},
    "head.weight": f"{_BERT_HEAD}.transform.dense.weight",
    "head.bias": f"{_BERT_HEAD}.transform.dense.bias",
    "head_norm.scale": f"{_BERT_HEAD}.transform.LayerNorm.weight",
    "head_norm.bias": f"{_BERT_HEAD}.transform.LayerNorm.bias",
    "vocab_bias": f"{_BERT_HEAD}.bias",
}
# Before every tensor of the encoder itself, where it was saved with its vocabulary head.
PREFIXES = {"modernbert": "model.", "xlm-roberta": "roberta.", "bert": "bert."}
# Second copies of what is tied, of which a file may hold one.
TIED = {
    "decoder.weight": "model.embeddings.tok_embeddings.weight",
    "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
    "lm_head.decoder.bias": "lm_head.bias",
    f"{_BERT_HEAD}.decoder.weight": "bert.embeddings.word_embeddings.weight",
    f"{_BERT_HEAD}.decoder.bias": f"{_BERT_HEAD}.bias",
}
# Not of the encoder or its vocabulary head: sentence classifiers' layers and a table of 0, 1, 2, ...
UNUSED = re.compile(
    r"(roberta|bert)\.(pooler\.dense\.(weight|bias)|embeddings\.position_ids)|cls\.seq_relationship\.(weight|bias)"
)
# What the first BERTs call a norm's weight and bias.
OLDER = {".gamma": ".weight", ".beta": ".bias"}


@dataclass(frozen=True, slots=True)
class Imported:
    """`unused`: tensors of the file that this model has no place for."""

    model: Published
    unused: tuple[str, ...]


def settings(config: Mapping[str, Any], where: str) -> PublishedSettings:
    """What a published `config.json` describes.

    Raises: BadInput where that is no encoder computed here, naming each option that differs.
    """
    read = _Reader(config, where)
    match config.get("model_type"):
        case "modernbert":
            read.want_each({f"{part}_bias": False for part in ("norm", "attention", "mlp", "classifier")})
            read.want_each({"decoder_bias": True, "tie_word_embeddings": True})
            found: PublishedSettings = ModernBERTSettings(
                vocab_size=read.number("vocab_size"),
                width=read.number("hidden_size"),
                num_heads=read.number("num_attention_heads"),
                feed_forward=read.number("intermediate_size"),
                layers=read.layers(),
                window=read.number("local_attention", 128),
                global_theta=read.theta("full_attention", "global_rope_theta", 160_000.0),
                local_theta=read.theta("sliding_attention", "local_rope_theta", 10_000.0),
                activation=read.activation("hidden_activation"),
                head_activation=read.activation("classifier_activation"),
                norm_eps=read.real("norm_eps", 1e-5),
                dropout=read.real("mlp_dropout", 0.0),
            )
        case "xlm-roberta" | "roberta" | "bert" as kind:
            read.want_each({"is_decoder": False, "add_cross_attention": False, "tie_word_embeddings": True})
            read.want_each({"position_embedding_type": "absolute"})
            found = XLMRSettings(
                vocab_size=read.number("vocab_size"),
                width=read.number("hidden_size"),
                num_layers=read.number("num_hidden_layers"),
                num_heads=read.number("num_attention_heads"),
                feed_forward=read.number("intermediate_size"),
                max_positions=read.number("max_position_embeddings"),
                num_types=read.number("type_vocab_size"),
                pad=read.number("pad_token_id", least=0),
                activation=read.activation("hidden_act"),
                norm_eps=read.real("layer_norm_eps", 1e-12),
                dropout=read.real("hidden_dropout_prob", 0.1),
                kind="bert" if kind == "bert" else "xlm-roberta",
            )
        case other:
            raise BadInput(
                f"{where}: model_type {other!r}; encoders of the types 'modernbert', 'xlm-roberta', 'roberta' and "
                "'bert' are read"
            )
    if found.width % found.num_heads or (found.kind == "modernbert" and found.width // found.num_heads % 2):
        read.faults.append(f"hidden_size {found.width} does not divide into {found.num_heads} heads")
    if read.faults:
        raise BadInput(f"{where}: this encoder cannot be computed here: {'; '.join(read.faults)}")
    return found


@dataclass
class _Reader:
    """Values of a published config; what is wrong is collected, so that all of it is told at once."""

    config: Mapping[str, Any]
    where: str

    def __post_init__(self) -> None:
        self.faults: list[str] = []

    def number(self, name: str, default: int | None = None, least: int = 1) -> int:
        value = self.config.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise BadInput(f"{self.where}: {name}: wanted a whole number of {least} or more, got {value!r}")
        return value

    def real(self, name: str, default: float) -> float:
        value = self.config.get(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise BadInput(f"{self.where}: {name}: wanted a number, got {value!r}")
        return float(value)

    def want_each(self, wanted: Mapping[str, Any]) -> None:
        for name, value in wanted.items():
            if (got := self.config.get(name, value)) != value:
                self.faults.append(f"{name} = {got!r} (only {value!r} is)")

    def activation(self, name: str) -> Activation:
        value = self.config.get(name, "gelu")
        if not isinstance(value, str) or value not in ACTIVATIONS:
            self.faults.append(f"{name} = {value!r} (only {', '.join(map(repr, ACTIVATIONS))} are)")
            return "gelu"
        return ACTIVATIONS[value]

    def layers(self) -> tuple[Reach, ...]:
        """From `layer_types`, or from the older `global_attn_every_n_layers`."""
        count = self.number("num_hidden_layers")
        types = self.config.get("layer_types")
        if types is None:
            every = self.number("global_attn_every_n_layers", 3)
            return tuple("local" if number % every else "global" for number in range(count))
        known = ("full_attention", "sliding_attention")
        if not isinstance(types, list) or len(types) != count or any(kind not in known for kind in types):
            self.faults.append(f"layer_types = {types!r} for {count} layers")
            return ()
        return tuple("global" if kind == "full_attention" else "local" for kind in types)

    def theta(self, attention: str, older: str, default: float) -> float:
        rope = self.inside("rope_parameters").inside(attention)
        if (kind := rope.config.get("rope_type", "default")) != "default" or self.config.get("rope_scaling"):
            self.faults.append(f"rope_type = {kind!r} with rope_scaling (only plain RoPE is)")
        return rope.real("rope_theta", default) if "rope_theta" in rope.config else self.real(older, default)

    def inside(self, name: str) -> _Reader:
        """Of the object under `name`; of an empty one where there is none."""
        value = self.config.get(name)
        if value is not None and not isinstance(value, dict):
            raise BadInput(f"{self.where}: {name}: wanted an object, got {value!r}")
        return _Reader(value or {}, f"{self.where}: {name}")


def names(found: PublishedSettings, leaves: Mapping[str, Any]) -> dict[str, str]:
    """Our name of each leaf -> the name that files use."""
    match found.kind:
        case "modernbert":
            table = MODERNBERT
        case "xlm-roberta":
            table = XLMR
        case "bert":
            table = BERT
        case _:
            assert_never(found.kind)
    result = {}
    for name in leaves:
        number = re.fullmatch(r"blocks\.(\d+)\..+", name)
        pattern = table[re.sub(r"^blocks\.\d+\.", "blocks.*.", name)]
        result[name] = pattern.replace("*", number[1]) if number else pattern
    return result


def fill(found: PublishedSettings, tensors: Tensors, where: str) -> Imported:
    """The model with the file's weights.

    Raises: BadInput naming the tensors that are missing, unexpected or of another shape.
    """
    prefix = PREFIXES[found.kind]
    tensors = {_newer(name): array for name, array in tensors.items()}
    if not any(name.startswith(prefix) for name in tensors):  # saved without its vocabulary head
        tensors = {prefix + name: array for name, array in tensors.items()}
    faults = []
    for copy, original in TIED.items():
        array = tensors.pop(copy, None)
        if array is not None and original in tensors and not np.array_equal(array, tensors[original]):
            faults.append(f"{copy} differs from {original}, to which it should be tied")
    unused = tuple(sorted(name for name in tensors if UNUSED.fullmatch(name)))
    head = {"decoder.bias", "lm_head.bias", f"{_BERT_HEAD}.bias"} & set(tensors)
    like = jax.eval_shape(lambda: empty(found, head=bool(head)))
    leaves = named_leaves(like)
    ours = names(found, leaves)
    faults += [f"{name} is missing" for name in ours.values() if name not in tensors]
    faults += [f"{name} is not known" for name in tensors if name not in {*ours.values(), *unused}]
    for leaf, name in ours.items():
        if name in tensors and tensors[name].shape != leaves[leaf].shape:
            faults.append(f"{name} is {list(tensors[name].shape)}, config.json says {list(leaves[leaf].shape)}")
    if faults:
        shown = "; ".join(faults[:8]) + (f"; and {len(faults) - 8} more" if len(faults) > 8 else "")
        raise BadInput(f"{where}: the tensors do not fit the config: {shown}")
    filled = [jax.numpy.asarray(tensors[name]) for name in ours.values()]
    return Imported(jax.tree.unflatten(jax.tree.structure(like), filled), unused)


def tensors_of(model: Published) -> dict[str, np.ndarray]:
    """A published model's weights under the names that its files use."""
    leaves = named_leaves(model)
    found = names(model.settings, leaves)
    return {found[leaf]: np.asarray(array) for leaf, array in leaves.items()}


def _newer(name: str) -> str:
    end = next((older for older in OLDER if name.endswith(older)), "")
    return name.removesuffix(end) + OLDER.get(end, "")


def config(found: PublishedSettings) -> dict[str, Any]:
    """The `config.json` of an encoder of these settings, in names old and new readers know."""
    match found:
        case ModernBERTSettings():
            kinds = {"global": "full_attention", "local": "sliding_attention"}
            return {
                "architectures": ["ModernBertForMaskedLM"],
                "model_type": "modernbert",
                "vocab_size": found.vocab_size,
                "hidden_size": found.width,
                "num_hidden_layers": len(found.layers),
                "num_attention_heads": found.num_heads,
                "intermediate_size": found.feed_forward,
                "hidden_activation": PUBLISHED_ACTIVATIONS[found.activation],
                "classifier_activation": PUBLISHED_ACTIVATIONS[found.head_activation],
                "classifier_pooling": "mean",
                "layer_types": [kinds[reach] for reach in found.layers],
                "global_attn_every_n_layers": _every(found.layers),
                "local_attention": found.window,
                "global_rope_theta": found.global_theta,
                "local_rope_theta": found.local_theta,
                "rope_parameters": {
                    "full_attention": {"rope_type": "default", "rope_theta": found.global_theta},
                    "sliding_attention": {"rope_type": "default", "rope_theta": found.local_theta},
                },
                "norm_eps": found.norm_eps,
                "mlp_dropout": found.dropout,
                "embedding_dropout": found.dropout,
                **{f"{part}_bias": False for part in ("norm", "attention", "mlp", "classifier")},
                "decoder_bias": True,
                "tie_word_embeddings": True,
                "dtype": "float32",
            }
        case XLMRSettings():
            return {
                "architectures": ["BertForMaskedLM" if found.kind == "bert" else "XLMRobertaForMaskedLM"],
                "model_type": found.kind,
                "vocab_size": found.vocab_size,
                "hidden_size": found.width,
                "num_hidden_layers": found.num_layers,
                "num_attention_heads": found.num_heads,
                "intermediate_size": found.feed_forward,
                "hidden_act": PUBLISHED_ACTIVATIONS[found.activation],
                "max_position_embeddings": found.max_positions,
                "type_vocab_size": found.num_types,
                "pad_token_id": found.pad,
                "position_embedding_type": "absolute",
                "layer_norm_eps": found.norm_eps,
                "hidden_dropout_prob": found.dropout,
                "tie_word_embeddings": True,
                "dtype": "float32",
            }


def _every(layers: tuple[Reach, ...]) -> int:
    """For readers that know no `layer_types`.

    Raises: BadInput for a pattern that such a reader could not be told.
    """
    for every in range(1, len(layers) + 1):
        if layers == tuple("local" if number % every else "global" for number in range(len(layers))):
            return every
    raise BadInput(f"layer_types {layers}: wanted every n-th layer global, the first among them")
