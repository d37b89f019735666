"""What a running stage tells: how far it is, and how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` in the stage's own unit (steps, documents); `tokens_per_second` while training, else 0."""

    done: int
    total: int
    tokens_per_second: float = 0.0
    note: str = ""


Report = Callable[[Progress], None]
