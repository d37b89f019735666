"""Held-out loss by language: by hand, in one compiled program, honest about its name."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.objectives.batch import Rows
from workbench.objectives.causal import Causal
from workbench.objectives.mlm import MaskedLM
from workbench.training import held_out
from workbench.training.held_out import HeldOut, Text, measure_of
from workbench.training.losses import token_losses

VOCAB_SIZE, LENGTH = 32, 8
DECODER = config.Model(kind="decoder", width=8, num_layers=1, num_heads=2, feed_forward=16, local_heads=0)
ENCODER = DECODER.model_copy(update={"kind": "encoder"})
MLM = MaskedLM(config.MaskedLM(), VOCAB_SIZE, mask=4, first_id=5)


def rows(sizes: tuple[int, ...], seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    return pack([rng.integers(5, VOCAB_SIZE, size) for size in sizes], LENGTH)


TEXTS = {"eng": Text(rows((8, 5, 3, 6)), 60), "cym": Text(rows((7, 2), seed=1), 11), "wol": Text(rows((4,)), 9)}


def test_bits_per_byte_are_all_losses_over_all_bytes() -> None:
    model = models.build(DECODER, VOCAB_SIZE, seed=0)
    found = HeldOut(TEXTS, Causal(bos=2), "bits_per_byte", batch_size=4).evaluate(model)
    losses = jax.jit(token_losses)
    for lang, text in TEXTS.items():
        missing = np.zeros((4 - len(text.rows), LENGTH), np.int32)
        batch = Causal(bos=2)(Rows.concatenate([text.rows, Rows(missing, missing, missing)]), np.random.default_rng(0))
        nats = float((np.asarray(losses(model, batch), np.float64) * batch.weights).sum())
        assert found[lang] == pytest.approx(nats / math.log(2) / text.num_bytes, rel=1e-5), lang


def test_a_language_alone_has_the_value_that_it_has_among_others() -> None:
    model = models.build(DECODER, VOCAB_SIZE, seed=0)
    together = HeldOut(TEXTS, Causal(bos=2), "bits_per_byte", batch_size=4).evaluate(model)
    for lang, text in TEXTS.items():
        alone = HeldOut({lang: text}, Causal(bos=2), "bits_per_byte", batch_size=4).evaluate(model)
        assert alone[lang] == pytest.approx(together[lang], rel=1e-6)


def test_all_languages_and_all_looks_share_one_program_and_one_corruption() -> None:
    data = HeldOut(TEXTS, MLM, "loss_nats_per_token", batch_size=4)
    before = held_out._row_sums._cache_size()
    values = [data.evaluate(models.build(ENCODER, VOCAB_SIZE, seed=seed)) for seed in (0, 0, 1)]
    assert held_out._row_sums._cache_size() == before + 1
    assert values[0] == values[1] != values[2]
    assert set(values[0]) == set(TEXTS)
    assert all(1.0 < value < 10.0 for value in values[0].values()), "ln 32 = 3.5 is chance"
    assert (
        HeldOut(TEXTS, MLM, "loss_nats_per_token", batch_size=4, seed=1).evaluate(
            models.build(ENCODER, VOCAB_SIZE, seed=0)
        )
        != values[0]
    )


def test_only_a_causal_loss_is_called_bits_per_byte() -> None:
    assert measure_of(config.Causal()) == "bits_per_byte"
    others: list[Any] = [config.MaskedLM(), config.SpanCorruption(), config.Denoise(), config.AlexaTM()]
    assert {measure_of(one) for one in others} == {"loss_nats_per_token"}
    with pytest.raises(BadInput, match="bits per byte want each of eng's 22 tokens predicted once"):
        HeldOut({"eng": TEXTS["eng"]}, MLM, "bits_per_byte").evaluate(models.build(ENCODER, VOCAB_SIZE, seed=0))


def test_a_language_without_held_out_text_is_named() -> None:
    with pytest.raises(BadInput, match="held-out text: wol has none"):
        HeldOut({**TEXTS, "wol": Text(rows(()), 0)}, MLM, "loss_nats_per_token")
    with pytest.raises(BadInput, match="held-out text: there is none"):
        HeldOut({}, MLM, "loss_nats_per_token")
    with pytest.raises(BadInput, match="one length"):
        HeldOut({**TEXTS, "wol": Text(pack([np.ones(4)], 4), 4)}, MLM, "loss_nats_per_token")
