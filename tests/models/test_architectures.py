"""All three architectures: who sees whom, and that another way of computing is the same mathematics."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.models import attention, parts
from workbench.objectives.batch import Tokens

VOCAB_SIZE, T = 40, 8
SMALL = {"width": 16, "num_layers": 2, "num_heads": 2, "feed_forward": 24, "local_heads": 1}
KINDS = ("encoder", "decoder", "encoder-decoder")
SEGMENTS = [1, 1, 1, 2, 2, 3, 0, 0]
POSITIONS = [0, 1, 2, 0, 1, 0, 0, 0]
PREFIX = [True, True, False, True, False, False, False, False]


def small(kind: str, **changes: object) -> models.Model:
    return models.build(config.Model(kind=kind, **{**SMALL, **changes}), VOCAB_SIZE, seed=0)


def run(
    model: models.Model, ids: jax.Array, written: jax.Array, prefix: jax.Array | None = None, hidden: bool = False
) -> models.Output:
    """One row of `SEGMENTS`; an encoder-decoder reads `ids` and writes `written`, the others read `ids`."""
    segments, positions = np.array([SEGMENTS]), np.array([POSITIONS])
    match model:
        case models.EncoderDecoder():
            return model(ids, segments, positions, Tokens(written, segments, positions), hidden=hidden)
        case models.Decoder():
            return model(ids, segments, positions, prefix=prefix, hidden=hidden)
        case models.Encoder():
            return model(ids, segments, positions, hidden=hidden)


def influence(model: models.Model, which: str, prefix: jax.Array | None = None) -> np.ndarray:
    """Whether the output at t (row) has a gradient by the embedding of token s (column) of the inputs or the written.

    Shapes: -> [T, S] bool
    """
    ids = {"inputs": 5 + jnp.arange(T)[None], "written": 20 + jnp.arange(T)[None]}  # each place owns an embedding

    def output(embedding: jax.Array) -> jax.Array:
        probe = jax.tree.map(lambda leaf: leaf, model)
        probe.embedding[...] = embedding
        return run(probe, ids["inputs"], ids["written"], prefix).final[0] @ jnp.linspace(
            1.0, 2.0, SMALL["width"]
        )  # [T]

    gradient = np.asarray(jax.jit(jax.jacobian(output))(model.embedding[...]))  # [T, V, D]
    return np.abs(gradient)[:, np.asarray(ids[which][0])].max(axis=-1) > 0


SAME = np.equal.outer(SEGMENTS, SEGMENTS)
EARLIER = np.tri(T, dtype=bool)


@pytest.mark.parametrize("changes", [{}, {"position": "relative", "norm": "layer"}], ids=["rope", "relative"])
def test_a_decoder_sees_the_earlier_tokens_of_its_document_alone(changes: dict) -> None:
    assert np.array_equal(influence(small("decoder", **changes), "inputs"), SAME & EARLIER)


def test_a_prefix_is_seen_by_its_whole_document_and_by_no_other() -> None:
    prefix = np.array([PREFIX])
    assert np.array_equal(influence(small("decoder"), "inputs", prefix), SAME & (EARLIER | PREFIX))


def test_an_encoder_decoder_writes_causally_and_reads_its_own_document_whole() -> None:
    model = small("encoder-decoder")
    assert np.array_equal(influence(model, "written"), SAME & EARLIER)
    assert np.array_equal(influence(model, "inputs"), SAME)


@pytest.mark.parametrize(("kind", "position"), [*((kind, "rope") for kind in KINDS), ("encoder-decoder", "relative")])
def test_padding_and_other_documents_change_no_result(kind: str, position: str) -> None:
    model = small(kind, position=position)
    ids, other = np.arange(5, 5 + T)[None], np.array([[5, 6, 7, 30, 31, 32, 33, 34]])
    final = jax.jit(lambda model, ids: run(model, ids, ids).final)
    np.testing.assert_array_equal(final(model, ids)[0, :3], final(model, other)[0, :3])


@pytest.mark.parametrize(("kind", "norm"), [("encoder", "layer"), ("decoder", "rms"), ("encoder-decoder", "layer")])
def test_scanned_layers_are_the_unrolled_ones(kind: str, norm: str) -> None:
    ids = np.arange(5, 5 + T)[None]

    def evaluate(model: models.Model) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        output = run(model, ids, ids, hidden=True)
        return jnp.mean(jnp.square(model.logits(output.final))), output

    found = {}
    for layers in get_args(config.Compute.model_fields["layers"].annotation):
        model = small(kind, norm=norm, position="relative", compute=config.Compute(layers=layers))
        program = str(jax.make_jaxpr(evaluate)(model))
        (loss, output), gradient = jax.jit(jax.value_and_grad(evaluate, has_aux=True))(model)
        stacks = [gradient] if kind != "encoder-decoder" else [gradient.encoder, gradient.decoder]
        layers_of = [[jax.tree.leaves(block) for block in stack.layers()] for stack in stacks]
        found[layers] = ("scan[" in program, loss, output.final, output.hidden, layers_of, gradient.embedding[...])
    assert [has_scan for has_scan, *_ in found.values()] == [False, True], "the programs must differ"
    unrolled, scanned = (jax.tree.leaves(rest) for _, *rest in found.values())
    for one, other in zip(unrolled, scanned, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)


def test_computing_again_in_the_backward_pass_changes_no_gradient() -> None:
    ids = np.arange(5, 5 + T)[None]
    gradients, programs = [], []
    for remat in get_args(config.Compute.model_fields["remat"].annotation):
        model = small("decoder", compute=config.Compute(layers="scanned", remat=remat))
        gradient = jax.grad(lambda model: jnp.sum(run(model, ids, ids).final[..., 0] ** 2))
        programs.append(str(jax.make_jaxpr(gradient)(model)))
        gradients.append(jax.tree.leaves(jax.jit(gradient)(model)))
    assert len(set(programs)) == 3, "the programs must differ"
    for again in gradients[1:]:
        for one, other in zip(gradients[0], again, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_multiplies_in_bfloat16_and_keeps_weights_norms_and_logits_in_float32(kind: str) -> None:
    ids = np.arange(5, 5 + T)[None]

    def evaluate(model: models.Model) -> jax.Array:
        return model.logits(run(model, ids, ids).final)

    model, plain = small(kind, compute=config.Compute(dtype="bfloat16")), small(kind)
    assert {leaf.dtype for leaf in jax.tree.leaves(model)} == {jnp.dtype("float32")}
    lines = str(jax.make_jaxpr(evaluate)(model)).splitlines()
    dots = [line for line in lines if "dot_general[" in line]
    float32_inputs = [line for line in str(jax.make_jaxpr(evaluate)(plain)).splitlines() if "dot_general[" in line]
    assert len(dots) == len(float32_inputs)
    program = jax.jit(evaluate).lower(model).as_text()
    products = [line for line in program.splitlines() if "stablehlo.dot_general" in line]
    assert len(products) == len(dots)
    assert all("bf16>, tensor<" in line.split(" : ")[1] for line in products), "both factors of all are bfloat16"
    assert all("xf32>" not in line.split(" : ")[1].split("->")[0] for line in products)
    assert any(line.rstrip().endswith(f"x{VOCAB_SIZE}xf32>") for line in products), "logits come out in float32"
    assert "bf16" not in jax.jit(evaluate).lower(plain).as_text()
    found, expected = jax.jit(evaluate)(model), jax.jit(evaluate)(plain)
    assert found.dtype == jnp.float32
    difference = float(jnp.abs(found - expected).max())
    assert 0 < difference < 0.2


BASE = {"width": 16, "num_heads": 2, "feed_forward": 24}
CHANGES = {
    "kind": "decoder",
    "width": 32,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "num_heads": 4,
    "feed_forward": 32,
    "dropout": 0.1,
    "local_heads": 0,
    "norm": "layer",
    "position": "relative",
    "compute": config.Compute(layers="scanned"),
    "adapters": config.Adapters(reduction=2),
}


def test_every_field_of_the_schema_changes_the_program() -> None:
    ids = np.arange(5, 5 + T)[None]
    key = jax.random.key(0)

    def program(**settings: object) -> str:
        model = models.abstract(config.Model(**{**BASE, **settings}), VOCAB_SIZE)
        rest = (Tokens(ids, ids, ids),) if isinstance(model, models.EncoderDecoder) else ()
        return str(jax.make_jaxpr(lambda model: model.logits(model(ids, ids, ids, *rest, key=key).final))(model))

    assert set(CHANGES) == set(config.Model.model_fields)
    for kind in KINDS:
        base = program(kind=kind)
        assert program(kind=kind) == base
        for name, value in CHANGES.items():
            if name == "num_decoder_layers" and kind != "encoder-decoder":
                continue
            changed = "encoder" if name == "kind" and kind == "decoder" else value
            assert program(**{"kind": kind, name: changed}) != base, (kind, name)
        computes = [{"layers": "scanned"}, {"remat": "dots"}, {"remat": "full"}, {"dtype": "bfloat16"}]
        assert {name for change in computes for name in change} == set(config.Compute.model_fields)
        programs = {program(kind=kind, compute=config.Compute(**change)) for change in computes}
        assert len(programs | {base}) == 5


def test_relative_buckets_are_exact_near_by_and_logarithmic_far_away() -> None:
    bucket = jax.jit(attention.bucket, static_argnames="causal")
    both_ways = bucket(np.array([0, -1, -7, -8, -16, -127, -500, 1, 7, 8, 16, 127]), causal=False)
    assert both_ways.tolist() == [0, 1, 7, 8, 10, 15, 15, 17, 23, 24, 26, 31]
    backwards = bucket(np.array([3, 0, -15, -16, -32, -127, -128]), causal=True)
    assert backwards.tolist() == [0, 0, 15, 16, 21, 31, 31]


def test_local_heads_of_a_decoder_look_back_alone() -> None:
    assert attention.local_offsets(3, causal=True).tolist() == [-1, -2, -3]
    layer = attention.Attention(16, 4, 3, np.random.default_rng(0), causal=True)
    bias = np.asarray(layer.local_bias(np.arange(6)[None, :] - np.arange(6)[:, None]))
    for head, offset in enumerate([-1, -2, -3]):
        assert np.array_equal(bias[head], attention.LOCAL_BIAS * np.eye(6, k=offset))
    assert not bias[3].any()


def test_a_layer_norm_without_bias_by_hand() -> None:
    norm = parts.LayerNorm(4)
    x = jnp.array([1.0, 2.0, 3.0, 6.0])
    np.testing.assert_allclose(norm(x), (np.array(x) - 3) / np.sqrt(3.5 + 1e-5), rtol=1e-6)


def test_modernberts_arrangement_has_a_norm_after_the_embeddings_and_none_before_the_first_attention() -> None:
    model = small("encoder", norm="layer")
    assert model.embedding_norm is not None
    assert [block.attention_norm is None for block in model.layers()] == [True, False]
    assert small("encoder").embedding_norm is None


@pytest.mark.parametrize("dropout", [parts.dropout, parts.coarse_dropout])
@pytest.mark.parametrize("width", [64, 30])
def test_dropout_zeroes_its_share_anywhere_and_scales_up_the_rest(width: int, dropout: Callable) -> None:
    ones = jnp.ones((40, 25, width))
    found = np.asarray(dropout(ones, 0.25, jax.random.key(0)))
    assert set(np.unique(found)) == {0.0, np.float32(4 / 3)}
    for axes in [(0, 1), (1, 2), (0, 2)]:  # no column, row or place has much more or less than its share
        assert np.abs((found == 0).mean(axis=axes) - 0.25).max() < 0.08
    assert np.array_equal(found, dropout(ones, 0.25, jax.random.key(0)))
    assert not np.array_equal(found, dropout(ones, 0.25, jax.random.key(1)))
    assert dropout(ones, 0.25, None) is ones


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_needs_its_key_and_depends_on_it(kind: str) -> None:
    model, ids = small(kind, dropout=0.5), np.arange(5, 5 + T)[None]
    rest = (Tokens(ids, ids, ids),) if kind == "encoder-decoder" else ()
    final = jax.jit(lambda model, key: model(ids, ids, ids, *rest, key=key).final)
    still, one, again, other = (final(model, key) for key in (None, *map(jax.random.key, (0, 0, 1))))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, still)


def test_shapes_alone_are_those_of_the_built_model() -> None:
    for kind in KINDS:
        settings = config.Model(kind=kind, **SMALL, norm="layer", position="relative")
        built, shapes = models.build(settings, VOCAB_SIZE, 0), models.abstract(settings, VOCAB_SIZE)
        assert jax.tree.structure(shapes) == jax.tree.structure(built)
        pairs = zip(jax.tree.leaves(shapes), jax.tree.leaves(built), strict=True)
        assert all(one.shape == other.shape and one.dtype == other.dtype for one, other in pairs)
        assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(shapes))
