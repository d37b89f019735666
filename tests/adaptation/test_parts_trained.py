"""LoRA and MAD-X: they start as nothing, train alone, and end as a plain model or as one whose language is swapped."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.adaptation import lora, madx
from workbench.config.adapt import LoRA
from workbench.errors import BadInput
from workbench.models.adapters import Invertible
from workbench.models.changes import Changes, LowRank
from workbench.models.leaves import named_leaves
from workbench.models.published import ModernBERTSettings, empty
from workbench.objectives.batch import Batch
from workbench.training import checkpoint
from workbench.training.optim import Rule
from workbench.training.state import start
from workbench.training.step import train_step

VOCAB = 20
Kind = Literal["encoder", "decoder"]


def _model(kind: Kind = "encoder", layers: Literal["unrolled", "scanned"] = "unrolled") -> models.Model:
    compute = config.Compute(layers=layers)
    settings = config.Model(kind=kind, width=8, num_layers=2, num_heads=2, feed_forward=12, compute=compute)
    return models.build(settings, VOCAB, 0)


def _batch() -> Batch:
    rng = np.random.default_rng(1)
    ids = rng.integers(5, VOCAB, (2, 6)).astype(np.int32)
    places = np.tile(np.arange(6, dtype=np.int32), (2, 1))
    predict = np.array([[1, 4], [0, 3]], np.int32)
    return Batch(
        ids, np.ones_like(ids), places, predict, np.take_along_axis(ids, predict, 1), np.ones((2, 2), np.float32)
    )


def _states(model: models.Model) -> jax.Array:
    batch = _batch()
    assert isinstance(model, models.Encoder | models.Decoder)
    return model.logits(model(batch.inputs, batch.segments, batch.positions).final)


def _noisy(tree: Changes, seed: int = 3) -> Changes:
    rng = np.random.default_rng(seed)
    noisy: Changes = jax.tree.map(lambda leaf: leaf + rng.normal(size=leaf.shape).astype(np.float32) * 0.3, tree)
    return noisy


@pytest.mark.parametrize("layers", ["unrolled", "scanned"])
def test_lora_starts_as_no_change_at_all(layers: Literal["unrolled", "scanned"]) -> None:
    model = _model(layers=layers)
    changes = lora.low_rank(model, LoRA(rank=2), seed=0)
    before, after = named_leaves(model), named_leaves(changes.on(model))
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert {name.rpartition(".")[2] for name in changes.low_rank} == {
        "query",
        "key",
        "value",
        "out",
        "gate",
        "up",
        "down",
    }


def test_merged_and_unmerged_agree() -> None:
    model = _model()
    changes = _noisy(lora.low_rank(model, LoRA(rank=3, alpha=6.0, leaves=("query", "out", "down")), seed=0))
    merged = named_leaves(changes.on(model))
    rng = np.random.default_rng(0)
    x, mixed, fed = (rng.normal(size=(5, *shape)).astype(np.float32) for shape in ((8,), (2, 4), (12,)))
    for name, read, sums in (("query", x, "BD,DHK->BHK"), ("out", mixed, "BHK,HKD->BD"), ("down", fed, "BF,FD->BD")):
        full = next(one for one in changes.low_rank if one.endswith(f".{name}"))
        low, weight = changes.low_rank[full], named_leaves(model)[full]
        flat = read.reshape(len(read), -1)
        unmerged = np.einsum(sums, read, weight)
        unmerged = unmerged + 2.0 * ((flat @ low.reduce) @ low.expand).reshape(unmerged.shape)
        assert np.abs(np.einsum(sums, read, weight) - unmerged).max() > 0.1
        assert np.allclose(np.einsum(sums, read, merged[full]), unmerged, atol=1e-5)


def test_only_the_changes_are_trained_and_a_step_moves_them() -> None:
    model = _model()
    changes = lora.low_rank(model, LoRA(rank=2), seed=0, whole=("embedding",))
    state = start(changes, Rule(0.98, 0.01, 1.0), seed=0)
    assert set(named_leaves(state.opt_state))
    assert not any("head" in name for name in named_leaves(state.opt_state))
    for _ in range(2):
        state, metrics = train_step(state, _batch(), 0.1, rule=Rule(0.98, 0.01, 1.0), frozen=model)
    assert isinstance(state.model, Changes)
    assert np.isfinite(metrics.loss)
    before, after = named_leaves(model), named_leaves(state.model.on(model))
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {"embedding", *changes.low_rank}


def test_training_all_leaves_as_changes_is_training_the_model() -> None:
    model, rule = _model(), Rule(0.98, 0.01, 1.0)
    everything = lora.leaves_alone(model, named_leaves(model))
    plain, _ = train_step(start(model, rule, 0), _batch(), 0.01, rule=rule)
    parts, _ = train_step(start(everything, rule, 0), _batch(), 0.01, rule=rule, frozen=model)
    assert isinstance(parts.model, Changes)
    after = named_leaves(parts.model.on(model))
    assert all(np.allclose(leaf, after[name], atol=1e-6) for name, leaf in named_leaves(plain.model).items())


def test_lora_fits_published_encoders_and_an_unknown_name_is_told_the_known_ones() -> None:
    settings = ModernBERTSettings(VOCAB, 8, 2, 12, ("global", "local"), 4, 1e4, 1e4, "gelu", "gelu", 1e-5)
    like = empty(settings, head=True)
    changes = lora.low_rank(like, LoRA(rank=2, leaves=("qkv",)), seed=0)
    assert set(changes.low_rank) == {"blocks.0.qkv.weight", "blocks.1.qkv.weight"}
    assert changes.low_rank["blocks.0.qkv.weight"].expand.shape == (2, 24)
    with pytest.raises(BadInput, match=r"\['query'\].*'qkv'"):
        lora.low_rank(like, LoRA(leaves=("query",)), seed=0)


def test_a_change_of_a_published_encoder_is_of_low_rank_in_its_own_layout() -> None:
    settings = ModernBERTSettings(VOCAB, 8, 2, 12, ("global", "local"), 4, 1e4, 1e4, "gelu", "gelu", 1e-5)
    like = empty(settings, head=True)
    changes = _noisy(lora.low_rank(like, LoRA(rank=2, alpha=6.0), seed=0))
    merged, rng = named_leaves(changes.on(like)), np.random.default_rng(0)
    assert {merged[name].shape for name in changes.low_rank} == {(24, 8), (8, 8), (8, 12)}
    for name, low in changes.low_rank.items():
        change = merged[name] - named_leaves(like)[name]  # [out, in]
        assert np.linalg.matrix_rank(change, tol=1e-4) == 2, name
        x = rng.normal(size=(5, change.shape[1])).astype(np.float32)
        assert np.allclose(x @ change.T, 3.0 * ((x @ low.reduce) @ low.expand), atol=1e-4), name


def test_muon_refuses_to_train_what_has_none_of_its_matrices() -> None:
    settings = ModernBERTSettings(VOCAB, 8, 2, 12, ("global", "local"), 4, 1e4, 1e4, "gelu", "gelu", 1e-5)
    muon = Rule(0.98, 0.01, 1.0, kind="muon")
    start(_model(), muon, seed=0)
    model = lora.low_rank(_model(), LoRA(rank=2), seed=0)
    with pytest.raises(BadInput, match="'muon': none of the"):
        start(model, muon, seed=0)
    with pytest.raises(BadInput, match="'muon': none of the"):
        start(empty(settings, head=True), muon, seed=0)
    with pytest.raises(ValueError, match="'muon' is of whole matrices"):
        config.Adapt(resources=("all-text",), method=LoRA(), optim=config.Optim(kind="muon"))


def test_a_low_rank_change_of_a_scanned_stack_changes_each_layer_by_its_own() -> None:
    model = _model(layers="scanned")
    changes = _noisy(lora.low_rank(model, LoRA(rank=2, leaves=("gate",)), seed=0))
    name = next(iter(changes.low_rank))
    low: LowRank = changes.low_rank[name]
    assert low.reduce.shape == (2, 8, 2)
    difference = named_leaves(changes.on(model))[name] - named_leaves(model)[name]
    assert np.allclose(difference[1], changes.scale * low.reduce[1] @ low.expand[1], atol=1e-5)


LANGUAGE = config.Adapters(reduction=2, invertible=True)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_adapters_start_as_the_identity(kind: Kind) -> None:
    model = _model(kind)
    adapted = madx.with_adapters(model, LANGUAGE, seed=0)
    assert len(named_leaves(adapted)) > len(named_leaves(model))
    assert np.array_equal(_states(model), _states(adapted))


def test_the_invertible_adapter_has_an_exact_inverse() -> None:
    tree = Invertible(8, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    random: Invertible = jax.tree.map(lambda leaf: jnp.asarray(rng.normal(size=leaf.shape).astype(np.float32)), tree)
    x = rng.normal(size=(3, 5, 8)).astype(np.float32)
    there = random(x)
    assert np.abs(there - x).max() > 1.0
    assert np.allclose(random.inverse(there), x, atol=1e-5)
    # a map and its inverse: the volume stays
    jacobian = jax.jacobian(random)(x[0, 0])
    assert np.isclose(np.abs(np.linalg.det(jacobian)), 1.0, atol=1e-4)


def test_the_language_is_trained_alone_then_a_task_on_top_and_the_language_is_swapped() -> None:
    base, rule = _model(), Rule(0.98, 0.01, 1.0)
    adapted = madx.with_adapters(base, LANGUAGE, seed=0)
    trained = []
    for seed in (0, 1):
        changes = lora.leaves_alone(adapted, madx.adapter_names(adapted, "language"))
        trained.append(_noisy(changes, seed).on(adapted))
    first, second = trained
    stacked = madx.with_adapters(first, config.Adapters(reduction=2, invertible=True, task_reduction=4), seed=1)
    assert np.array_equal(_states(stacked), _states(first))
    state = start(lora.leaves_alone(stacked, madx.adapter_names(stacked, "task")), rule, 0)
    for _ in range(2):
        state, _ = train_step(state, _batch(), 0.1, rule=rule, frozen=stacked)
    assert isinstance(state.model, Changes)
    tasked = state.model.on(stacked)
    moved = {
        name for name, leaf in named_leaves(tasked).items() if not np.array_equal(leaf, named_leaves(stacked)[name])
    }
    assert moved
    assert all(".task." in name for name in moved)
    swapped = madx.swapped(tasked, "language", madx.adapter(second, "language"))
    assert all(
        np.array_equal(leaf, named_leaves(second)[name]) for name, leaf in madx.adapter(swapped, "language").items()
    )
    assert all(np.array_equal(leaf, named_leaves(tasked)[name]) for name, leaf in madx.adapter(swapped, "task").items())
    assert not np.allclose(_states(swapped), _states(tasked))
    with pytest.raises(BadInput, match="not built like"):
        madx.swapped(base, "language", madx.adapter(second, "language"))


def test_a_finished_model_is_loaded_with_the_adapters_that_were_put_into_it(tmp_path: Path) -> None:
    base = _model()
    adapted = madx.with_adapters(base, LANGUAGE, seed=0)
    checkpoint.save_model(tmp_path, adapted, step=3)
    loaded = checkpoint.load_model(tmp_path, base.settings, VOCAB)
    assert loaded.settings.adapters == LANGUAGE
    assert np.array_equal(_states(loaded), _states(adapted))


def test_an_encoder_decoder_takes_bottlenecks_but_no_invertible_adapter() -> None:
    with pytest.raises(ValueError, match="invertible"):
        config.Model(kind="encoder-decoder", adapters=LANGUAGE)
    settings = config.Model(kind="encoder-decoder", width=8, num_layers=1, num_heads=2, feed_forward=8)
    adapted = madx.with_adapters(models.build(settings, VOCAB, 0), config.Adapters(reduction=4), seed=0)
    assert {name.split(".")[0] for name in madx.adapter_names(adapted, "language")} == {"encoder", "decoder"}


def test_changes_are_a_pytree_whose_scale_is_no_leaf() -> None:
    changes = lora.low_rank(_model(), LoRA(rank=2, alpha=8.0), seed=0)
    assert changes.scale == 4.0
    assert jax.tree.map(lambda leaf: leaf, changes).scale == 4.0
    assert dataclasses.replace(changes, low_rank={}).on(_model()) is not None
