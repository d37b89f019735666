"""What stands in two splits, or twice in one: counted, told, and left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.tasks.task import SPLITS, Example, Split


@dataclass(frozen=True, slots=True)
class Repeated:
    """`rows` of a split that were there before, text and labels alike; `conflicting`: the text alone."""

    split: Split
    rows: int
    conflicting: int
    total: int


@dataclass(frozen=True, slots=True)
class Shared:
    """`rows` of `split` whose text, whatever its case, stands in `other` as well."""

    split: Split
    other: Split
    rows: int
    total: int


@dataclass(frozen=True, slots=True)
class Leakage:
    repeated: tuple[Repeated, ...]
    shared: tuple[Shared, ...]

    @property
    def lines(self) -> list[str]:
        """What is to be known of it, one sentence each; nothing where there is nothing."""
        told = []
        for one in self.repeated:
            if one.rows or one.conflicting:
                other = f", and {one.conflicting:,} texts have other labels than before" if one.conflicting else ""
                told.append(f"{one.split}: {one.rows:,} of {one.total:,} rows stand there before{other}")
        told += [
            f"{one.split}: {one.rows:,} of {one.total:,} texts are in {one.other} too"
            for one in self.shared
            if one.rows
        ]
        return told


def leakage(splits: Mapping[Split, Sequence[Example]]) -> Leakage:
    """Every split against itself and against those before it; of several languages together if they are given so."""
    repeated, shared = [], []
    texts: dict[Split, set[str]] = {}
    for split in SPLITS:
        found = splits.get(split, ())
        if not found:
            continue
        rows = [(_exact(one), one.label, one.tags) for one in found]
        folded = [_exact(one).casefold() for one in found]
        again, conflicting = 0, 0
        seen: set[tuple[str, str, tuple[str, ...]]] = set()
        known: set[str] = set()
        for row in rows:
            if row in seen:
                again += 1
            elif row[0] in known:
                conflicting += 1
            seen.add(row)
            known.add(row[0])
        repeated.append(Repeated(split, again, conflicting, len(rows)))
        shared += [
            Shared(split, other, sum(text in there for text in folded), len(rows)) for other, there in texts.items()
        ]
        texts[split] = set(folded)
    return Leakage(tuple(repeated), tuple(shared))


def _exact(one: Example) -> str:
    return " ".join(one.words or one.text.split())
