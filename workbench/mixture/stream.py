"""The data order of a run: batch `step` is a pure function of (seed, step), so resuming needs one integer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench import seeds
from workbench.errors import BadInput
from workbench.mixture import weights
from workbench.mixture.schedule import Stretch
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.build import Objective

NOTABLE_EPOCHS = 4.0  # up to here repeated text is almost as good as new (Muennighoff et al. 2023, arXiv 2305.16264)
MANY_EPOCHS = 16.0


@dataclass(frozen=True, slots=True)
class Realised:
    """What one language really gets in a run."""

    lang: str
    num_tokens: int
    num_rows: int
    share: float
    num_rows_drawn: int
    epochs: float

    @property
    def warning(self) -> str:
        """Empty, or why the epochs deserve a look."""
        if self.epochs > MANY_EPOCHS:
            return f"{self.lang}: {self.epochs:.1f} epochs, more than {MANY_EPOCHS:g}: expect it to be memorized"
        if self.epochs > NOTABLE_EPOCHS:
            return f"{self.lang}: {self.epochs:.1f} epochs, more than {NOTABLE_EPOCHS:g}: returns diminish"
        return ""


class Batches(Protocol):
    """What a training loop reads: batch `step` is a pure function of `step`, from 0 to `steps` - 1."""

    @property
    def steps(self) -> int: ...

    def batch(self, step: int) -> Batch: ...

    def describe(self, step: int) -> str:
        """The languages of a batch and their rows, such as `cym-Latn 3, eng-Latn 13`."""
        ...

    def report(self) -> list[Realised]:
        """What each language gets in the whole run."""
        ...


def gather(pools: Sequence[Rows], owner: np.ndarray, row: np.ndarray) -> Rows:
    """Row `row[i]` of `pools[owner[i]]` for each i: one copy per row and array, whatever the number of pools.

    Pools may be memory-mapped: only the rows asked for are read.

    Shapes: owner, row [B] int -> Rows [B, T]
    Raises: BadInput where some pools hold pairs and others do not.
    """
    if len({pool.part is None for pool in pools}) > 1:
        raise BadInput("rows: some languages' rows hold pairs, the others' do not; use one kind")
    places = list(zip(owner.tolist(), row.tolist(), strict=True))
    alone = int(owner[0]) if len(owner) and (owner == owner[0]).all() else None

    def copied(arrays: list[np.ndarray]) -> np.ndarray:
        if alone is not None:
            return np.asarray(arrays[alone][row], np.int32)
        found = np.empty((len(places), arrays[0].shape[1]), np.int32)
        for place, (which, number) in enumerate(places):
            found[place] = arrays[which][number]
        return found

    return Rows(
        ids=copied([pool.ids for pool in pools]),
        segments=copied([pool.segments for pool in pools]),
        positions=copied([pool.positions for pool in pools]),
        part=copied(parts) if (parts := [pool.part for pool in pools if pool.part is not None]) else None,
    )


class Stream:
    """Batches for `steps` steps over packed rows of several languages.

    The whole run is planned once, as one language and one row number per example: each language's rows come in a new
    random order in every epoch, all of them before one comes again, and languages are shuffled over each stretch of the
    run. A batch larger than a language's rows holds some of them more than once: `report` says how many epochs.

    Random: plan from (seed, "order"), later stretches (seed, "order", number), and (seed, "epoch", language, n);
        corruption from (seed, "corrupt", step).
    Raises: BadInput for a language without rows or never drawn from, or rows of unequal length.
    """

    def __init__(
        self,
        rows: Mapping[str, Rows],
        shares: Mapping[str, float] | Sequence[Stretch],
        objective: Objective,
        *,
        steps: int,
        batch_size: int,
        seed: int,
    ) -> None:
        stretches = (Stretch(steps, shares),) if isinstance(shares, Mapping) else tuple(shares)
        if (given := sum(stretch.steps for stretch in stretches)) != steps:
            raise BadInput(f"mixture: stretches of {given} steps in all for a run of {steps}")
        if set(rows) != (named := {lang for stretch in stretches for lang in stretch.shares}):
            raise BadInput(f"mixture: rows of {sorted(rows)} but shares of {sorted(named)}")
        for lang in rows:
            if not len(rows[lang]):
                raise BadInput(f"mixture: {lang} has no training rows; give it text or leave it out")
        if len(lengths := {rows[lang].ids.shape[1] for lang in rows}) != 1:
            raise BadInput(f"mixture: all rows must have one length, got {sorted(lengths)}")
        self.steps, self.batch_size, self.seed, self.objective = steps, batch_size, seed, objective
        (self.length,) = lengths
        self._langs = sorted(rows)
        self._pools = [rows[lang] for lang in self._langs]
        self._shares = {
            lang: sum(stretch.steps * stretch.shares.get(lang, 0.0) for stretch in stretches) / steps
            for lang in self._langs
        }
        self._order = np.concatenate([self._shuffled(number, stretch) for number, stretch in enumerate(stretches)])
        self._counts = np.bincount(self._order, minlength=len(self._langs)).tolist()
        draws = [self._draws(lang, len(rows[lang]), n) for lang, n in zip(self._langs, self._counts, strict=True)]
        self._plan = np.empty(steps * batch_size, np.int32)  # example -> row of its language
        self._plan[np.argsort(self._order, kind="stable")] = np.concatenate(draws)

    def _shuffled(self, number: int, stretch: Stretch) -> np.ndarray:  # example -> language
        shares = {lang: stretch.shares[lang] for lang in self._langs if lang in stretch.shares}
        counts = weights.allot(shares, stretch.steps * self.batch_size)
        langs = np.flatnonzero([lang in shares for lang in self._langs]).astype(np.uint16)
        order = np.repeat(langs, list(counts.values()))
        return seeds.stream(self.seed, "order", *([number] if number else [])).permutation(order)

    def _draws(self, lang: str, num_rows: int, count: int) -> np.ndarray:
        num_epochs = -(-count // num_rows)
        epochs = [seeds.stream(self.seed, "epoch", lang, epoch).permutation(num_rows) for epoch in range(num_epochs)]
        return np.concatenate(epochs)[:count]

    def batch(self, step: int) -> Batch:
        """Batch number `step`, counted from 0."""
        if not 0 <= step < self.steps:
            raise IndexError(f"step {step} of a stream of {self.steps} steps")
        rows = gather(self._pools, *self.drawn(step))
        return self.objective(rows, seeds.stream(self.seed, "corrupt", step))

    @property
    def pools(self) -> tuple[str, ...]:
        """The languages' names, as `drawn` numbers them."""
        return tuple(self._langs)

    def drawn(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each row of a batch the number of its language and its own among that language's.

        Shapes: -> [B] int, [B] int
        """
        examples = slice(step * self.batch_size, (step + 1) * self.batch_size)
        return self._order[examples], self._plan[examples]

    def describe(self, step: int) -> str:
        """The languages of a batch and their rows, such as `cym-Latn 3, eng-Latn 13`."""
        examples = slice(step * self.batch_size, (step + 1) * self.batch_size)
        found, counts = np.unique(self._order[examples], return_counts=True)
        return ", ".join(f"{self._langs[lang]} {count}" for lang, count in zip(found, counts, strict=True))

    def report(self) -> list[Realised]:
        """What each language gets, sorted by name."""
        return [
            Realised(
                lang=lang,
                num_tokens=rows.num_tokens,
                num_rows=len(rows),
                share=self._shares[lang],
                num_rows_drawn=count,
                epochs=count / len(rows),
            )
            for lang, rows, count in zip(self._langs, self._pools, self._counts, strict=True)
        ]
