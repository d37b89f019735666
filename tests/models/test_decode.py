"""Decoding: the cache changes nothing, greedy search takes the best token, beams find what it misses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.models import decode
from workbench.models.search import FIRST_ROOM
from workbench.objectives.batch import Tokens

VOCAB_SIZE, EOS, P, NEW = 23, 1, 5, 6
SMALL = {"width": 16, "num_layers": 1, "num_heads": 2, "feed_forward": 24, "local_heads": 1}


def built(kind: str, **changes: object) -> models.Model:
    model = models.build(config.Model(kind=kind, **{**SMALL, **changes}), VOCAB_SIZE, seed=0)
    # the likeliest token of a fresh tied model is the one just read; larger embeddings of rare norms break that
    rng = np.random.default_rng(5)
    model.embedding[...] = model.embedding[...] * jnp.asarray(rng.uniform(0.5, 6.0, (VOCAB_SIZE, 1)), jnp.float32)
    return model


def rows(lengths: list[int], seed: int = 0) -> Tokens:
    real = np.arange(max(lengths)) < np.array(lengths)[:, None]
    ids = np.random.default_rng(seed).integers(2, VOCAB_SIZE, real.shape)
    return Tokens(np.where(real, ids, 0), real.astype(int), np.where(real, np.arange(max(lengths)), 0))


def source_of(kind: str) -> Tokens | None:
    return rows([7, 4, 2], seed=1) if kind == "encoder-decoder" else None


@jax.jit
def whole(model: models.Model, tokens: Tokens, source: Tokens | None, prefix: jax.Array | None) -> jax.Array:
    if isinstance(model, models.EncoderDecoder):
        assert source is not None
        return jax.nn.log_softmax(model.logits(model(*source, tokens).final))
    assert isinstance(model, models.Decoder)
    return jax.nn.log_softmax(model.logits(model(*tokens, prefix=prefix).final))


def continued(prompt: Tokens, ids: jax.Array, eos: int) -> tuple[Tokens, np.ndarray, np.ndarray]:
    """Prompt and decoded tokens as whole rows without a gap; where each new token is predicted, and whether it is one.

    Shapes: ids [B, N] -> [B, P + N] each, [B, N], [B, N] bool
    """
    new = np.asarray(ids)
    is_new = np.cumsum(new == eos, axis=1) - (new == eos) == 0  # up to and with the end
    lengths = prompt.segments.sum(axis=1)
    text = np.zeros((len(new), P + new.shape[1]), np.int32)
    for row, length in enumerate(lengths):
        text[row, :length] = prompt.ids[row, :length]
        text[row, length : length + new.shape[1]] = np.where(is_new[row], new[row], 0)
    place = np.arange(P + new.shape[1])
    real = place < (lengths + is_new.sum(axis=1))[:, None]
    return (
        Tokens(text, real.astype(int), np.where(real, place, 0)),
        lengths[:, None] - 1 + np.arange(new.shape[1]),
        is_new,
    )


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("decoder", {}),
        ("encoder-decoder", {}),
        (
            "encoder-decoder",
            {"position": "relative", "norm": "layer", "num_layers": 2, "compute": config.Compute(layers="scanned")},
        ),
    ],
    ids=["decoder", "encoder-decoder", "relative-scanned"],
)
def test_greedy_search_over_the_cache_takes_what_the_whole_row_makes_likeliest(kind: str, changes: dict) -> None:
    model, prompt, source = built(kind, **changes), rows([5, 2, 4]), source_of(kind)
    prefix = prompt.segments > 0 if kind == "decoder" else None
    endless = decode.greedy(model, prompt, source=source, prefix=prefix, max_new=NEW, eos=-1)
    eos = int(endless.ids[0, 2])  # so that a row ends early
    found = decode.greedy(model, prompt, source=source, prefix=prefix, max_new=NEW, eos=eos, pad=-7)
    tokens, places, is_new = continued(prompt, found.ids, eos)
    assert not is_new[0].all()
    assert np.array_equal(np.asarray(found.ids) == -7, ~is_new)
    given = None if prefix is None else np.arange(P + NEW) < prompt.segments.sum(axis=1)[:, None]
    log_probabilities = np.take_along_axis(np.asarray(whole(model, tokens, source, given)), places[:, :, None], axis=1)
    assert np.array_equal(log_probabilities.argmax(axis=-1)[is_new], np.asarray(found.ids)[is_new])
    expected = np.where(is_new, log_probabilities.max(axis=-1), 0.0).sum(axis=1)
    np.testing.assert_allclose(found.scores, expected, atol=1e-4)


def test_one_beam_is_greedy_search() -> None:
    model, prompt, source = built("encoder-decoder"), rows([5, 2, 4]), source_of("encoder-decoder")
    eos = int(decode.greedy(model, prompt, source=source, max_new=NEW, eos=-1).ids[0, 2])
    greedy = decode.greedy(model, prompt, source=source, max_new=NEW, eos=eos, pad=-7)
    one = decode.beam(model, prompt, source=source, max_new=NEW, eos=eos, pad=-7, num_beams=1)
    assert np.array_equal(greedy.ids, one.ids[:, 0])
    assert np.any(np.asarray(greedy.ids) == eos)
    lengths = np.sum(np.asarray(greedy.ids) != -7, axis=1)
    np.testing.assert_allclose(greedy.scores / lengths, one.scores[:, 0], rtol=1e-5)


@pytest.mark.parametrize("max_new", [NEW, FIRST_ROOM + 2])
def test_beams_hold_what_the_whole_row_gives_best_first_and_alike_in_any_company(max_new: int) -> None:
    model, prompt = built("decoder"), rows([5, 2, 4])
    search = {"max_new": max_new, "num_beams": 3, "length_penalty": 1.0}
    eos = int(decode.beam(model, prompt, eos=-1, **search).ids[0, 0, 2])
    found = decode.beam(model, prompt, eos=eos, **search)
    assert np.any(np.asarray(found.ids) == eos)
    exists = np.isfinite(found.scores)
    assert exists[:, 0].all()
    assert np.all(found.scores[:, 1:] <= found.scores[:, :-1])
    for beam in range(3):
        tokens, places, is_new = continued(prompt, found.ids[:, beam], eos)
        given = np.take_along_axis(np.asarray(whole(model, tokens, None, None)), places[:, :, None], axis=1)
        of_new = np.take_along_axis(given, np.asarray(found.ids)[:, beam, :, None], axis=2)[:, :, 0]
        expected = np.where(is_new, of_new, 0.0).sum(axis=1) / is_new.sum(axis=1)
        np.testing.assert_allclose(found.scores[exists[:, beam], beam], expected[exists[:, beam]], atol=1e-4)
    alone = decode.beam(model, Tokens(*(part[1:2] for part in prompt)), eos=eos, **search)
    assert np.array_equal(alone.ids[0], found.ids[1])


def searched(probability: np.ndarray, max_new: int) -> tuple[decode.Decoded, decode.Decoded]:
    """Greedy search, and two beams, from token 2 by a table of chances: token -> the next one."""
    width = len(probability)
    model = models.build(
        config.Model(kind="decoder", width=width, num_layers=1, num_heads=2, feed_forward=4, local_heads=0), width, 0
    )
    assert isinstance(model, models.Decoder)
    # Blocks that add nothing and embeddings of the identity: the state is the token, and `logits` looks it up.
    for block in model.blocks:
        block.attention.out[...] = jnp.zeros_like(block.attention.out[...])
        block.mlp.down[...] = jnp.zeros_like(block.mlp.down[...])
    model.embedding[...] = jnp.eye(width)
    table = jnp.log(jnp.asarray(probability / probability.sum(axis=1, keepdims=True), jnp.float32))

    def lookup(self: models.Decoder, x: jax.Array) -> jax.Array:
        return jnp.einsum("...D,DV->...V", x / jnp.sqrt(float(width)), table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.Decoder, "logits", lookup)
        prompt = Tokens(np.array([[2]]), np.array([[1]]), np.array([[0]]))
        greedy = decode.greedy(model, prompt, max_new=max_new, eos=EOS)
        return greedy, decode.beam(model, prompt, max_new=max_new, eos=EOS, num_beams=2, length_penalty=0.0)


def test_beams_find_a_better_sequence_than_greedy_search() -> None:
    # From 2: token 3 (0.6) leads to a shrug, 4 (0.4) to a sure thing. Greedy search takes 3.
    probability = np.full((8, 8), 1e-6)
    probability[2, [3, 4]] = 0.6, 0.4
    probability[3, [EOS, 5, 6, 7]] = 0.25
    probability[[0, 1, 4, 5, 6, 7], EOS] = 1.0
    greedy, best = searched(probability, max_new=3)
    assert greedy.ids[0].tolist() == [3, EOS, 0]
    assert best.ids[0, 0].tolist() == [4, EOS, 0]
    assert float(greedy.scores[0]) == pytest.approx(np.log(0.6 * 0.25), abs=1e-3)
    assert float(best.scores[0, 0]) == pytest.approx(np.log(0.4), abs=1e-3)


def test_unlikely_ends_do_not_end_the_search_for_a_likely_one() -> None:
    # After two steps two hypotheses have ended, of .1 and .09; the likely one has four tokens.
    probability = np.full((8, 8), 1e-6)
    for token in (2, 3, 4):
        probability[token, [token + 1, EOS]] = 0.9, 0.1
    probability[[0, 1, 5, 6, 7], EOS] = 1.0
    greedy, best = searched(probability, max_new=5)
    assert best.ids[0, 0].tolist() == greedy.ids[0].tolist() == [3, 4, 5, EOS, 0]
    assert float(best.scores[0, 0]) == pytest.approx(np.log(0.9**3), abs=1e-3)


def test_every_setting_of_beam_search_changes_the_program() -> None:
    model, prompt = built("decoder"), rows([5, 2, 4])
    search = {"max_new": NEW, "eos": EOS, "num_beams": 3, "length_penalty": 1.0}

    def program(**changes: object) -> str:
        return str(jax.make_jaxpr(lambda model: decode.beam(model, prompt, **{**search, **changes}))(model))

    base = program()
    for change in ({"max_new": 5}, {"num_beams": 2}, {"num_best": 1}, {"length_penalty": 0.5}):
        assert program(**change) != base, change


def test_a_source_goes_to_an_encoder_decoder_and_nowhere_else() -> None:
    prompt = rows([3, 3, 3])
    with pytest.raises(ValueError, match="needs a source"):
        decode.greedy(built("encoder-decoder"), prompt, max_new=2, eos=EOS)
    with pytest.raises(ValueError, match="put the source into it"):
        decode.greedy(built("decoder"), prompt, source=prompt, max_new=2, eos=EOS)
