"""The data order of a run: batch `step` is a pure function of (seed, step)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from workbench import seeds
from workbench.errors import BadInput
from workbench.inflection.alphabet import Encoded
from workbench.inflection.arrays import arrays, packed, packed_shape, shape_of, sizes
from workbench.mixture import weights
from workbench.mixture.stream import Realised
from workbench.objectives.batch import Batch

WINDOW = 16  # batches among which rows are dealt out by length


class InflectionStream:
    """Batches for `steps` steps over pools of rows (a language's own, its hallucinated ones), each of a share.

    Each pool's rows come in a new random order in every epoch. Every `WINDOW` batches, their rows are dealt out so that
    each batch gets as many short and long ones: batches are about equally long, and packed into arrays of one shape.
    A batch that does not fit into that has more packed rows.

    Random: pools from (seed, "pools"), rows from (seed, "epoch", pool, n), dealing from (seed, "deal", window).
    Raises: BadInput for a pool without rows.
    """

    def __init__(
        self,
        pools: Mapping[str, Sequence[Encoded]],
        shares: Mapping[str, float],
        *,
        steps: int,
        batch_size: int,
        seed: int,
    ) -> None:
        for name, rows in pools.items():
            if not rows:
                raise BadInput(f"inflection: {name} has no training rows")
        self.steps, self.batch_size = steps, batch_size
        self._pools, self._seed = pools, seed
        self._sizes = {name: sizes(rows) for name, rows in pools.items()}
        self._owners, self._chosen = self._planned(shares)
        first = [self._size(step) for step in range(min(steps, WINDOW))]
        self.shape, self.num_packed = packed_shape(first, shape_of([row for rows in pools.values() for row in rows]))

    def _planned(self, shares: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """For each example of each step the number of its pool, and of its row in that. Shapes: -> [steps, B] twice"""
        counts = weights.allot(shares, self.steps * self.batch_size)
        owners = np.repeat(np.arange(len(self._pools)), [counts[name] for name in self._pools])
        owners = seeds.stream(self._seed, "pools").permutation(owners)
        chosen, length = np.empty_like(owners), np.empty_like(owners)
        for number, name in enumerate(self._pools):
            own, known = self._sizes[name].sum(axis=1), len(self._pools[name])
            epochs = [
                seeds.stream(self._seed, "epoch", name, n).permutation(known) for n in range(-(-counts[name] // known))
            ]
            mine = owners == number
            chosen[mine] = np.concatenate(epochs)[: counts[name]]
            length[mine] = own[chosen[mine]]
        windows = np.split(
            np.arange(len(owners)), range(WINDOW * self.batch_size, len(owners), WINDOW * self.batch_size)
        )
        dealt = np.concatenate([self._dealt(number, window, length[window]) for number, window in enumerate(windows)])
        shape = (self.steps, self.batch_size)
        return owners[dealt].reshape(shape), chosen[dealt].reshape(shape)

    def _dealt(self, number: int, window: np.ndarray, length: np.ndarray) -> np.ndarray:
        """Examples of a window, batch after batch: of those of about one length, each batch has one.

        Shapes: window, length [W * B] -> [W * B]
        """
        alike = window[np.argsort(length, kind="stable")].reshape(self.batch_size, -1)
        return seeds.stream(self._seed, "deal", number).permuted(alike, axis=1).T.ravel()

    def _examples(self, step: int) -> list[tuple[str, int]]:
        """A pool and the number of a row in it, of each example."""
        if not 0 <= step < self.steps:
            raise IndexError(f"step {step} of a stream of {self.steps} steps")
        names = list(self._pools)
        return [(names[owner], row) for owner, row in zip(self._owners[step], self._chosen[step].tolist(), strict=True)]

    def _size(self, step: int) -> np.ndarray:  # -> [B, 2]
        return np.array([self._sizes[name][row] for name, row in self._examples(step)])

    def batch(self, step: int) -> Batch:
        """Batch number `step`, counted from 0."""
        rows = [self._pools[name][row] for name, row in self._examples(step)]
        shared = [[rows[number] for number in numbers] for numbers in packed(self._size(step), self.shape)]
        return arrays(shared + [[]] * (self.num_packed - len(shared)), self.shape)

    def describe(self, step: int) -> str:
        """The pools of a batch and their rows, such as `tur 64`."""
        found = Counter(name for name, _ in self._examples(step))
        return ", ".join(f"{name} {found[name]}" for name in self._pools if name in found)

    def report(self) -> list[Realised]:
        """What each pool gets."""
        drawn = np.bincount(self._owners.ravel(), minlength=len(self._pools)).tolist()
        return [
            Realised(
                lang=name,
                num_tokens=int(self._sizes[name].sum()),
                num_rows=len(rows),
                share=count / self._owners.size,
                num_rows_drawn=count,
                epochs=count / len(rows),
            )
            for (name, rows), count in zip(self._pools.items(), drawn, strict=True)
        ]

    @property
    def padded_rate(self) -> float:
        """The share of places that hold padding, in a hundred batches of all the run."""
        found = [self._size(int(step)) for step in np.linspace(0, self.steps - 1, min(self.steps, 100))]
        number = sum(max(self.num_packed, len(packed(size, self.shape))) for size in found)
        return 1.0 - sum(int(size.sum()) for size in found) / (number * self.shape.places)
