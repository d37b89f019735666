"""Several tasks in one run: each step reads a batch of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from workbench import seeds
from workbench.errors import BadInput
from workbench.mixture import weights
from workbench.mixture.stream import Batches, Realised
from workbench.objectives.batch import Batch


def allot_steps(shares: Mapping[str, float], steps: int) -> dict[str, int]:
    """How many of a run's steps each task gets, by largest remainder: the length that each task's stream must have.

    Raises: BadInput as `weights.allot`.
    """
    return weights.allot(shares, steps)


class Interleaved:
    """The batches of several streams, in random order: each of them whole, its own in their order.

    Each task keeps its own objective, and so its own shapes and compiled program; the loss of a step is its task's.

    Random: which step reads which task from (seed, "tasks").
    Raises: BadInput where there is no task.
    """

    def __init__(self, streams: Mapping[str, Batches], *, seed: int) -> None:
        if not streams:
            raise BadInput("tasks: none given; an interleaved run needs at least one stream")
        self._names, self._streams = list(streams), list(streams.values())
        counts = [stream.steps for stream in self._streams]
        self.steps = sum(counts)
        self._order = seeds.stream(seed, "tasks").permutation(np.repeat(np.arange(len(counts)), counts))
        self._step_of = np.empty(self.steps, np.int64)  # step of the run -> step of its task
        self._step_of[np.argsort(self._order, kind="stable")] = np.concatenate([np.arange(n) for n in counts])

    def task(self, step: int) -> str:
        """The name of the task that a step reads."""
        return self._names[self._order[step]]

    def batch(self, step: int) -> Batch:
        if not 0 <= step < self.steps:
            raise IndexError(f"step {step} of a stream of {self.steps} steps")
        return self._streams[self._order[step]].batch(int(self._step_of[step]))

    def describe(self, step: int) -> str:
        return f"{self.task(step)}: {self._streams[self._order[step]].describe(int(self._step_of[step]))}"

    def report(self) -> list[Realised]:
        """What each language of each task gets; shares are of the whole run's steps."""
        return [
            replace(row, lang=f"{name}: {row.lang}", share=row.share * stream.steps / self.steps)
            for name, stream in zip(self._names, self._streams, strict=True)
            for row in stream.report()
        ]
