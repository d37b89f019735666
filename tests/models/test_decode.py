"""Decoding: the cache changes nothing, greedy search takes the best token, beams find what it misses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.models import decode
from workbench.objectives.batch import Tokens

VOCAB_SIZE, EOS, P, NEW = 23, 1, 5, 6
SMALL = {"width": 16, "num_layers": 2, "num_heads": 2, "feed_forward": 24, "local_heads": 1}
KINDS = ("decoder", "encoder-decoder")


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


def continued(prompt: Tokens, ids: np.ndarray) -> list[Tokens]:
    """Each row as one document without padding: its prompt and the tokens that were decoded."""
    found = []
    for row in range(len(ids)):
        start = prompt.ids[row][prompt.segments[row] > 0]
        end = ids[row]
        if EOS in end:
            end = end[: list(end).index(EOS) + 1]
        text = np.concatenate([start, end])[None]
        found.append(Tokens(text, np.ones_like(text), np.arange(text.size)[None]))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes",
    [{}, {"position": "relative", "norm": "layer", "compute": config.Compute(layers="scanned")}],
    ids=["rope", "relative-scanned"],
)
def test_greedy_search_over_the_cache_takes_what_the_whole_row_makes_likeliest(kind: str, changes: dict) -> None:
    model, prompt, source = built(kind, **changes), rows([5, 2, 4]), source_of(kind)
    prefix = prompt.segments > 0 if kind == "decoder" else None
    found = decode.greedy(model, prompt, source=source, prefix=prefix, max_new=NEW, eos=EOS)
    assert found.ids.shape == (3, NEW)
    for row, tokens in enumerate(continued(prompt, np.asarray(found.ids))):
        alone = None if source is None else Tokens(*(part[row : row + 1] for part in source))
        start = int(np.sum(prompt.segments[row]))
        given = None if prefix is None else jnp.arange(tokens.ids.shape[1])[None] < start
        log_probabilities = np.asarray(whole(model, tokens, alone, given))[0, start - 1 : -1]
        assert np.array_equal(log_probabilities.argmax(axis=-1), tokens.ids[0, start:])
        assert float(found.scores[row]) == pytest.approx(log_probabilities.max(axis=-1).sum(), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_one_beam_is_greedy_search(kind: str) -> None:
    model, prompt, source = built(kind), rows([5, 2, 4]), source_of(kind)
    greedy = decode.greedy(model, prompt, source=source, max_new=NEW, eos=EOS)
    one = decode.beam(model, prompt, source=source, max_new=NEW, eos=EOS, num_beams=1, length_penalty=0.0)
    assert np.array_equal(greedy.ids, one.ids[:, 0])
    np.testing.assert_allclose(greedy.scores, one.scores[:, 0], rtol=1e-5)


def test_beams_hold_what_the_whole_row_gives_best_first_and_alike_in_any_company() -> None:
    model, prompt = built("decoder"), rows([5, 2, 4])
    search = {"max_new": NEW, "eos": EOS, "num_beams": 3, "length_penalty": 1.0}
    found = decode.beam(model, prompt, **search)
    assert np.all(np.diff(np.asarray(found.scores), axis=1) <= 0)
    for beam in range(3):
        for row, tokens in enumerate(continued(prompt, np.asarray(found.ids[:, beam]))):
            start = int(np.sum(prompt.segments[row]))
            given = np.asarray(whole(model, tokens, None, None))[0, start - 1 : -1]
            new = tokens.ids[0, start:]
            expected = given[np.arange(len(new)), new].sum() / len(new)
            assert float(found.scores[row, beam]) == pytest.approx(expected, abs=1e-4)
    alone = decode.beam(model, Tokens(*(part[1:2] for part in prompt)), **search)
    assert np.array_equal(alone.ids[0], found.ids[1])


def test_beams_find_a_better_sequence_than_greedy_search() -> None:
    # From 2: token 3 (0.6) leads to a shrug, 4 (0.4) to a sure thing. Greedy search takes 3.
    width = 8
    model = models.build(
        config.Model(kind="decoder", width=width, num_layers=1, num_heads=2, feed_forward=4, local_heads=0), width, 0
    )
    assert isinstance(model, models.Decoder)
    probability = np.full((width, width), 1e-6)
    probability[2, [3, 4]] = 0.6, 0.4
    probability[3, [EOS, 5, 6, 7]] = 0.25
    probability[4, EOS] = 1.0
    probability[[0, 1, 5, 6, 7], EOS] = 1.0
    # Blocks that add nothing and one embedding per token: the final norm of row i is sqrt(width) e_i, and the head
    # must be the table; so the embeddings are the identity and a last rotation turns them, done by the final norm's
    # place: a model whose `logits` looks the token up.
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
        greedy = decode.greedy(model, prompt, max_new=3, eos=EOS)
        best = decode.beam(model, prompt, max_new=3, eos=EOS, num_beams=2, length_penalty=0.0)
    assert greedy.ids[0].tolist() == [3, EOS, 0]
    assert best.ids[0, 0].tolist() == [4, EOS, 0]
    assert float(greedy.scores[0]) == pytest.approx(np.log(0.6 * 0.25), abs=1e-3)
    assert float(best.scores[0, 0]) == pytest.approx(np.log(0.4), abs=1e-3)


def test_every_setting_of_the_search_counts() -> None:
    model, prompt = built("decoder"), rows([5, 2, 4])
    search = {"max_new": NEW, "eos": EOS, "num_beams": 3, "length_penalty": 1.0, "pad": 0}

    def program(**changes: object) -> str:
        return str(jax.make_jaxpr(lambda model: decode.beam(model, prompt, **{**search, **changes}))(model))

    base = program()
    for change in ({"max_new": 5}, {"eos": 2}, {"num_beams": 2}, {"length_penalty": 0.5}, {"pad": 3}):
        assert program(**change) != base, change


def test_a_source_goes_to_an_encoder_decoder_and_nowhere_else() -> None:
    prompt = rows([3, 3, 3])
    with pytest.raises(ValueError, match="needs a source"):
        decode.greedy(built("encoder-decoder"), prompt, max_new=2, eos=EOS)
    with pytest.raises(ValueError, match="put the source into it"):
        decode.greedy(built("decoder"), prompt, source=prompt, max_new=2, eos=EOS)
