"""Held-out loss per language, while training: one compiled program for all languages and all looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from workbench import models, seeds
from workbench.errors import BadInput
from workbench.objectives.batch import Batch, Rows
from workbench.training.losses import token_losses

Measure = Literal["bits_per_byte", "loss_nats_per_token"]


@dataclass(frozen=True, slots=True)
class Text:
    """One language's held-out text: packed, and its size in UTF-8 bytes of normalized text."""

    rows: Rows
    num_bytes: int


class HeldOut:
    """Held-out text of several languages, corrupted alike at every look.

    A causal objective predicts each token once, so its losses add up to `bits_per_byte`: tokens that it leaves out (the
    first of a row's document, where nothing is put before it) are charged as one of `vocab_size` equals. Any other
    objective sees a part of what it predicts: its mean is `loss_nats_per_token`, no code length, comparable between
    models of one tokenizer and one objective only.

    Random: corruption from (seed, "held-out", batch).
    Raises: BadInput for no language, a language without text, or rows of unequal length.
    """

    def __init__(
        self,
        texts: Mapping[str, Text],
        objective: Callable[[Rows, np.random.Generator], Batch],
        *,
        measure: Measure,
        vocab_size: int,
        first_id: int = 0,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        if not texts:
            raise BadInput("held-out text: there is none; leave the validation out or give languages held-out text")
        for lang, text in texts.items():
            if not len(text.rows) or text.num_bytes < 1:
                raise BadInput(f"held-out text: {lang} has none; give it text or leave it out of the validation")
        if len(lengths := {text.rows.ids.shape[1] for text in texts.values()}) != 1:
            raise BadInput(f"held-out text: all rows must have one length, got {sorted(lengths)}")
        self.measure, self.langs = measure, tuple(sorted(texts))
        self._objective, self._batch_size, self._seed = objective, batch_size, seed
        self._vocab_size, self._first_id = vocab_size, first_id
        self._texts = dict(texts)
        self._owners = np.repeat(np.arange(len(texts)), [len(texts[lang].rows) for lang in self.langs])

    def batches(self) -> list[tuple[Batch, np.ndarray]]:
        """Every batch, and for each of its rows the number of its language, or -1 where it is only filling."""
        parts = [self._texts[lang].rows for lang in self.langs]
        starts = np.cumsum([0, *(len(part) for part in parts)])
        found = []
        for number, start in enumerate(range(0, len(self._owners), self._batch_size)):
            owners = self._owners[start : start + self._batch_size]
            rows = [parts[owner].take(np.array([start + i - starts[owner]])) for i, owner in enumerate(owners)]
            missing = ((0, self._batch_size - len(owners)), (0, 0))
            filled = Rows(
                *(
                    np.pad(np.concatenate([getattr(row, name) for row in rows]), missing)
                    for name in ("ids", "segments", "positions")
                )
            )
            batch = self._objective(filled, seeds.stream(self._seed, "held-out", number))
            found.append((batch, np.pad(owners, missing[0], constant_values=-1)))
        return found

    def evaluate(self, model: models.Model) -> dict[str, float]:
        """The measure of each language. Lower is better."""
        nats, counts = np.zeros(len(self.langs)), np.zeros(len(self.langs))
        for batch, owners in self.batches():
            for totals, rows in zip((nats, counts), _row_sums(model, batch), strict=True):
                np.add.at(totals, owners[owners >= 0], np.asarray(rows, np.float64)[owners >= 0])
        return {
            lang: self._value(lang, float(loss), float(count))
            for lang, loss, count in zip(self.langs, nats, counts, strict=True)
        }

    def _value(self, lang: str, nats: float, num_targets: float) -> float:
        text = self._texts[lang]
        if self.measure == "loss_nats_per_token":
            return nats / num_targets
        ids, segments = text.rows.ids, text.rows.segments
        left_out = max(0.0, int(np.count_nonzero((segments > 0) & (ids >= self._first_id))) - num_targets)
        return (nats + left_out * math.log(self._vocab_size)) / math.log(2) / text.num_bytes


@jax.jit
def _row_sums(model: models.Model, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Summed loss in nats, and the number of targets, of each row.

    Shapes: -> [B] twice
    """
    return jnp.sum(token_losses(model, batch) * batch.weights, axis=1), jnp.sum(batch.weights, axis=1)
