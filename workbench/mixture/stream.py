"""The data order of a run: batch `step` is a pure function of (seed, step), so resuming needs one integer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from workbench import seeds
from workbench.errors import BadInput
from workbench.mixture import weights
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.mlm import MaskedLM

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


class Stream:
    """Batches for `steps` steps over packed rows of several languages.

    The whole run is planned once, as one row number per example: each language's rows come in a new random order in
    every epoch, and languages are shuffled over the run. A batch is then one slice and one gather, whatever the number
    of languages.

    Random: plan from (seed, "order"), (seed, "epoch", language, n); corruption from (seed, "corrupt", step).
    Raises: BadInput for a language without rows or rows of unequal length.
    """

    def __init__(
        self,
        rows: Mapping[str, Rows],
        shares: Mapping[str, float],
        objective: MaskedLM,
        *,
        steps: int,
        batch_size: int,
        seed: int,
    ) -> None:
        if set(rows) != set(shares):
            raise BadInput(f"mixture: rows of {sorted(rows)} but shares of {sorted(shares)}")
        for lang in rows:
            if not len(rows[lang]):
                raise BadInput(f"mixture: {lang} has no training rows; give it text or leave it out")
        if len(lengths := {rows[lang].ids.shape[1] for lang in rows}) != 1:
            raise BadInput(f"mixture: all rows must have one length, got {sorted(lengths)}")
        self.steps, self.batch_size, self.seed, self.objective = steps, batch_size, seed, objective
        (self.length,) = lengths
        langs = sorted(rows)
        self._counts = weights.allot({lang: shares[lang] for lang in langs}, steps * batch_size)
        self._shares = dict(shares)
        self._rows = {lang: rows[lang] for lang in langs}
        self._pool = Rows(
            ids=np.concatenate([rows[lang].ids for lang in langs]),
            segments=np.concatenate([rows[lang].segments for lang in langs]),
            positions=np.concatenate([rows[lang].positions for lang in langs]),
        )
        draws, offset = [], 0
        for lang in langs:
            draws.append(offset + self._draws(lang, len(rows[lang]), self._counts[lang]))
            offset += len(rows[lang])
        order = np.repeat(np.arange(len(langs), dtype=np.uint16), [self._counts[lang] for lang in langs])
        order = seeds.stream(seed, "order").permutation(order)
        self._plan = np.empty(steps * batch_size, np.int64)  # example -> row of the pool
        self._plan[np.argsort(order, kind="stable")] = np.concatenate(draws)
        self._order = order  # example -> language

    def _draws(self, lang: str, num_rows: int, count: int) -> np.ndarray:
        num_epochs = -(-count // num_rows)
        epochs = [seeds.stream(self.seed, "epoch", lang, epoch).permutation(num_rows) for epoch in range(num_epochs)]
        return np.concatenate(epochs)[:count]

    def batch(self, step: int) -> Batch:
        """Batch number `step`, counted from 0."""
        if not 0 <= step < self.steps:
            raise IndexError(f"step {step} of a stream of {self.steps} steps")
        index = self._plan[step * self.batch_size : (step + 1) * self.batch_size]
        return self.objective(self._pool.take(index), seeds.stream(self.seed, "corrupt", step))

    def describe(self, step: int) -> str:
        """The languages of a batch and their rows, such as `cym-Latn 3, eng-Latn 13`."""
        examples = slice(step * self.batch_size, (step + 1) * self.batch_size)
        found, counts = np.unique(self._order[examples], return_counts=True)
        langs = list(self._rows)
        return ", ".join(f"{langs[lang]} {count}" for lang, count in zip(found, counts, strict=True))

    def report(self) -> list[Realised]:
        """What each language gets, sorted by name."""
        return [
            Realised(
                lang=lang,
                num_tokens=rows.num_tokens,
                num_rows=len(rows),
                share=self._shares[lang],
                num_rows_drawn=self._counts[lang],
                epochs=self._counts[lang] / len(rows),
            )
            for lang, rows in self._rows.items()
        ]
