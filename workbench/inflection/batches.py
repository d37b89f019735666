"""Rows to arrays, and the data order of a run: batch `step` is a pure function of (seed, step)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench import seeds
from workbench.errors import BadInput
from workbench.inflection.alphabet import BOS, EOS, PAD, Encoded
from workbench.mixture import weights
from workbench.mixture.stream import Realised
from workbench.objectives.batch import Batch, Tokens

STEP = 8  # lengths are rounded up to this, so that languages share compiled programs


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


def shape_of(rows: Sequence[Encoded]) -> Shape:
    """The smallest shape of the grid that holds all rows."""
    source = max(len(row.features) + len(row.lemma) for row in rows)
    target = max(len(row.form) + 1 for row in rows)
    return Shape(-(-source // STEP) * STEP, -(-target // STEP) * STEP)


def shapes(rows: Sequence[Encoded], number: int) -> list[Shape]:
    """Up to `number` shapes; the last holds every row, and each other is chosen, after those before it, to leave the
    fewest places in all.

    A row is read in the first shape that holds it.
    """
    sizes = np.array([(len(row.features) + len(row.lemma), len(row.form) + 1) for row in rows])
    largest = shape_of(rows)
    grid = [
        Shape(source, target)
        for source in range(STEP, largest.source + 1, STEP)
        for target in range(STEP, largest.target + 1, STEP)
    ]
    found = [largest]
    for _ in range(number - 1):
        best = min(grid, key=lambda new: _places(sizes, sorted({*found, new}, key=lambda one: one.places)))
        if best in found:
            break
        found = sorted({*found, best}, key=lambda one: one.places)
    return found


def _places(sizes: np.ndarray, shapes: Sequence[Shape]) -> int:
    """What rows of these sizes take when each is read in the first shape that holds it."""
    left, total = np.ones(len(sizes), bool), 0
    for shape in shapes:
        held = left & (sizes[:, 0] <= shape.source) & (sizes[:, 1] <= shape.target)
        total += int(held.sum()) * shape.places
        left &= ~held
    return total


def source_arrays(rows: Sequence[Encoded], length: int) -> Tokens:
    """Features at position 0, then the lemma's characters from position 1. Shapes: -> [B, length]"""
    ids, segments, positions = (np.zeros((len(rows), length), np.int32) for _ in range(3))
    for number, row in enumerate(rows):
        first, last = len(row.features), len(row.features) + len(row.lemma)
        ids[number, :first], ids[number, first:last] = row.features, row.lemma
        segments[number, :last] = 1
        positions[number, first:last] = np.arange(1, last - first + 1)
    return Tokens(ids, segments, positions)


def arrays(rows: Sequence[Encoded], shape: Shape) -> Batch:
    """What a training step reads."""
    source = source_arrays(rows, shape.source)
    given, targets, segments = (np.full((len(rows), shape.target), PAD, np.int32) for _ in range(3))
    for number, row in enumerate(rows):
        length = len(row.form) + 1
        given[number, 0], given[number, 1:length] = BOS, row.form
        targets[number, : length - 1], targets[number, length - 1] = row.form, EOS
        segments[number, :length] = 1
    positions = np.arange(1, shape.target + 1, dtype=np.int32) * segments
    return Batch(
        *source,
        predict=None,
        targets=targets,
        weights=segments.astype(np.float32),
        decoder=Tokens(given, segments, positions),
    )


