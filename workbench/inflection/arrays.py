"""Rows to arrays: one after another in packed rows for training, each in a row of its own to be searched or scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.inflection.alphabet import BOS, EOS, Encoded
from workbench.objectives.batch import Batch, Tokens

STEP = 8  # lengths are rounded up to this, so that languages share compiled programs
PACKED_STEP = 4  # and those of packed rows, which leave less empty if finer
MOST_SHARING = 5  # rows of mean length that a packed row may be long: attention reads whole rows, and sees its own


@dataclass(frozen=True, slots=True)
class Shape:
    """Places of the source (features and lemma) and of the form with its end."""

    source: int
    target: int

    @property
    def places(self) -> int:
        return self.source + self.target

    def holds(self, other: Shape) -> bool:
        return self.source >= other.source and self.target >= other.target


def sizes(rows: Sequence[Encoded]) -> np.ndarray:
    """Places of each row's source and form. Shapes: -> [R, 2]"""
    found = [(len(row.features) + len(row.lemma), len(row.form) + 1) for row in rows]
    return np.array(found, np.int64).reshape(len(rows), 2)


def _up(number: float, step: int) -> int:
    return int(-(-number // step) * step)


def shape_of(rows: Sequence[Encoded]) -> Shape:
    """The smallest shape of the grid that holds all rows."""
    source, target = sizes(rows).max(axis=0)
    return Shape(_up(source, STEP), _up(target, STEP))


def shapes(rows: Sequence[Encoded], number: int) -> list[Shape]:
    """Up to `number` shapes; the last holds every row, and each other is chosen, after those before it, to leave the
    fewest places in all.

    A row is read in the first shape that holds it.
    """
    known = sizes(rows)
    largest = shape_of(rows)
    grid = [
        Shape(source, target)
        for source in range(STEP, largest.source + 1, STEP)
        for target in range(STEP, largest.target + 1, STEP)
    ]
    found = [largest]
    for _ in range(number - 1):
        best = min(grid, key=lambda new: _places(known, sorted({*found, new}, key=lambda one: one.places)))
        if best in found:
            break
        found = sorted({*found, best}, key=lambda one: one.places)
    return found


def _places(sizes: np.ndarray, shapes: Sequence[Shape]) -> int:
    """What rows of these sizes take when each is read in the first shape that holds it."""
    left, total = np.ones(len(sizes), bool), 0
    for shape in shapes:
        held = left & (sizes <= (shape.source, shape.target)).all(axis=1)
        total += int(held.sum()) * shape.places
        left &= ~held
    return total


def fitting(rows: Sequence[Encoded], known: Sequence[Shape]) -> list[np.ndarray]:
    """For each shape the numbers of the rows of which it is the smallest that holds them."""
    own = [Shape(*size) for size in sizes(rows).tolist()]
    smallest = np.array([next(n for n, shape in enumerate(known) if shape.holds(one)) for one in own])
    return [np.flatnonzero(smallest == number) for number in range(len(known))]


def packed(sizes: np.ndarray, shape: Shape) -> list[list[int]]:
    """Which rows share a packed row of this shape: the largest come first, each where it leaves the least.

    Shapes: sizes [R, 2] -> numbers of rows
    """
    whole = np.array([shape.source, shape.target])
    free, shared = np.empty((len(sizes), 2), np.int64), list[list[int]]()
    for number in np.argsort(-(sizes / whole).sum(axis=1), kind="stable").tolist():
        left = free[: len(shared)] - sizes[number]
        share = np.where((left >= 0).all(axis=1), (left / whole).sum(axis=1), np.inf)
        if not len(share) or np.isinf(best := share.min()):
            free[len(shared)] = whole - sizes[number]
            shared.append([number])
        else:
            place = int(np.flatnonzero(share == best)[0])
            free[place] = left[place]
            shared[place].append(number)
    return shared


def packed_shape(batches: Sequence[np.ndarray], largest: Shape) -> tuple[Shape, int]:
    """The shape of packed rows, and the most of them that one of these batches takes, that make the fewest places.

    Shapes: batches of sizes [R, 2]; `largest` must fit
    """
    mean = np.concatenate(batches).mean(axis=0)
    total = np.array([batch.sum(axis=0) for batch in batches])
    first = [_up(most, PACKED_STEP) for most in (largest.source, largest.target)]
    last = [max(one, int(MOST_SHARING * own)) for one, own in zip(first, mean, strict=True)]
    grid = [
        Shape(source, target)
        for source in range(first[0], last[0] + PACKED_STEP, PACKED_STEP)
        for target in range(first[1], last[1] + PACKED_STEP, PACKED_STEP)
    ]

    def fewest(shape: Shape) -> int:
        """Rows that no packing can do without."""
        return int(np.ceil(total / (shape.source, shape.target)).max())

    found, places = (grid[0], 0), np.inf
    for shape in sorted(grid, key=lambda shape: fewest(shape) * shape.places):
        if fewest(shape) * shape.places >= places:
            break
        number = max(len(packed(batch, shape)) for batch in batches)
        if number * shape.places < places:
            found, places = (shape, number), number * shape.places
    return found


def source_arrays(rows: Sequence[Encoded], length: int) -> Tokens:
    """Features at position 0, then the lemma's characters from position 1. Shapes: -> [B, length]"""
    return _sources([[row] for row in rows], length)


def _sources(shared: Sequence[Sequence[Encoded]], length: int) -> Tokens:
    ids, segments, positions = (np.zeros((len(shared), length), np.int32) for _ in range(3))
    for number, rows in enumerate(shared):
        end = 0
        for segment, row in enumerate(rows, 1):
            first, middle = end, end + len(row.features)
            end = middle + len(row.lemma)
            ids[number, first:middle], ids[number, middle:end] = row.features, row.lemma
            segments[number, first:end] = segment
            positions[number, middle:end] = np.arange(1, end - middle + 1)
    return Tokens(ids, segments, positions)


def arrays(shared: Sequence[Sequence[Encoded]], shape: Shape) -> Batch:
    """What a training step reads: the rows of each packed row one after another, its segments."""
    source = _sources(shared, shape.source)
    given, targets, segments, positions = (np.zeros((len(shared), shape.target), np.int32) for _ in range(4))
    for number, rows in enumerate(shared):
        end = 0
        for segment, row in enumerate(rows, 1):
            first, end = end, end + len(row.form) + 1
            given[number, first:end] = BOS, *row.form
            targets[number, first:end] = *row.form, EOS
            segments[number, first:end] = segment
            positions[number, first:end] = np.arange(1, end - first + 1)
    return Batch(
        *source,
        predict=None,
        targets=targets,
        weights=(segments > 0).astype(np.float32),
        decoder=Tokens(given, segments, positions),
    )
