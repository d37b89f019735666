"""Vectors kept on disk under the hash of what they were computed from, and read back a layer at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.representations import (
    Pooling,
    Reader,
    Words,
    check_pooling,
    sentence_vectors,
    word_vectors,
    words_of,
)
from workbench.files import canonical_json, sha256_bytes

FORMAT = 1  # raised whenever the same inputs would give other vectors


@dataclass(frozen=True, slots=True)
class Layers:
    """The vectors of N items at every layer, on disk."""

    path: Path
    num_layers: int
    n: int

    def layer(self, number: int) -> np.ndarray:
        """One layer, in memory.

        Shapes: -> [N, D] float32
        """
        if not 0 <= number < self.num_layers:
            raise BadInput(f"layer {number}: this model has layers 0 (the embedding) to {self.num_layers - 1}")
        return np.array(_open(self.path)[number])


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of vectors. Nothing is computed twice for one model, one list of texts and one pooling.

    `done` is called with the number of texts whenever some have been embedded or found.
    """

    root: Path
    done: Callable[[int], None] = lambda _: None

    def sentences(self, reader: Reader, texts: Sequence[str], pooling: Pooling = "mean") -> Layers:
        """Raises: BadInput as `sentence_vectors`."""
        check_pooling(reader, pooling)
        batches = ((batch.texts, batch.vectors) for batch in sentence_vectors(reader, texts, pooling, self.done))
        return self._kept(reader, texts, pooling, len(texts), batches)

    def words(self, reader: Reader, texts: Sequence[str]) -> tuple[Words, Layers]:
        """The texts' words, and the vectors of all of them in one row after another."""
        words = words_of(reader, texts)
        batches = word_vectors(reader, texts, self.done)
        return words, self._kept(reader, texts, "words", int(words.starts[-1]), batches)

    def _kept(
        self, reader: Reader, texts: Sequence[str], kind: str, n: int, batches: Iterable[tuple[np.ndarray, np.ndarray]]
    ) -> Layers:
        made_of: dict[str, Any] = {
            "format": FORMAT,
            "model": reader.sha256,
            "tokenizer": reader.tokenizer.sha256,
            "around": [list(reader.before), list(reader.after)],
            "kind": f"mean of windows of {reader.window}" if reader.window and kind == "mean" else kind,
            "texts": sha256_bytes(canonical_json(list(texts)).encode()),
        }
        key = sha256_bytes(canonical_json(made_of).encode())
        path = self.root / key[:2] / f"{key}.npy"
        shape = (reader.num_layers, n, reader.width)
        if path.is_file():
            if (found := _open(path).shape) != shape:
                raise BadInput(f"{path}: wanted vectors of shape {shape}, got {found}; delete the file")
            self.done(len(texts))
        else:
            _write(path, shape, batches)
        return Layers(path, shape[0], n)


def _write(path: Path, shape: tuple[int, int, int], batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> None:
    """Fill the file out of order, then give it its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    try:
        array = np.lib.format.open_memmap(name, mode="w+", dtype=np.float32, shape=shape)
        for rows, vectors in batches:
            array[:, rows] = vectors
        array.flush()
        del array
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _open(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r")
    except (ValueError, EOFError, OSError) as error:
        raise BadInput(f"{path}: not vectors that this program wrote ({error}); delete the file") from error
    return array
