"""Documents out of rows, and what an encoder reads and a decoder writes of each back into rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.errors import WorkbenchError
from workbench.objectives.batch import Batch, Rows, Tokens


class Pieces(NamedTuple):
    """Tokens of documents, document after document. Shapes: ids [n]; owner [n], ascending: whose token it is."""

    ids: np.ndarray
    owner: np.ndarray


@dataclass(frozen=True, slots=True)
class Documents:
    """The tokens of rows without their padding, one after the other.

    Shapes: ids, owner [n], owner being the document 0..G-1 of each token; start, size, row, segment [G], the first two
        counting tokens, the last two saying where the document was.
    """

    ids: np.ndarray
    owner: np.ndarray
    start: np.ndarray
    size: np.ndarray
    row: np.ndarray
    segment: np.ndarray
    num_rows: int

    @classmethod
    def of(cls, rows: Rows) -> Documents:
        real = np.flatnonzero(rows.segments)
        row = real // rows.ids.shape[1]
        segment = rows.segments.reshape(-1)[real]
        opens = np.ones(len(real), bool)
        opens[1:] = (row[1:] != row[:-1]) | (segment[1:] != segment[:-1])
        start = np.flatnonzero(opens)
        return cls(
            ids=rows.ids.reshape(-1)[real],
            owner=np.cumsum(opens) - 1,
            start=start,
            size=np.diff(start, append=len(real)),
            row=row[start],
            segment=segment[start],
            num_rows=len(rows),
        )

    def __len__(self) -> int:
        return len(self.start)

    @property
    def last(self) -> np.ndarray:
        """Where each document's last token is. Shapes: -> [G]"""
        return self.start + self.size - 1

    def count(self, chosen: np.ndarray) -> np.ndarray:
        """How many tokens of each document are chosen. Shapes: chosen [n] bool -> [G]"""
        return np.bincount(self.owner[chosen], minlength=len(self))

    def widest(self, sizes: np.ndarray) -> int:
        """The places that a row needs when document g takes sizes[g]. Shapes: sizes [G]"""
        return int(np.bincount(self.row, weights=sizes, minlength=self.num_rows).max(initial=0))

    def batch(self, read: Pieces, written: Pieces, *, encoder_length: int, decoder_length: int, bos: int) -> Batch:
        """What the encoder reads and the decoder writes, in the rows and under the segment numbers of their documents.

        The decoder sees what it has written one place later, and `bos` first; every written token counts in the loss.

        Raises: WorkbenchError where a row needs more places than there are: nothing is ever cut off.
        """
        encoder = self._lay_out(read, encoder_length, "encoder")
        shifted = np.empty_like(written.ids)
        shifted[1:] = written.ids[:-1]
        shifted[np.flatnonzero(np.diff(written.owner, prepend=-1))] = bos
        decoder = self._lay_out(Pieces(shifted, written.owner), decoder_length, "decoder")
        targets = np.zeros_like(decoder.ids)
        targets[decoder.segments > 0] = written.ids  # both run through the rows in reading order
        return Batch(
            inputs=encoder.ids,
            segments=encoder.segments,
            positions=encoder.positions,
            predict=None,
            targets=targets,
            weights=(decoder.segments > 0).astype(np.float32),
            decoder=decoder,
        )

    def _lay_out(self, pieces: Pieces, width: int, stack: str) -> Tokens:
        row = self.row[pieces.owner]
        per_row = np.bincount(row, minlength=self.num_rows)
        if per_row.max(initial=0) > width:
            raise WorkbenchError(
                f"objective: the {stack} needs {per_row.max()} places for a row of this batch and has {width}; it was "
                "fitted to other rows"
            )
        per_document = np.bincount(pieces.owner, minlength=len(self))
        number = np.arange(len(pieces.owner))
        place = number - (np.cumsum(per_row) - per_row)[row] + row * width
        arrays = [np.zeros((self.num_rows, width), np.int32) for _ in range(3)]
        position = number - (np.cumsum(per_document) - per_document)[pieces.owner]
        for array, values in zip(arrays, (pieces.ids, self.segment[pieces.owner], position), strict=True):
            array.reshape(-1)[place] = values
        return Tokens(*arrays)
