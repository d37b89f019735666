"""The script that reads an encoder out of a package: the file's numbers, its pieces, and a folder that imports."""

from __future__ import annotations

import runpy
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import exchange
from workbench.exchange import published
from workbench.models.published import XLMR

SCRIPT = Path(__file__).parents[1] / "experiments" / "published_encoder" / "encoder.py"
WIDTH, LAYERS, HEADS, INNER, VOCAB, POSITIONS, TYPES = 32, 1, 2, 64, 16, 12, 2
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "\u2581", "a", "b", "\u2581a", "\u2581b", "ab", "<mask>"]


Packed = tuple[bytes, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def blocks(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, np.ndarray]:
    """Random 4-bit blocks of 32 weights, and what they mean, said once more in Python."""
    data, meant = b"", []
    for _ in range(shape[0] * shape[1] // 32):
        scale, numbers = np.float16(rng.uniform(0.01, 0.2)), rng.integers(0, 16, 32)
        data += scale.tobytes() + bytes(int(numbers[j]) | int(numbers[j + 16]) << 4 for j in range(16))
        meant += [(int(number) - 8) * float(scale) for number in numbers]
    return data, np.array(meant, np.float32).reshape(shape)


@pytest.fixture(scope="module")
def packed() -> Packed:
    """A file in the package's layout, and the arrays in it by the package's names."""
    rng = np.random.default_rng(0)
    sizes = {"emb.word": (VOCAB, WIDTH), "fi.w": (INNER, WIDTH), "fo.w": (WIDTH, INNER)}
    sizes |= {f"{part}.w": (WIDTH, WIDTH) for part in ("q", "k", "v", "ao")}
    plain = {
        "emb.pos": POSITIONS * WIDTH,
        "emb.type": TYPES * WIDTH,
        "emb.ln.w": WIDTH,
        "emb.ln.b": WIDTH,
        "fi.b": INNER,
    }
    plain |= {f"{part}.b": WIDTH for part in ("q", "k", "v", "ao", "aln", "oln", "fo")} | {
        "aln.w": WIDTH,
        "oln.w": WIDTH,
    }
    found, meant = [], {}
    for name, size in (sizes | plain).items():
        whole = name if name.startswith("emb") else f"l0.{name}"
        if isinstance(size, tuple):
            data, meant[whole] = blocks(rng, size)
            found.append((whole, 1, size[0] * size[1], data))
        else:
            meant[whole] = rng.normal(size=size).astype(np.float32)
            found.append((whole, 0, size, meant[whole].tobytes()))
    spelt = [piece.encode() for piece in PIECES]
    starts = np.cumsum([0, *map(len, spelt)]).astype("<u4")
    scores = np.array([0, 0, 0, 0, -3, -2, -2, -1, -1, -1.5, 0], "<f4")
    head = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, LAYERS, HEADS, INNER, VOCAB, POSITIONS, TYPES, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, spelt)))
    head += starts.tobytes() + scores.tobytes() + b"".join(spelt) + struct.pack("<iI", 1, 5) + b"\0" * 5
    head += struct.pack("<i", len(found))
    at = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name, *_ in found)
    for name, kind, count, data in found:
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, at, len(data))
        at += len(data)
    return head + b"".join(data for *_, data in found), meant


def test_every_number_is_read_as_it_was_packed(script: dict[str, Any], packed: Packed) -> None:
    data, meant = packed
    shape, pieces, found = script["unpacked"](data)
    assert (shape.width, shape.layers, shape.heads, shape.feed_forward) == (WIDTH, LAYERS, HEADS, INNER)
    assert [piece for piece, _ in pieces] == PIECES
    assert found.keys() == {script["bert_name"](name) for name in meant}
    for name, array in meant.items():
        np.testing.assert_array_equal(found[script["bert_name"](name)].ravel(), array.ravel())
    assert found["embeddings.word_embeddings.weight"].shape == (VOCAB, WIDTH)
    assert found["encoder.layer.0.output.dense.weight"].shape == (WIDTH, INNER)


def test_what_it_writes_is_imported(script: dict[str, Any], packed: Packed, tmp_path: Path) -> None:
    shape, pieces, found = script["unpacked"](packed[0])
    script["write"](tmp_path, shape, pieces, found)
    model, tokenizer = exchange.load_encoder(tmp_path)
    assert isinstance(model, XLMR)
    assert (model.settings.kind, model.settings.norm_eps, model.head) == ("bert", 1e-12, None)
    assert {name.removeprefix("bert.") for name in published.tensors_of(model)} == found.keys()
    assert tokenizer.encode("a  b\u3000ab").tolist() == [
        PIECES.index(p) for p in ("\u2581a", "\u2581b", "\u2581a", "b")
    ]
    assert tokenizer.around == ((0,), (2,))
    assert tokenizer.encode("\uff41").tolist() == [PIECES.index("\u2581a")]  # XLM-R's normal forms


def test_another_file_is_refused(script: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match="not the file that this script reads"):
        script["unpacked"](b"E5S2" + bytes(100))
