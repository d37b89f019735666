"""Optimizers and schedules: first updates by hand, and every setting changes something."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from workbench import config, models
from workbench.models.leaves import named_leaves
from workbench.models.published import XLMRSettings, empty
from workbench.training import optim

KINDS = ("adamw", "adafactor", "lion", "muon")
Tree = dict[str, jax.Array]


def weights() -> Tree:
    rng = np.random.default_rng(0)
    shapes = {"query": (4, 2, 3), "out": (2, 3, 4), "down": (6, 4), "embedding": (9, 4), "scale": (4,)}
    return {name: jnp.asarray(rng.standard_normal(shape), jnp.float32) for name, shape in shapes.items()}


def gradients() -> Tree:
    return {name: jnp.cos(7.0 * leaf) for name, leaf in weights().items()}


def first_update(clip_norm: float = 1e6, **settings: Any) -> Tree:
    update = optim.optimizer(optim.rule(config.Optim(clip_norm=clip_norm, **settings)))
    found, _ = update.update(gradients(), update.init(weights()), weights())
    return found


def test_lion_by_hand() -> None:
    found = first_update(kind="lion", weight_decay=0.1)
    np.testing.assert_allclose(found["down"], -jnp.sign(gradients()["down"]) - 0.1 * weights()["down"], rtol=1e-6)
    np.testing.assert_allclose(found["scale"], -jnp.sign(gradients()["scale"]), rtol=1e-6)


def test_adafactor_by_hand() -> None:
    # too small to be factored: a step of g / |g|, clipped at root mean square 1, times the weight's own size
    found = first_update(kind="adafactor", weight_decay=0.1)
    for name, decay in (("down", 0.1), ("scale", 0.0)):
        weight = weights()[name]
        size = jnp.sqrt(jnp.mean(weight**2))
        expected = -size * jnp.sign(gradients()[name]) - decay * weight
        np.testing.assert_allclose(found[name], expected, rtol=1e-4)


def test_adafactor_keeps_rows_and_columns_of_large_matrices_only() -> None:
    update = optim.optimizer(optim.rule(config.Optim(kind="adafactor")))
    large = {"down": jnp.ones((256, 128))}
    assert max(leaf.size for leaf in jax.tree.leaves(update.init(large))) == 256
    assert max(leaf.size for leaf in jax.tree.leaves(optim.optimizer(optim.rule(config.Optim())).init(large))) > 256


def test_muon_makes_matrices_orthogonal_and_as_large_as_adamws_updates() -> None:
    found = first_update(kind="muon", weight_decay=0.0)
    for name, (rows, columns) in {"query": (4, 6), "out": (6, 4), "down": (6, 4)}.items():
        matrix = np.asarray(found[name]).reshape(rows, columns)
        singular = np.linalg.svd(matrix, compute_uv=False) / (optim.UPDATE_SIZE * math.sqrt(max(rows, columns)))
        assert np.all((singular > 0.6) & (singular < 1.3)), name  # five Newton-Schulz steps bring 1 this near
        assert 0.6 * optim.UPDATE_SIZE < np.sqrt(np.mean(matrix**2)) < 1.3 * optim.UPDATE_SIZE
    adamw = first_update(kind="adamw", weight_decay=0.0)
    for name in ("embedding", "scale"):
        np.testing.assert_array_equal(found[name], adamw[name])
    decayed = first_update(kind="muon", weight_decay=0.1)
    np.testing.assert_allclose(decayed["down"], found["down"] - 0.1 * weights()["down"], rtol=1e-5)


def test_muon_treats_each_layer_of_a_scanned_stack_alone() -> None:
    update = optim.optimizer(optim.rule(config.Optim(kind="muon", clip_norm=1e6)))
    one, other = gradients()["query"], jnp.sin(gradients()["query"])

    def updated(gradient: jax.Array) -> jax.Array:
        like = {"query": jnp.ones_like(gradient)}
        found: jax.Array = update.update({"query": gradient}, update.init(like), like)[0]["query"]
        return found

    stacked = updated(jnp.stack([one, other]))
    np.testing.assert_allclose(stacked, jnp.stack([updated(one), updated(other)]), atol=1e-5)


@pytest.mark.parametrize("layers", ["unrolled", "scanned"])
@pytest.mark.parametrize("kind", ["encoder", "decoder", "encoder-decoder"])
def test_muon_gets_every_matrix_of_every_architecture_and_decay_no_norm_and_no_bias(kind: Any, layers: Any) -> None:
    settings = config.Model(
        kind=kind, width=16, num_heads=2, feed_forward=24, position="relative", compute=config.Compute(layers=layers)
    )
    model = models.abstract(settings, 32)
    stacked = 1 if layers == "scanned" else 0
    orthogonal = jax.tree.leaves(optim.matrices(model), is_leaf=lambda x: x is None or hasattr(x, "output_axis"))
    leaves, decays = named_leaves(model), named_leaves(optim.decays(model))
    assert len(orthogonal) == len(leaves)
    for (name, leaf), axes in zip(leaves.items(), orthogonal, strict=True):
        is_bias_or_norm = any(part in name for part in ("bias", "scale", "relative"))
        in_stack = stacked if "blocks" in name or "layers" in name else 0
        is_matrix = leaf.ndim - in_stack >= 2 and not is_bias_or_norm and "embedding" not in name
        assert (axes is not None) == is_matrix, name
        assert decays[name] == (not is_bias_or_norm), name


def test_schedules_by_hand() -> None:
    def rates(schedule: Any) -> list[float]:
        settings = config.Optim(learning_rate=0.1, warmup_steps=10, schedule=schedule)
        return [optim.learning_rate(settings, step, 110) for step in (0, 5, 10, 40, 60, 109)]

    assert rates("linear") == pytest.approx([0.0, 0.05, 0.1, 0.07, 0.05, 0.001])
    assert rates("inverse-sqrt") == pytest.approx([0.0, 0.05, 0.1, 0.05, 0.1 / 6**0.5, 0.1 * (10 / 109) ** 0.5])
    assert rates("constant") == pytest.approx([0.0, 0.05, 0.1, 0.1, 0.1, 0.1])
    assert rates("cosine") == pytest.approx([0.0, 0.05, 0.1, 0.0793893, 0.05, 0.0000247], abs=1e-6)


def program(**settings: Any) -> str:
    rule = optim.rule(config.Optim(**settings))
    state = jax.eval_shape(optim.optimizer(rule).init, weights())
    return str(jax.make_jaxpr(optim.optimizer(rule).update)(weights(), state, weights()))


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_that_a_kind_takes_changes_its_program(kind: str) -> None:
    base = program(kind=kind)
    changes = {"weight_decay": 0.3, "beta1": 0.7, "beta2": 0.9, "clip_norm": 0.5}
    if kind == "adafactor":
        del changes["beta2"]
        with pytest.raises(ValidationError, match="beta2: adafactor does not read it"):
            config.Optim(kind="adafactor", beta2=0.9)
    for name, value in changes.items():
        assert program(kind=kind, **{name: value}) != base, name
    assert len({program(kind=one) for one in KINDS}) == len(KINDS)
    # and these are read elsewhere: see test_step and the schedules above
    assert {*changes, "beta2"} | {"kind", "learning_rate", "warmup_steps", "schedule", "ema_decay"} == set(
        config.Optim.model_fields
    )


def test_a_schedule_that_needs_a_warm_up_says_so() -> None:
    with pytest.raises(ValidationError, match="warmup_steps: inverse-sqrt falls from the end of the warm-up"):
        config.Optim(schedule="inverse-sqrt", warmup_steps=0)


def test_the_kinds_own_betas_hold_where_none_are_given() -> None:
    assert {kind: config.Optim.model_validate({"kind": kind}).betas for kind in KINDS} == {
        "adamw": (0.9, 0.98),
        "adafactor": (None, 0.0),
        "lion": (0.9, 0.99),
        "muon": (0.95, 0.98),
    }
    assert config.Optim(kind="lion", beta1=0.5, beta2=0.6).betas == (0.5, 0.6)


def test_no_bias_of_a_published_encoder_decays() -> None:
    settings = XLMRSettings(20, 8, 1, 2, 12, 16, 1, 0, "gelu", 1e-5)
    decayed = named_leaves(optim.decays(empty(settings, head=True)))
    assert {name for name, is_decayed in decayed.items() if is_decayed} == {
        "embedding",
        "position_embedding",
        "type_embedding",
        "head.weight",
        *(f"blocks.0.{name}.weight" for name in ("query", "key", "value", "out", "up", "down")),
    }


def test_the_names_of_our_own_models_biases_are_all_told_apart() -> None:
    for kind in ("encoder", "decoder", "encoder-decoder"):
        model = models.abstract(config.Model(kind=kind, width=8, num_heads=2, num_layers=1), 20)  # type: ignore[arg-type]
        assert not [name for name in named_leaves(model) if name.rpartition(".")[2] == "bias"]
