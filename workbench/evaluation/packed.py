"""Texts packed into rows of one length, rows into batches of one size: one program for whatever is evaluated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.mixture.packing import pack
from workbench.objectives.batch import Rows
from workbench.tokenizer.processor import TextTokenizer

LENGTH = 64
BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows, and whose each token is.

    Shapes: rows [N, T]; owners [N, T] int64, the text's number, -1 for padding
    """

    rows: Rows
    owners: np.ndarray


def pack_texts(tokenizer: TextTokenizer, texts: Sequence[str], length: int = LENGTH, end: int | None = None) -> Packed:
    """Encode and pack, with `end` (or nothing) behind each text; what is longer than a row is continued in another,
    without its context."""
    encoded = tokenizer.encode_all(texts)
    if end is not None:
        encoded = [np.append(ids, np.int32(end)) for ids in encoded]
    # Where a document goes depends on lengths alone, so packing the texts' numbers says whose each place is.
    numbers = pack([np.full(len(ids), number + 1) for number, ids in enumerate(encoded)], length)
    return Packed(pack(encoded, length), numbers.ids.astype(np.int64) - 1)


def batches(rows: Rows, batch_size: int = BATCH_SIZE) -> Iterator[tuple[slice, Rows]]:
    """The rows in batches of exactly `batch_size`, the last filled with padding; the slice says which are real."""
    for start in range(0, len(rows), batch_size):
        found = slice(start, min(start + batch_size, len(rows)))
        batch = rows.take(np.arange(start, found.stop))
        missing = ((0, batch_size - len(batch)), (0, 0))
        yield found, Rows(*(np.pad(part, missing) for part in (batch.ids, batch.segments, batch.positions)))
