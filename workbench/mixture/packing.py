"""Packing documents of any length into rows of one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.objectives.batch import Rows


def pack(documents: Sequence[np.ndarray], length: int) -> Rows:
    """Put every token of every document into rows of `length`, best fit first, longest document first.

    A document longer than a row is cut into whole rows and a rest; no token is lost, and each piece is a segment of its
    own. Padding has id 0.

    Shapes: documents, each [T] int; -> Rows [N, length]
    """
    pieces = [document[at : at + length] for document in documents for at in range(0, len(document), length)]
    pieces.sort(key=len, reverse=True)  # stable: documents of equal length keep their order
    places: list[tuple[int, int, int]] = []  # row, start and segment of each piece
    num_rows = 0
    open_rows: dict[int, list[tuple[int, int]]] = {}  # free places -> rows with so many (row, segments so far)
    free_sizes = 0  # bit n is set where open_rows[n] is not empty
    for piece in pieces:
        need = len(piece)
        fitting = free_sizes >> need
        if fitting:
            free = need + (fitting & -fitting).bit_length() - 1
            row, num_segments = open_rows[free].pop()
            if not open_rows[free]:
                free_sizes &= ~(1 << free)
        else:
            free, row, num_segments = length, num_rows, 0
            num_rows += 1
        places.append((row, length - free, num_segments + 1))
        if left := free - need:
            open_rows.setdefault(left, []).append((row, num_segments + 1))
            free_sizes |= 1 << left

    rows = Rows(*(np.zeros((num_rows, length), np.int32) for _ in range(3)))
    for piece, (row, start, segment) in zip(pieces, places, strict=True):
        place = slice(start, start + len(piece))
        rows.ids[row, place] = piece
        rows.segments[row, place] = segment
        rows.positions[row, place] = np.arange(len(piece))
    return rows
