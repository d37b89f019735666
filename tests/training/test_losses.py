"""The loss of all three architectures, against probabilities written out; and that parts of it are the whole."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.objectives.batch import Batch, Tokens
from workbench.training import losses

VOCAB_SIZE, B, T = 30, 2, 6
KINDS = ("encoder", "decoder", "encoder-decoder")
SEGMENTS = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 2, 2, 0]])
POSITIONS = np.array([[0, 1, 2, 3, 4, 5], [0, 1, 2, 0, 1, 0]])


def small(kind: str) -> models.Model:
    settings = config.Model(kind=kind, width=16, num_layers=1, num_heads=2, feed_forward=16, local_heads=1)
    return models.build(settings, VOCAB_SIZE, seed=0)


def batch(kind: str, predict: np.ndarray | None) -> Batch:
    rng = np.random.default_rng(0)
    inputs, written = rng.integers(5, VOCAB_SIZE, (2, B, T))
    shape = (B, T) if predict is None else predict.shape
    return Batch(
        inputs=inputs,
        segments=SEGMENTS,
        positions=POSITIONS,
        predict=predict,
        targets=rng.integers(5, VOCAB_SIZE, shape),
        weights=rng.integers(0, 2, shape).astype(np.float32),
        prefix=POSITIONS == 0 if kind == "decoder" else None,
        decoder=Tokens(written, SEGMENTS, POSITIONS) if kind == "encoder-decoder" else None,
    )


def log_probabilities(model: models.Model, given: Batch) -> np.ndarray:  # [B, T, V] float64
    @jax.jit
    def logits(model: models.Model, given: Batch) -> jax.Array:
        read = (given.inputs, given.segments, given.positions)
        match model:
            case models.Encoder():
                return model.logits(model(*read).final)
            case models.Decoder():
                return model.logits(model(*read, prefix=given.prefix).final)
            case models.EncoderDecoder():
                return model.logits(model(*read, given.decoder).final)

    found = np.asarray(logits(model, given), np.float64)
    return found - np.log(np.exp(found).sum(axis=-1, keepdims=True))


mean_loss, token_losses = jax.jit(losses.mean_loss), jax.jit(losses.token_losses)


@pytest.mark.parametrize(
    ("kind", "everywhere"), [("encoder", False), ("decoder", True), ("decoder", False), ("encoder-decoder", True)]
)
def test_the_loss_is_the_mean_of_minus_log_p_where_it_counts(kind: str, everywhere: bool) -> None:
    model, given = small(kind), batch(kind, None if everywhere else np.array([[0, 2, 5], [4, 1, 3]]))
    table = log_probabilities(model, given)
    places = np.broadcast_to(np.arange(T), (B, T)) if given.predict is None else given.predict
    expected = -table[np.arange(B)[:, None], places, given.targets]
    np.testing.assert_allclose(token_losses(model, given), expected, rtol=1e-4, atol=1e-5)
    mean = (expected * given.weights).sum() / given.weights.sum()
    assert float(mean_loss(model, given)) == pytest.approx(mean, rel=1e-5)


def test_a_prefix_changes_the_loss_of_a_decoder() -> None:
    model, given = small("decoder"), batch("decoder", None)
    without = mean_loss(model, given._replace(prefix=np.zeros_like(SEGMENTS, bool)))
    assert float(without) == pytest.approx(float(mean_loss(model, given._replace(prefix=None))), rel=1e-6)
    assert float(without) != pytest.approx(float(mean_loss(model, given._replace(prefix=SEGMENTS > 0))), rel=1e-3)


def test_logits_exist_only_where_the_loss_counts() -> None:
    for kind in KINDS:
        given = batch(kind, np.array([[0, 2], [4, 1]]))
        program = str(jax.make_jaxpr(losses.mean_loss)(small(kind), given))
        assert f"f32[{B},2,{VOCAB_SIZE}]" in program
        assert f"f32[{B},{T},{VOCAB_SIZE}]" not in program


def test_a_loss_in_parts_is_the_whole_and_never_holds_all_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    model, given = small("decoder"), batch("decoder", None)
    evaluate = jax.value_and_grad(losses.mean_loss)

    def found() -> tuple[str, list[np.ndarray]]:
        value = jax.jit(lambda model: evaluate(model, given))(model)
        return str(jax.make_jaxpr(lambda model: evaluate(model, given))(model)), jax.tree.leaves(value)

    whole_program, whole = found()
    monkeypatch.setattr(losses, "LOGITS_AT_ONCE", B * VOCAB_SIZE * 2)
    program, in_parts = found()
    assert f"f32[{B},{T},{VOCAB_SIZE}]" in whole_program
    assert f"f32[{B},{T},{VOCAB_SIZE}]" not in program
    assert f"f32[{B},2,{VOCAB_SIZE}]" in program
    for one, other in zip(whole, in_parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_parts_are_few_equal_and_small_enough() -> None:
    limit = losses.LOGITS_AT_ONCE
    assert losses.parts(512, limit // 512) == 1
    assert losses.parts(512, limit // 512 + 1) == 2
    assert losses.parts(77, limit // 20) == 7  # 4 would do, if they could be equal
    assert losses.parts(7, limit // 2) == 7
    assert losses.parts(3, 2 * limit) == 3, "one place at a time is the least"


def test_a_batch_and_a_model_must_fit_together() -> None:
    with pytest.raises(ValueError, match="nothing for a decoder to write"):
        losses.mean_loss(small("encoder-decoder"), batch("encoder", None))
    with pytest.raises(ValueError, match="the model is Encoder"):
        losses.mean_loss(small("encoder"), batch("encoder-decoder", None))


def test_the_loss_of_bfloat16_is_float32_and_near() -> None:
    given = batch("encoder", None)
    settings = small("encoder").settings
    half = models.build(settings.model_copy(update={"compute": config.Compute(dtype="bfloat16")}), VOCAB_SIZE, seed=0)
    found, expected = mean_loss(half, given), mean_loss(small("encoder"), given)
    assert found.dtype == jnp.float32
    assert 0 < abs(float(found) - float(expected)) < 0.05
