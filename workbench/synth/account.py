"""What substitution found and did, over shards that are done apart: sums, and sets of word types as hashes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workbench.files import atomic_open
from workbench.synth.engine import Block, Engine
from workbench.synth.keyed import hash_ids

NAMES = (
    "num_read", "num_kept", "num_words", "num_matched", "num_kept_words", "num_replaced", "num_found", "num_options",
)  # fmt: skip


class Totals:
    """Running totals of one or more shards. Words are compared without case, as 64-bit hashes."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts: dict[str, int] = dict.fromkeys(NAMES, 0) | dict(counts or {})
        self.types = np.zeros(0, np.uint64)
        self.matched = np.zeros(0, np.uint64)

    def add(self, other: Totals) -> None:
        for name in NAMES:
            self.counts[name] += other.counts[name]
        self.types = np.union1d(self.types, other.types)
        self.matched = np.union1d(self.matched, other.matched)

    def save(self, path: Path) -> None:
        with atomic_open(path) as file:
            counts: Any = self.counts
            np.savez(file, types=self.types, matched=self.matched, **counts)

    @classmethod
    def load(cls, path: Path) -> Totals:
        with np.load(path) as found:
            totals = cls({name: int(found[name]) for name in NAMES})
            totals.types, totals.matched = found["types"], found["matched"]
        return totals

    def report(self) -> dict[str, Any]:
        """Counts, and what they come to: coverage of running words and of types, and ambiguity."""
        of = self.counts
        return of | {
            "num_types": len(self.types),
            "num_matched_types": len(self.matched),
            "token_coverage": _share(of["num_matched"], of["num_words"]),
            "type_coverage": _share(len(self.matched), len(self.types)),
            "replaced_rate": _share(of["num_replaced"], of["num_kept_words"]),
            "kept_rate": _share(of["num_kept"], of["num_read"]),
            "mean_translations": _share(of["num_options"], of["num_found"]),
        }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def count(engine: Engine, blocks: Iterable[Block], limit: int | None = None) -> Totals:
    """Totals of some of an engine's blocks, up to the `limit`th sentence that is kept."""
    totals = Totals()
    of = totals.counts
    word = engine.encoded.word
    has_word = word[:, 0] != word[:, 1]
    seen, matched = np.zeros(len(word), bool), np.zeros(len(word), bool)
    for block in blocks:
        num = len(block.kept)
        if limit is not None and of["num_kept"] + int(block.kept.sum()) >= limit:
            num = (
                int(np.searchsorted(np.cumsum(block.kept), limit - of["num_kept"])) + 1 if limit > of["num_kept"] else 0
            )
        end = int(block.starts[num])
        first = int(engine.encoded.starts[block.first])
        units = engine.encoded.units[first : first + end]
        heads = block.head_unit < end
        sizes = block.head_words[heads]
        kept = block.kept[:num]
        of["num_read"] += num
        of["num_kept"] += int(kept.sum())
        of["num_words"] += int(block.num_words[:num].sum())
        of["num_matched"] += int(sizes.sum())
        of["num_kept_words"] += int(block.num_words[:num][kept].sum())
        of["num_replaced"] += int(block.num_replaced[:num][kept].sum())
        of["num_found"] += len(sizes)
        of["num_options"] += int(block.head_options[heads].sum())
        seen[units] = True
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        matched[units[np.repeat(block.head_unit[heads], sizes) + within]] = True
        if limit is not None and of["num_kept"] >= limit:
            break
    words = engine.encoded.words()
    for name, chosen in (("types", seen & has_word), ("matched", matched)):
        lowered = sorted({words[unit].lower() for unit in np.flatnonzero(chosen).tolist()})
        setattr(totals, name, np.unique(hash_ids(lowered)))
    return totals
