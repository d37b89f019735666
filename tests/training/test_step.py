"""One update: where the loss counts, what decays, and what every optimizer setting does."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.models.leaves import named_leaves
from workbench.objectives.batch import Batch
from workbench.objectives.mlm import MaskedLM
from workbench.training import losses, optim
from workbench.training.state import start
from workbench.training.step import split, train_step

VOCAB_SIZE, LENGTH = 32, 12
MODEL = config.Model(width=16, num_layers=1, num_heads=2, feed_forward=24, local_heads=2)


def batch(mask_rate: float = 0.3) -> Batch:
    rng = np.random.default_rng(0)
    rows = pack([rng.integers(5, VOCAB_SIZE, size) for size in (12, 7, 4, 9)], LENGTH)
    return MaskedLM(config.MaskedLM(mask_rate=mask_rate), VOCAB_SIZE, mask=4, first_id=5)(rows, rng)


def model() -> models.Encoder:
    return models.build(MODEL, VOCAB_SIZE, seed=0)


gradient_of = jax.jit(jax.grad(losses.mean_loss))


def test_the_loss_is_the_mean_cross_entropy_over_the_chosen_places() -> None:
    encoder, given = model(), batch()

    @jax.jit
    def everywhere(encoder: models.Encoder, given: Batch) -> jax.Array:
        return jax.nn.log_softmax(encoder.logits(encoder(given.inputs, given.segments, given.positions).final))

    log_probabilities = np.asarray(everywhere(encoder, given), np.float64)  # [B, T, V]
    chosen = [
        -log_probabilities[row, given.predict[row, slot], given.targets[row, slot]]
        for row, slot in zip(*np.nonzero(given.weights), strict=True)
    ]
    assert float(jax.jit(losses.mean_loss)(encoder, given)) == pytest.approx(np.mean(chosen), rel=1e-5)
    assert (given.weights == 0).any(), "the batch must have filling for this test to mean anything"


def test_the_gradient_comes_from_the_chosen_places_alone() -> None:
    encoder, given = model(), batch()

    def gradient(given: Batch) -> list[np.ndarray]:
        return [np.asarray(leaf) for leaf in jax.tree.leaves(gradient_of(encoder, given))]

    base = gradient(given)
    filling = given.weights == 0
    elsewhere = given._replace(targets=np.where(filling, 9, given.targets).astype(np.int32))
    assert all(np.array_equal(a, b) for a, b in zip(base, gradient(elsewhere), strict=True))
    chosen = given._replace(targets=np.where(filling, given.targets, 9).astype(np.int32))
    assert not all(np.array_equal(a, b) for a, b in zip(base, gradient(chosen), strict=True))
    silent = given._replace(weights=np.zeros_like(given.weights))
    assert all(not leaf.any() for leaf in gradient(silent))


def test_logits_are_computed_only_where_the_loss_counts() -> None:
    given = batch()
    shape = jax.eval_shape(losses.predicted, model(), given).shape
    assert shape == (*given.predict.shape, VOCAB_SIZE)
    program = str(jax.make_jaxpr(losses.mean_loss)(model(), given))
    assert f"f32[{given.inputs.shape[0]},{LENGTH},{VOCAB_SIZE}]" not in program


def test_the_first_update_is_adamw_by_hand() -> None:
    rule = optim.Rule(beta2=0.98, weight_decay=0.1, clip_norm=1e6)
    encoder = model()
    gradients = gradient_of(encoder, batch())
    expected_embedding = encoder.embedding[...] - 0.01 * (
        gradients.embedding[...] / (jnp.abs(gradients.embedding[...]) + 1e-8) + 0.1 * encoder.embedding[...]
    )
    expected_scale = encoder.final_norm.scale[...] - 0.01 * jnp.sign(gradients.final_norm.scale[...])
    state, metrics = train_step(start(encoder, rule, seed=0), batch(), 0.01, rule=rule)
    np.testing.assert_allclose(state.model.embedding[...], expected_embedding, atol=2e-5)
    np.testing.assert_allclose(state.model.final_norm.scale[...], expected_scale, atol=2e-5)
    norm = np.sqrt(sum(float(np.sum(np.asarray(leaf) ** 2)) for leaf in jax.tree.leaves(gradients)))
    assert float(metrics.grad_norm) == pytest.approx(norm, rel=1e-5)
    assert int(state.step) == 1


def test_a_batch_in_parts_is_the_batch_whole_however_targets_are_spread() -> None:
    given = batch()
    given.weights[2:] = 0.0  # a part without any target
    rule = optim.Rule(beta2=0.98, weight_decay=0.1, clip_norm=1e6)
    parts = split(given, 3)
    assert parts.inputs.shape == (3, 1, LENGTH)
    assert parts.weights.sum(axis=(1, 2)).tolist() == [4.0, 3.0, 0.0], "else a mean of means would do"
    whole, wanted = train_step(start(model(), rule, seed=0), given, 0.01, rule=rule)
    in_parts, got = train_step(start(model(), rule, seed=0), parts, 0.01, rule=rule, parts=3)
    assert float(got.loss) == pytest.approx(float(wanted.loss), rel=1e-6)
    assert float(got.grad_norm) == pytest.approx(float(wanted.grad_norm), rel=1e-5)
    for one, other in zip(jax.tree.leaves(whole.opt_state), jax.tree.leaves(in_parts.opt_state), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


def test_rows_that_do_not_divide_into_parts_are_refused() -> None:
    with pytest.raises(BadInput, match="accumulate: a batch of 3 rows does not divide into 2 parts"):
        split(batch(), 2)


def test_matrices_decay_and_norms_and_biases_do_not() -> None:
    marked = named_leaves(optim.decays(model()))
    still = {name for name, decays in marked.items() if not decays}
    norms = {"final_norm", "head_norm", "blocks.0.attention_norm", "blocks.0.mlp_norm"}
    assert still == {f"{norm}.scale" for norm in norms} | {"vocab_bias", "blocks.0.attention.offset_bias"}
    assert {"embedding", "head", "blocks.0.attention.query", "blocks.0.mlp.down"} <= set(marked)


def test_the_learning_rate_warms_up_linearly_and_ends_at_zero() -> None:
    settings = config.Optim(learning_rate=0.1, warmup_steps=10)
    rates = [optim.learning_rate(settings, step, 110) for step in (0, 5, 10, 60, 110)]
    assert rates == pytest.approx([0.0, 0.05, 0.1, 0.05, 0.0])
    assert optim.learning_rate(config.Optim(learning_rate=0.1, warmup_steps=0), 0, 10) == 0.1
    with pytest.raises(BadInput, match=r"optim\.warmup_steps: 30 must be fewer than the run's 30 steps"):
        optim.learning_rate(config.Optim(warmup_steps=30), 0, 30)


def test_every_optimizer_setting_changes_the_program_or_the_rate() -> None:
    def program(**changes: float) -> str:
        rule = optim.rule(config.Optim(**changes))
        state = jax.eval_shape(lambda: start(model(), rule, seed=0))
        return str(jax.make_jaxpr(lambda s: train_step(s, batch(), 0.1, rule=rule))(state))

    base = program()
    assert program(learning_rate=1e-4) == program(warmup_steps=7) == base, "these need no program of their own"
    for name, value in {"weight_decay": 0.3, "beta2": 0.9, "clip_norm": 0.5, "beta1": 0.8, "ema_decay": 0.9}.items():
        assert program(**{name: value}) != base, name
    rate = optim.learning_rate(config.Optim(), 20, 100)
    assert optim.learning_rate(config.Optim(learning_rate=1e-4), 20, 100) != rate
    assert optim.learning_rate(config.Optim(warmup_steps=7), 20, 100) != rate
    assert len(config.Optim.model_fields) == 9
