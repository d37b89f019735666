"""What an objective is, and which one a config asks for."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from workbench.objectives.batch import Batch, Rows


class Objective(Protocol):
    """Makes a training batch of packed rows: numpy, no state, and shapes that depend on the rows' shape alone."""

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch: ...
