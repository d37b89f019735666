"""One measured number of a probe, with what it must be read against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from workbench.evaluation.stats import Interval, bootstrap_mean

Probe = Literal[
    "retrieval", "similarity", "space", "language", "grouping", "word-translation", "word-alignment", "round-trip"
]
PROBES: tuple[Probe, ...] = get_args(Probe)
Direction = Literal["", "pivot>target", "target>pivot"]
INTERVAL_SEED = 0  # one for all: measures over the same items are resampled alike


@dataclass(frozen=True, slots=True)
class Row:
    """`value` of `metric` at one layer (0 the embedding; None: no model), for the language `lang` against `pivot`.

    `lang` is empty where the number is of all languages together, `pivot` where it is of one alone. `n` items were
    scored, each among `candidates`. `chance` is what guessing gives, or what the same measure gives when the pairing
    is shuffled or vectors are drawn at random (`chance_by`). `floors` are model-free values of the same measure on the
    same items, by name. `low`, `high` bound a 95 % bootstrap interval over the items where there is one.
    """

    probe: Probe
    metric: str
    method: str
    pivot: str
    lang: str
    direction: Direction
    layer: int | None
    value: float
    n: int
    candidates: int | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    chance_by: Literal["", "counting", "shuffling", "drawing"] = ""
    floors: Mapping[str, float] = field(default_factory=dict)
    higher_is_better: bool = True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def interval(values: np.ndarray) -> Interval:
    """Mean over items with its bootstrap interval."""
    return bootstrap_mean(values, INTERVAL_SEED)
