"""The encoder: who sees whom, what each setting does, and that its parts agree with plain arithmetic."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.models import attention, parts

VOCAB_SIZE, T = 40, 8
SMALL = {"width": 16, "num_layers": 2, "num_heads": 2, "feed_forward": 24, "local_heads": 1}


def small(**changes: object) -> models.Encoder:
    return models.build(config.Model(**{**SMALL, **changes}), VOCAB_SIZE, seed=0)


def rows(segments: list[int]) -> tuple[jax.Array, jax.Array, jax.Array]:
    segment = np.array([segments])
    positions = np.concatenate([np.arange((segment == s).sum()) for s in dict.fromkeys(segments)])[None]
    ids = np.random.default_rng(0).integers(5, VOCAB_SIZE, segment.shape)
    return jnp.asarray(ids), jnp.asarray(segment), jnp.asarray(positions)


@jax.jit
def encode(model: models.Encoder, ids: jax.Array, segments: jax.Array, positions: jax.Array) -> models.Output:
    return model(ids, segments, positions)


@jax.jit
def encode_all_layers(
    model: models.Encoder, ids: jax.Array, segments: jax.Array, positions: jax.Array
) -> models.Output:
    return model(ids, segments, positions, hidden=True)


def influence(model: models.Encoder, segments: list[int]) -> np.ndarray:
    """Whether the output at t (row) has a gradient by the embedding at s (column).

    Shapes: -> [T, S] bool
    """
    _, segment, positions = rows(segments)
    ids = jnp.arange(len(segments))[None] + 5  # distinct, so each place owns a row of the embeddings

    def output(embedding: jax.Array) -> jax.Array:
        probe = jax.tree.map(lambda leaf: leaf, model)
        probe.embedding[...] = embedding
        return probe(ids, segment, positions).final[0].sum(axis=-1) ** 2  # [T]

    gradient = jax.jit(jax.jacobian(output))(model.embedding[...])  # [T, V, D]
    return np.abs(np.asarray(gradient))[:, 5 : 5 + len(segments)].max(axis=-1) > 0


def test_documents_packed_into_a_row_do_not_see_each_other_or_the_padding() -> None:
    segments = [1, 1, 1, 2, 2, 3, 0, 0]
    expected = np.equal.outer(segments, segments)
    assert np.array_equal(influence(small(), segments), expected)


def test_a_document_reads_the_same_alone_and_packed_behind_another() -> None:
    model = small()
    ids, _, _ = rows([1] * T)
    alone = encode(model, ids[:, 3:], jnp.ones((1, 5), int), jnp.arange(5)[None]).final
    positions = jnp.asarray([[0, 1, 2, 0, 1, 2, 3, 4]])
    packed = encode(model, ids, jnp.asarray([[1, 1, 1, 2, 2, 2, 2, 2]]), positions).final[:, 3:]
    np.testing.assert_allclose(packed, alone, atol=2e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "layer", "num_layers": 1},
        {"position": "relative", "local_heads": 0},
        {"position": "relative", "compute": config.Compute(layers="scanned", remat="full")},
        {"norm": "layer", "compute": config.Compute(layers="scanned")},
        {"num_layers": 1, "compute": config.Compute(layers="scanned")},
        {"adapters": config.Adapters(reduction=2, invertible=True)},
    ],
    ids=str,
)
def test_states_of_some_places_alone_are_those_of_the_whole_rows_and_so_are_their_gradients(changes: dict) -> None:
    model = small(**changes)
    one, other = rows([1, 1, 1, 2, 2, 2, 2, 0]), rows([1, 1, 1, 1, 1, 2, 2, 2])
    ids, segments, positions = (jnp.concatenate(pair) for pair in zip(one, other, strict=True))
    places = np.array([[1, 6, 6], [7, 0, 2]])

    @jax.jit
    def both(model: models.Encoder) -> tuple[jax.Array, jax.Array]:
        whole = parts.at(model(ids, segments, positions).final, places)
        return whole, model(ids, segments, positions, only=places).final

    whole, alone = both(model)
    assert alone.shape == (2, 3, 16)
    np.testing.assert_allclose(alone, whole, atol=2e-6)
    weights = jnp.asarray(np.random.default_rng(1).standard_normal(whole.shape), jnp.float32)
    expected, found = (jax.jit(jax.grad(lambda m, n=n: jnp.sum(both(m)[n] * weights)))(model) for n in (0, 1))
    for one_leaf, other_leaf in zip(jax.tree.leaves(expected), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(other_leaf, one_leaf, atol=2e-5)


def test_hidden_holds_the_embeddings_and_every_layer() -> None:
    model = small()
    ids, segments, positions = rows([1] * T)
    output = encode_all_layers(model, ids, segments, positions)
    assert output.hidden is not None
    assert output.hidden.shape == (3, 1, T, 16)
    np.testing.assert_array_equal(output.hidden[0], model.embedding[...][ids])
    np.testing.assert_allclose(model.final_norm(output.hidden[-1]), output.final, atol=1e-6)
    assert encode(model, ids, segments, positions).hidden is None


def test_the_vocabulary_head_is_tied_to_the_embeddings() -> None:
    model = small()
    x = jnp.ones((3, 16))
    assert model.logits(x).shape == (3, VOCAB_SIZE)
    wider = jax.tree.map(lambda leaf: leaf, model)
    wider.embedding[...] = 2 * model.embedding[...]
    np.testing.assert_allclose(wider.logits(x), 2 * model.logits(x), rtol=1e-5)


def test_rope_makes_scores_depend_on_the_distance_alone() -> None:
    rng = np.random.default_rng(1)
    query, key = (jnp.asarray(rng.standard_normal((1, 1, 1, 8)), jnp.float32) for _ in range(2))

    def score(q_place: int, k_place: int) -> float:
        q = parts.rotate(query, *parts.rope(jnp.array([[q_place]]), 8))
        k = parts.rotate(key, *parts.rope(jnp.array([[k_place]]), 8))
        return float(jnp.sum(q * k))

    assert score(5, 3) == pytest.approx(score(12, 10), abs=1e-5)
    assert score(5, 3) != pytest.approx(score(5, 4), abs=1e-3)


def offsets(length: int) -> np.ndarray:
    return np.arange(length)[None, :] - np.arange(length)[:, None]


def test_local_heads_start_out_looking_at_their_own_offset() -> None:
    assert attention.local_offsets(5).tolist() == [-1, 1, -2, 2, -3]
    layer = attention.Attention(16, 4, 3, np.random.default_rng(0))
    bias = np.asarray(layer.local_bias(offsets(6)))
    assert bias.shape == (4, 6, 6)
    assert not bias[3].any()
    for head, offset in enumerate([-1, 1, -2]):
        assert np.array_equal(bias[head], attention.LOCAL_BIAS * np.eye(6, k=offset))


def test_offsets_beyond_the_reach_share_one_bias() -> None:
    layer = attention.Attention(16, 4, 1, np.random.default_rng(0))
    assert layer.offset_bias is not None
    layer.offset_bias[...] = jnp.arange(2.0 * attention.LOCAL_REACH + 1)[None]
    bias = np.asarray(layer.local_bias(offsets(30)))[0]
    assert bias[0, 29] == bias[0, attention.LOCAL_REACH] == 2 * attention.LOCAL_REACH
    assert bias[29, 0] == 0
    assert bias[4, 4] == attention.LOCAL_REACH


def test_dropout_zeroes_its_share_and_needs_a_key() -> None:
    x = jnp.ones((200, 200))
    dropped = parts.dropout(x, 0.3, jax.random.key(0))
    assert float(jnp.mean(dropped == 0)) == pytest.approx(0.3, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.01)
    assert parts.dropout(x, 0.3, None) is x


def test_every_setting_changes_the_program() -> None:
    ids, segments, positions = rows([1] * T)

    def program(**changes: object) -> str:
        model = small(**changes)
        key = jax.random.key(0)
        return str(jax.make_jaxpr(lambda model: model(ids, segments, positions, key=key).final)(model))

    base = program()
    assert program() == base
    for change in (
        {"width": 32},
        {"num_layers": 1},
        {"num_heads": 4},
        {"feed_forward": 32},
        {"dropout": 0.1},
        {"local_heads": 2},
        {"local_heads": 0},
    ):
        assert program(**change) != base, change


def test_the_same_seed_builds_the_same_model_and_another_another() -> None:
    one, again = small(), small()
    other = models.build(config.Model(**SMALL), VOCAB_SIZE, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(again), strict=True))
    assert not np.array_equal(one.embedding[...], other.embedding[...])
    shapes = models.abstract(config.Model(**SMALL), VOCAB_SIZE)
    assert jax.tree.structure(shapes) == jax.tree.structure(one)
    # embeddings, head, its norm and bias, final norm; per block 4 attention, 1 offset bias, 3 feed-forward, 2 norms
    per_block = 4 * 16 * 16 + 17 + 3 * 16 * 24 + 2 * 16
    assert models.num_parameters(one) == VOCAB_SIZE * 16 + 16 * 16 + 16 + VOCAB_SIZE + 16 + 2 * per_block
