"""Packing documents of any length into rows of one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.errors import BadInput
from workbench.objectives.batch import Rows


def pack(documents: Sequence[np.ndarray], length: int, *, eos: int | None = None) -> Rows:
    """Put every token of every document into rows of `length`, best fit first, longest document first.

    With `eos`, one stands behind each document that is not empty. A document longer than a row is cut into whole rows
    and a rest; no token is lost, and each piece is a segment of its own. Padding has id 0.

    Shapes: documents, each [T] int; -> Rows [N, length]
    """
    if eos is not None:
        documents = [np.append(document, eos) for document in documents if len(document)]
    pieces = [document[at : at + length] for document in documents for at in range(0, len(document), length)]
    pieces.sort(key=len, reverse=True)  # stable: documents of equal length keep their order
    num_rows, places = _places([len(piece) for piece in pieces], length)
    rows = Rows(*(np.zeros((num_rows, length), np.int32) for _ in range(3)))
    for piece, (row, start, segment) in zip(pieces, places, strict=True):
        place = slice(start, start + len(piece))
        rows.ids[row, place] = piece
        rows.segments[row, place] = segment
        rows.positions[row, place] = np.arange(len(piece))
    return rows


def pack_pairs(pairs: Sequence[tuple[np.ndarray, np.ndarray]], length: int, *, eos: int | None = None) -> Rows:
    """Put pairs (source, target) into rows of `length` as `pack` puts documents, both sides of a pair in one segment.

    With `eos`, one stands behind each side. A pair is never cut.

    Shapes: pairs, each side [T] int; -> Rows [N, length] with `part`
    Raises: BadInput for pairs that do not fit into a row, which `fits` tells beforehand, and for an empty side.
    """
    fitting = fits(pairs, length, eos=eos)
    if not fitting.all():
        longest = max(range(len(pairs)), key=lambda number: len(pairs[number][0]) + len(pairs[number][1]))
        raise BadInput(
            f"pairs: {np.count_nonzero(~fitting)} of {len(pairs)} do not fit into rows of {length} tokens; the "
            f"longest is number {longest} with {len(pairs[longest][0])} + {len(pairs[longest][1])}; raise the "
            "length, or leave them out and say so"
        )
    for number, (source, target) in enumerate(pairs):
        if not len(source) or not len(target):
            raise BadInput(f"pairs: number {number} has an empty side; wanted a source and a target")
    end = [] if eos is None else [eos]
    order = sorted(range(len(pairs)), key=lambda number: -len(pairs[number][0]) - len(pairs[number][1]))
    ended = [[np.append(side, end).astype(np.int32) for side in pairs[number]] for number in order]
    num_rows, places = _places([len(source) + len(target) for source, target in ended], length)
    ids, segments, positions, part = (np.zeros((num_rows, length), np.int32) for _ in range(4))
    for pair, (row, start, segment) in zip(ended, places, strict=True):
        for number, side in enumerate(pair):
            place = slice(start, start + len(side))
            ids[row, place], segments[row, place], part[row, place] = side, segment, number
            positions[row, place] = np.arange(len(side))
            start += len(side)
    return Rows(ids, segments, positions, part)


def fits(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], length: int, *, eos: int | None = None
) -> np.ndarray:  # [number of pairs] bool
    """Which pairs `pack_pairs` can put into a row."""
    ends = 0 if eos is None else 2
    return np.array([len(source) + len(target) + ends <= length for source, target in pairs], bool)


def _places(sizes: Sequence[int], length: int) -> tuple[int, list[tuple[int, int, int]]]:
    """How many rows there are, and the row, start and segment of each piece; longest pieces come first."""
    places: list[tuple[int, int, int]] = []
    num_rows = 0
    open_rows: dict[int, list[tuple[int, int]]] = {}  # free places -> rows with so many (row, segments so far)
    free_sizes = 0  # bit n is set where open_rows[n] is not empty
    for need in sizes:
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
    return num_rows, places