class InflectionStream:
    """Batches for `steps` steps over pools of rows (a language's own, its hallucinated ones), each of a share.

    A batch has one shape, and shapes come as often as their rows do. Within a shape each pool's rows come in a new
    random order in every epoch, all of them before one comes again.

    Random: shapes from (seed, "shapes"), pools from (seed, "pools", shape), rows from (seed, "epoch", pool, shape, n).
    Raises: BadInput for a pool without rows, and for fewer steps than shapes.
    """

    def __init__(
        self,
        pools: Mapping[str, Sequence[Encoded]],
        shares: Mapping[str, float],
        *,
        steps: int,
        batch_size: int,
        num_shapes: int,
        seed: int,
    ) -> None:
        for name, rows in pools.items():
            if not rows:
                raise BadInput(f"inflection: {name} has no training rows")
        self.steps, self.batch_size = steps, batch_size
        everything = [row for rows in pools.values() for row in rows]
        self.shapes = shapes(everything, num_shapes)
        self._batches: list[list[list[Encoded]]] = []
        self._names: list[list[str]] = []
        self._drawn = dict.fromkeys(pools, 0)
        self._pools, self._shares = pools, dict(shares)
        fits = {name: fitting(rows, self.shapes) for name, rows in pools.items()}
        mass = {
            str(number): sum(shares[name] * len(fits[name][number]) / len(pools[name]) for name in pools)
            for number in range(len(self.shapes))
        }
        mass = {shape: share for shape, share in mass.items() if share > 0}
        if steps < len(mass):
            raise BadInput(
                f"inflection: train.steps: {steps}, but the rows come in batches of {len(mass)} shapes, each of which "
                "wants a step; train longer, or lower train.buckets"
            )
        counts = weights.allot(mass, steps)
        self._order = seeds.stream(seed, "shapes").permutation(np.repeat(list(map(int, counts)), list(counts.values())))
        self._nth = np.empty(steps, np.int64)  # step -> how many batches of its shape came before
        for number in range(len(self.shapes)):
            places = np.flatnonzero(self._order == number)
            self._nth[places] = np.arange(len(places))
        self._plan = [
            self._planned(number, {name: fits[name][number] for name in pools}, counts.get(str(number), 0), seed)
            for number in range(len(self.shapes))
        ]

    def _planned(
        self, shape: int, rows: Mapping[str, np.ndarray], batches: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each example of a shape's batches its pool and its row in that."""
        size = batches * self.batch_size
        names = [name for name in rows if len(rows[name])]
        if not size or not names:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        share = {name: self._shares[name] * len(rows[name]) / len(self._pools[name]) for name in names}
        total = sum(share.values())
        # a pool of very few rows of this shape may get no place in it; its other shapes hold it
        ideal = np.array([share[name] / total * size for name in names])
        counts = np.floor(ideal).astype(int)
        for place in np.argsort(counts - ideal, kind="stable")[: size - counts.sum()]:
            counts[place] += 1
        owner = seeds.stream(seed, "pools", shape).permutation(
            np.repeat([list(self._pools).index(name) for name in names], counts)
        )
        chosen = np.empty(size, np.int64)
        for name, count in zip(names, counts.tolist(), strict=True):
            own = rows[name]
            epochs = [
                own[seeds.stream(seed, "epoch", name, shape, n).permutation(len(own))]
                for n in range(-(-count // len(own)))
            ]
            if count:
                chosen[owner == list(self._pools).index(name)] = np.concatenate(epochs)[:count]
            self._drawn[name] += count
        return owner, chosen

    def _examples(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= step < self.steps:
            raise IndexError(f"step {step} of a stream of {self.steps} steps")
        owner, chosen = self._plan[self._order[step]]
        here = slice(self._nth[step] * self.batch_size, (self._nth[step] + 1) * self.batch_size)
        return owner[here], chosen[here]

    def batch(self, step: int) -> Batch:
        """Batch number `step`, counted from 0."""
        pools = list(self._pools.values())
        rows = [pools[owner][row] for owner, row in zip(*self._examples(step), strict=True)]
        return arrays(rows, self.shapes[self._order[step]])

    def describe(self, step: int) -> str:
        """The pools of a batch and their rows, such as `tur 64`."""
        owners, counts = np.unique(self._examples(step)[0], return_counts=True)
        names = list(self._pools)
        return ", ".join(f"{names[owner]} {count}" for owner, count in zip(owners, counts, strict=True))

    def report(self) -> list[Realised]:
        """What each pool gets."""
        size = self.steps * self.batch_size
        return [
            Realised(
                lang=name,
                num_tokens=sum(len(row.features) + len(row.lemma) + len(row.form) + 1 for row in rows),
                num_rows=len(rows),
                share=self._drawn[name] / size,
                num_rows_drawn=self._drawn[name],
                epochs=self._drawn[name] / len(rows),
            )
            for name, rows in self._pools.items()
        ]

    @property
    def padded_rate(self) -> float:
        """The share of all places read that hold padding."""
        places, real = 0, 0
        for shape, (owner, chosen) in zip(self.shapes, self._plan, strict=True):
            places += len(owner) * shape.places
            pools = list(self._pools.values())
            for pool, row in zip(owner, chosen, strict=True):
                one = pools[pool][row]
                real += len(one.features) + len(one.lemma) + len(one.form) + 1
        return 1.0 - real / places


def fitting(rows: Sequence[Encoded], known: Sequence[Shape]) -> list[np.ndarray]:
    """For each shape the numbers of the rows of which it is the smallest that holds them."""
    own = [Shape(len(row.features) + len(row.lemma), len(row.form) + 1) for row in rows]
    smallest = np.array([next(n for n, shape in enumerate(known) if shape.holds(one)) for one in own])
    return [np.flatnonzero(smallest == number) for number in range(len(known))]
