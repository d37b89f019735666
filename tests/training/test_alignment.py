"""Alignment objectives: signs, values worked by hand, and planted languages that pairs must bring together."""

from __future__ import annotations

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.mixture.aligned import AlignedStream, SentencePairs
from workbench.mixture.packing import pack
from workbench.mixture.stream import Stream
from workbench.models.heads import Headed, bare, reverse_gradient
from workbench.models.leaves import named_leaves
from workbench.objectives.mlm import MaskedLM
from workbench.training import losses, optim
from workbench.training.alignment import AlignmentLoss, headed, info_nce, mean_states
from workbench.training.loop import load_model, train
from workbench.training.state import start
from workbench.training.step import train_step

# Two planted languages: word w of the pivot is id 5 + w, its translation 5 + WORDS + w; word order is the same.
WORDS, LENGTH = 20, 8
VOCAB_SIZE = 5 + 2 * WORDS
MODEL = config.Model(width=16, num_layers=1, num_heads=2, feed_forward=24, local_heads=1)
TEXT = np.random.default_rng(0).integers(0, WORDS, (48, LENGTH)).astype(np.int32) + 5
HELD_OUT = np.random.default_rng(1).integers(0, WORDS, (20, LENGTH)).astype(np.int32) + 5
OPTIM = config.Optim(learning_rate=3e-2, warmup_steps=5)


def aligned(settings: config.Align, steps: int = 40) -> AlignedStream:
    rows = {"one": pack(list(TEXT), LENGTH), "two": pack(list(TEXT[::-1] + WORDS), LENGTH)}
    objective = MaskedLM(config.MaskedLM(), VOCAB_SIZE, mask=4, first_id=5)
    stream = Stream(rows, {"one": 0.5, "two": 0.5}, objective, steps=steps, batch_size=8, seed=0)
    concepts = {name: (packed.ids - 5) % WORDS + 1 for name, packed in rows.items()}
    pairs = SentencePairs(TEXT, TEXT + WORDS, np.arange(len(TEXT), dtype=np.int32))
    return AlignedStream(stream, settings, {"one": "one", "two": "two"}, concepts=concepts, pairs=pairs)


def trained(settings: config.Align, folder: Path, steps: int = 40) -> models.Encoder:
    stream = aligned(settings, steps)
    model = headed(models.build(MODEL, VOCAB_SIZE, seed=0), settings, languages=2, concepts=WORDS, seed=0)
    found = train(
        model=model, stream=stream, loss=AlignmentLoss(settings), optim=OPTIM, checkpoint_every=1000, folder=folder,
        seed=0, identity="a", tokenizer_sha256="t", on_step=lambda _: None,
    )  # fmt: skip
    assert isinstance(found, models.Encoder)
    return found


def states(model: models.Encoder, ids: np.ndarray) -> np.ndarray:
    """[N, T, D] of the last layer."""
    ones, places = np.ones_like(ids), np.broadcast_to(np.arange(ids.shape[1], dtype=np.int32), ids.shape)
    hidden = jax.jit(lambda model: model(ids, ones, places, hidden=True).hidden)(model)
    return np.asarray(hidden[-1])


def found_translations(model: models.Encoder) -> float:
    """Share of held-out sentences whose translation is their nearest by cosine."""
    here, there = (states(model, ids).mean(axis=1) for ids in (HELD_OUT, HELD_OUT + WORDS))
    here, there = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (here, there))
    return float((np.argmax(here @ there.T, axis=1) == np.arange(len(HELD_OUT))).mean())


def test_the_reversal_leaves_values_and_turns_gradients_round_by_its_rate() -> None:
    x, rate = jnp.array([1.0, -2.0]), jnp.array([0.25, 0.5])
    value, gradient = jax.value_and_grad(lambda x: jnp.sum(3.0 * reverse_gradient(x, rate)))(x)
    assert float(value) == -3.0
    assert gradient.tolist() == [-0.75, -1.5]
    assert jax.grad(lambda r: jnp.sum(reverse_gradient(x, r)))(rate).tolist() == [0.0, 0.0]


def test_the_reversal_grows_as_ganin_and_lempitsky_have_it() -> None:
    stream = aligned(config.Align(adversarial=config.Adversarial()), steps=40)
    assert stream.batch(0).align.reversal.tolist() == [0.0] * 8
    assert stream.batch(20).align.reversal[0] == pytest.approx(2 / (1 + math.exp(-5.0)) - 1)
    assert stream.batch(39).align.reversal[0] == pytest.approx(0.99988, abs=1e-4)


def test_info_nce_of_two_pairs_worked_by_hand() -> None:
    here, there = jnp.array([[2.0, 0.0], [0.0, 1.0]]), jnp.array([[1.0, 0.0], [3.0, 3.0]])
    # cosines: [[1, s], [0, s]] with s = 1 / sqrt 2; temperature .5 doubles them
    s = 2 / math.sqrt(2)
    rows = [math.log(math.exp(2) + math.exp(s)) - 2, math.log(1 + math.exp(s)) - s]
    columns = [math.log(math.exp(2) + 1) - 2, math.log(2 * math.exp(s)) - s]
    wanted = (sum(rows) / 2 + sum(columns) / 2) / 2
    assert float(info_nce(here, there, None, 0.5)) == pytest.approx(wanted, rel=1e-6)


