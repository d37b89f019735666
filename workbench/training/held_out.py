"""Held-out loss per language, while training: one compiled program for all languages and all looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from workbench import config, models, seeds
from workbench.errors import BadInput
from workbench.mixture.stream import gather
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.build import Objective
from workbench.training.losses import token_losses

Measure = Literal["bits_per_byte", "loss_nats_per_token"]


def measure_of(objective: config.Objective) -> Measure:
    """What the held-out loss of an objective may be called: only a causal one's is a code length of the text."""
    return "bits_per_byte" if objective.kind == "causal" else "loss_nats_per_token"


@dataclass(frozen=True, slots=True)
class Text:
    """One language's held-out text: packed, and its size in UTF-8 bytes of normalized text."""

    rows: Rows
    num_bytes: int


class HeldOut:
    """Held-out text of several languages, corrupted alike at every look.

    `bits_per_byte` adds up the losses of all tokens, each predicted once, and of the `eos` behind documents. The other
    measure is the mean over what was corrupted: no code length, and comparable only between models of one tokenizer and
    one objective.

    Random: corruption from (seed, "held-out", batch).
    Raises: BadInput for no language, a language without text, rows of unequal length, or an objective that does not
        predict every token once where bits per byte are asked for.
    """

    def __init__(
        self,
        texts: Mapping[str, Text],
        objective: Objective,
        measure: Measure,
        *,
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
        self._texts = [texts[lang] for lang in self.langs]
        self._objective, self._batch_size, self._seed = objective, batch_size, seed

    def batches(self) -> Iterator[tuple[Batch, np.ndarray]]:
        """Every batch, and for each of its rows the number of its language, -1 where it is only filling."""
        pools = [text.rows for text in self._texts]
        owner = np.repeat(np.arange(len(pools)), [len(pool) for pool in pools])
        row = np.concatenate([np.arange(len(pool)) for pool in pools])
        for number, start in enumerate(range(0, len(owner), self._batch_size)):
            here = slice(start, start + self._batch_size)
            rows = gather(pools, owner[here], row[here])
            missing = self._batch_size - len(rows)
            batch = self._objective(_filled(rows, missing), seeds.stream(self._seed, "held-out", number))
            yield batch, np.pad(owner[here], (0, missing), constant_values=-1)

    def evaluate(self, model: models.Model) -> dict[str, float]:
        """The measure of each language. Lower is better."""
        nats, counts = np.zeros(len(self.langs)), np.zeros(len(self.langs))
        for batch, owner in self.batches():
            real = owner >= 0
            for totals, rows in zip((nats, counts), _row_sums(model, batch), strict=True):
                np.add.at(totals, owner[real], np.asarray(rows, np.float64)[real])
        values = zip(self.langs, self._texts, nats.tolist(), counts.tolist(), strict=True)
        return {lang: self._value(lang, text, loss, count) for lang, text, loss, count in values}

    def _value(self, lang: str, text: Text, nats: float, num_targets: float) -> float:
        if self.measure == "loss_nats_per_token":
            return nats / num_targets
        if num_targets != text.rows.num_tokens:
            raise BadInput(
                f"held-out text: bits per byte want each of {lang}'s {text.rows.num_tokens} tokens predicted once, the "
                f"objective predicts {num_targets:g}; ask for its loss per token"
            )
        return nats / math.log(2) / text.num_bytes


def _filled(rows: Rows, missing: int) -> Rows:
    """With `missing` rows of padding behind."""
    if not missing:
        return rows
    nothing = np.zeros((missing, rows.ids.shape[1]), np.int32)
    return Rows.concatenate([rows, Rows(nothing, nothing, nothing, None if rows.part is None else nothing)])


@jax.jit
def _row_sums(model: models.Model, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Summed loss in nats, and the number of targets, of each row.

    Shapes: -> [B] twice
    """
    return jnp.sum(token_losses(model, batch) * batch.weights, axis=1), jnp.sum(batch.weights, axis=1)
