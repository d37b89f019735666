"""Fine-tuning learns what can be learnt, chooses by dev, freezes what it is told to, and reads every word once."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from workbench import config, models
from workbench.errors import BadInput
from workbench.evaluation import fine_tune as module
from workbench.evaluation.fine_tune import FineTuned, fine_tune
from workbench.languages import parse
from workbench.models.encoder import Encoder
from workbench.models.leaves import named_leaves
from workbench.models.task_heads import pooled
from workbench.tasks.task import Example, Task
from workbench.tokenizer.processor import Tokenizer

ENGLISH, WELSH = parse("eng-Latn"), parse("cym-Latn")
JOINT = Task("own", "joint", "bio", ("exact_match",), Path(), "1", "", "")
SETTINGS = config.FineTune(
    steps=60,
    batch_size=8,
    checks=3,
    heads=config.Heads(dropout=0.0),
    optim=config.Optim(learning_rate=2e-2, warmup_steps=3),
)


def examples(lang: object = ENGLISH) -> list[Example]:
    found = []
    for verb, label in (("open", "Open"), ("close", "Close"), ("paint", "Paint")):
        for thing in ("door", "window", "garage", "curtain"):
            for room in ("kitchen", "garden"):
                words = (verb, "the", thing, "in", "the", room)
                tags = ("O", "O", "B-thing", "O", "B-room", "I-room")
                found.append(Example(" ".join(words), parse(str(lang)), " ".join(words), label, words, tags))
    return found


@pytest.fixture(scope="module")
def model(tokenizer: Tokenizer) -> Encoder:
    """One layer: half the time to compile."""
    small = config.Model(width=16, num_layers=1, num_heads=2, feed_forward=16, local_heads=1)
    return models.build(small, tokenizer.vocab.size, seed=0)


@pytest.fixture(scope="module")
def tuned(model: Encoder, tokenizer: Tokenizer) -> FineTuned:
    return fine_tune(model, tokenizer, JOINT, examples(), [], examples(), SETTINGS, seed=0)


def test_it_tells_how_far_it_is(model: Encoder, tokenizer: Tokenizer) -> None:
    heard: list[int] = []
    fine_tune(model, tokenizer, JOINT, examples(), [], examples(), SETTINGS, seed=0, told=heard.append)
    assert heard == [0, 10, 20, 30, 40, 50]


def test_labels_and_tags_are_learnt_and_the_best_checkpoint_is_kept(tuned: FineTuned) -> None:
    assert [one.step for one in tuned.checkpoints] == [20, 40, 60]
    assert tuned.best.dev == max(one.dev for one in tuned.checkpoints) > 0.9
    said = tuned.predict(examples())
    assert np.mean([one.predicted_tags == one.tags for one in said]) > 0.9
    assert [one.id for one in said] == [one.id for one in examples()]


def test_the_model_given_is_left_as_it_was_and_the_same_seed_gives_the_same_weights(
    model: Encoder, tokenizer: Tokenizer
) -> None:
    few = SETTINGS.model_copy(update={"steps": 4, "checks": 1})
    before = jax.tree.map(np.asarray, named_leaves(model))
    first, second = (fine_tune(model, tokenizer, JOINT, examples(), [], examples(), few, seed=0) for _ in range(2))
    for name, leaf in named_leaves(model).items():
        np.testing.assert_array_equal(before[name], leaf)
    for one, other in zip(jax.tree.leaves(first.best.weights), jax.tree.leaves(second.best.weights), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("freeze", ["embeddings", "encoder"])
def test_what_is_frozen_stays_bit_for_bit_and_the_rest_moves(
    model: Encoder, tokenizer: Tokenizer, freeze: config.Freeze
) -> None:
    few = SETTINGS.model_copy(update={"steps": 4, "checks": 1, "freeze": freeze})
    weights = fine_tune(model, tokenizer, JOINT, examples(), [], examples(), few, seed=0).best.weights
    old, new = named_leaves(model), named_leaves(weights.model)
    for name in old:
        same = np.array_equal(old[name], new[name])
        unread = name.startswith(("head", "vocab_bias"))  # the vocabulary's head has no part in the task
        assert same == (freeze == "encoder" or name == "embedding") or unread, name
    assert np.any(np.asarray(weights.heads.label.classes[...]))


def test_few_shot_goes_on_from_the_best_checkpoint(tuned: FineTuned) -> None:
    welsh = [Example(one.id, WELSH, one.text, "Open", one.words, one.tags) for one in examples(WELSH)]
    settings = tuned.settings.model_copy(update={"few_shot_steps": 30})
    some = FineTuned(tuned.task, tuned.names, tuned.tokenizer, settings, tuned.checkpoints, tuned.shapes)
    own = some.go_on(welsh[:10], seed=0)
    assert own.step == tuned.best.step + 30
    assert np.mean([one.predicted_label == "Open" for one in some.predict(welsh, own)]) > 0.9
    assert np.mean([one.predicted_label == "Open" for one in some.predict(welsh)]) < 0.6


def test_a_language_may_choose_its_own_checkpoint_where_that_is_asked(tuned: FineTuned) -> None:
    first = tuned.checkpoints[0]
    wanted = tuned.predict(examples(), first)
    dev = [Example(p.id, WELSH, p.id, p.predicted_label, tuple(p.id.split()), p.predicted_tags) for p in wanted]
    assert tuned.chosen_on(dev) == first
    with pytest.raises(BadInput, match="no dev examples"):
        tuned.chosen_on([])


def test_predictions_do_not_depend_on_what_else_is_read(tuned: FineTuned) -> None:
    long = " ".join(["open"] * 40)
    other = Example("long", WELSH, long, "Open", tuple(long.split()), ("O",) * 40)
    together = tuned.predict([*examples(), other])
    assert together[:-1] == tuned.predict(examples())
    assert len(together[-1].predicted_tags) == 40


HEADS: list[dict[str, Any]] = [
    {"layer": 0},
    {"layer": 1},
    {"pooling": "max"},
    {"pooling": "first"},
    {"tag_layer": 0},
    {"layer": 0, "tag_layer": 0},
]


def test_the_layers_and_the_pooling_change_the_program(model: Encoder, tokenizer: Tokenizer) -> None:
    heads = module.TaskHeads(model.settings.width, 2, 3, 0, np.random.default_rng(0))
    ids, lengths = np.ones((2, 8), np.int32), np.array([8, 3], np.int32)
    weights = module.Weights(model, heads)
    programs = {
        str(jax.make_jaxpr(partial(module._likeliest, program=module._program(settings)))(weights, ids, lengths))
        for settings in (
            SETTINGS,
            *(SETTINGS.model_copy(update={"heads": config.Heads(**changed)}) for changed in HEADS),
        )
    }
    assert len(programs) == 1 + len(HEADS)


def test_pooling_by_hand() -> None:
    states = np.array([[[1.0, -4.0], [3.0, 2.0], [50.0, 50.0]]], np.float32)
    real = np.array([[1, 1, 0]], np.int32)
    assert pooled(states, real, "mean").tolist() == [[2.0, -1.0]]
    assert pooled(states, real, "max").tolist() == [[3.0, 2.0]]
    assert pooled(states, real, "first").tolist() == [[1.0, -4.0]]


def test_what_cannot_be_fine_tuned_is_refused(model: Encoder, tokenizer: Tokenizer) -> None:
    def attempt(train: list[Example], dev: list[Example], **changed: object) -> None:
        fine_tune(model, tokenizer, JOINT, train, [], dev, SETTINGS.model_copy(update=changed), seed=0)

    with pytest.raises(BadInput, match="wanted training and dev examples"):
        attempt(examples(), [])
    with pytest.raises(BadInput, match="cym-Latn"):
        attempt(examples(), examples(WELSH))
    with pytest.raises(BadInput, match="more than the model's 1 layers"):
        attempt(examples(), examples(), heads=config.Heads(tag_layer=2))
    with pytest.raises(BadInput, match="at least two labels"):
        attempt(examples()[:4], examples())