def test_translations_of_one_sentence_are_no_wrong_answers_to_each_other() -> None:
    same = jnp.ones((2, 3))
    assert float(info_nce(same, same, np.array([7, 7]), 0.1)) == pytest.approx(0.0, abs=1e-6)
    assert float(info_nce(same, same, np.array([7, 8]), 0.1)) == pytest.approx(math.log(2))


def test_sentences_are_pooled_without_their_padding() -> None:
    model = models.build(MODEL, VOCAB_SIZE, seed=0)
    stream = aligned(config.Align(contrastive=config.Contrastive(pairs=2)))
    here = stream.batch(0).align.here
    padded = here._replace(**{name: np.pad(getattr(here, name), ((0, 0), (0, 3))) for name in here._fields})
    short, long = (np.asarray(jax.jit(mean_states, static_argnums=2)(model, side, 1)) for side in (here, padded))
    assert long == pytest.approx(short, abs=1e-5)


def test_without_a_part_that_counts_the_loss_is_the_masked_lms() -> None:
    settings = config.Align(concepts=config.Concepts())
    batch = aligned(settings).batch(3)
    nothing = batch._replace(align=batch.align._replace(concepts=np.zeros_like(batch.align.concepts)))
    model = headed(models.build(MODEL, VOCAB_SIZE, seed=0), settings, languages=2, concepts=WORDS, seed=0)
    loss = jax.jit(AlignmentLoss(settings))
    plain = float(jax.jit(losses.mean_loss)(model.model, batch))
    assert float(loss(model, nothing)) == pytest.approx(plain, rel=1e-6)
    assert float(loss(model, batch)) == pytest.approx(plain + math.log(WORDS), rel=0.5)


def test_the_adversary_learns_while_the_encoder_is_turned_from_it() -> None:
    settings = config.Align(adversarial=config.Adversarial())
    batch = aligned(settings).batch(39)  # the reversal is at its end
    model = headed(models.build(MODEL, VOCAB_SIZE, seed=0), settings, languages=2, concepts=0, seed=0)
    forth = batch._replace(align=batch.align._replace(reversal=-batch.align.reversal))
    gradient = jax.jit(jax.grad(AlignmentLoss(settings)))
    turned, straight, none = (
        named_leaves(gradient(model, one))
        for one in (batch, forth, batch._replace(align=batch.align._replace(reversal=np.zeros(8, np.float32))))
    )
    for name in turned:
        if name.startswith("languages"):
            np.testing.assert_allclose(turned[name], straight[name], rtol=1e-5)
            assert np.abs(turned[name]).max() > 0
        else:  # the masked LM's part is in all three
            of_adversary = np.asarray(straight[name] - none[name])
            np.testing.assert_allclose(turned[name] - none[name], -of_adversary, atol=1e-5)
    assert np.abs(straight["model.embedding"] - none["model.embedding"]).max() > 1e-4


def test_planted_languages_come_together_by_pairs_and_are_apart_without(tmp_path: Path) -> None:
    assert found_translations(models.build(MODEL, VOCAB_SIZE, seed=0)) < 0.4
    settings = config.Align(contrastive=config.Contrastive(pairs=16))
    assert found_translations(trained(settings, tmp_path, 150)) > 0.8


def test_a_run_with_heads_goes_on_where_it_stopped_and_leaves_the_model_alone_behind(tmp_path: Path) -> None:
    settings = config.Align(contrastive=config.Contrastive(pairs=4), adversarial=config.Adversarial())
    found = trained(settings, tmp_path, 6)
    loaded = load_model(tmp_path, MODEL, VOCAB_SIZE)
    for name, leaf in named_leaves(found).items():
        np.testing.assert_array_equal(leaf, named_leaves(loaded)[name])
    again = trained(settings, tmp_path, 6)  # nothing is left to do
    np.testing.assert_array_equal(again.embedding[...], found.embedding[...])

    rule = optim.rule(config.Optim(ema_decay=0.9))
    model = headed(models.build(MODEL, VOCAB_SIZE, seed=0), settings, languages=2, concepts=0, seed=0)
    assert isinstance(start(model, rule, seed=0).average, Headed)
    assert isinstance(bare(model), models.Encoder)


def test_a_step_without_heads_is_the_same_program_as_ever() -> None:
    batch = aligned(config.Align(concepts=config.Concepts())).batch(0)
    rule, model = optim.rule(OPTIM), models.build(MODEL, VOCAB_SIZE, seed=0)

    def program(**more: object) -> str:
        given = batch._replace(align=None)
        return str(jax.make_jaxpr(lambda s: train_step(s, given, 0.1, rule=rule, **more))(start(model, rule, seed=0)))

    assert program() == program(loss=losses.mean_loss)


@pytest.mark.parametrize(
    ("settings", "languages", "wanted"),
    [
        (config.Align(contrastive=config.Contrastive(), layer=2), 2, "layer: 2, but the model has 0"),
        (config.Align(adversarial=config.Adversarial()), 1, "nothing to tell apart"),
    ],
)
def test_heads_that_make_no_sense_are_refused(settings: config.Align, languages: int, wanted: str) -> None:
    with pytest.raises(BadInput, match=wanted):
        headed(models.build(MODEL, VOCAB_SIZE, seed=0), settings, languages=languages, concepts=3, seed=0)
