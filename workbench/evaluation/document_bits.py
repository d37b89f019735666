"""Surprisal per document, and its sum over all: bits per byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.evaluation import stats


@dataclass(frozen=True, slots=True)
class DocumentBits:
    """One document's surprisal. `num_bytes` counts UTF-8 bytes of the normalized text, blanks included."""

    id: str
    bits: float
    num_bytes: int


def bits_per_byte(measured: Sequence[DocumentBits], seed: int) -> stats.Interval:
    """All bits over all bytes, with a bootstrap interval over documents."""
    return stats.bootstrap_ratio([one.bits for one in measured], [one.num_bytes for one in measured], seed)
