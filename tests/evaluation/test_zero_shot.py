"""Zero-shot intents."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.config import Evaluate
from workbench.errors import BadInput
from workbench.evaluation.zero_shot import View, fine_tune
from workbench.models.encoder import Encoder
from workbench.records import Lang, Pair
from workbench.tokenizer.processor import Tokenizer

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")
VERBS = {"open": "Open", "close": "Close", "find": "Find", "paint": "Paint"}
SETTINGS = Evaluate(intent_steps=60, intent_batch_size=16, intent_learning_rate=2e-2, pseudo_share=0.5)


def requests(room: str, lang: Lang = ENGLISH, verbs: dict[str, str] = VERBS) -> list[Pair]:
    things = ("door", "window", "garage", "curtain")
    return [
        Pair(f"{verb}{thing}", f"{verb} the {thing} in the {room}", label, lang, "intent")
        for verb, label in verbs.items()
        for thing in things
    ]


@pytest.mark.parametrize("view", ["embeddings", "encoder"])
def test_both_views_learn_intents_that_one_word_gives_away(model: Encoder, tokenizer: Tokenizer, view: View) -> None:
    found = fine_tune(model, tokenizer, requests("kitchen"), [], requests("garden"), SETTINGS, 0, view)
    assert found.accuracy(requests("office")) >= 0.9
    assert found.correct(requests("office")).shape == (16,)


def test_pseudo_labelled_examples_teach_words_that_the_pivot_s_do_not_have(
    model: Encoder, tokenizer: Tokenizer
) -> None:
    welsh = {"agor": "Open", "cau": "Close", "darganfod": "Find", "peintio": "Paint"}
    pseudo, test = requests("kitchen", WELSH, welsh), requests("office", WELSH, welsh)
    dev = requests("garden")
    without = fine_tune(model, tokenizer, requests("kitchen"), [], dev, SETTINGS, 0)
    with_pseudo = fine_tune(model, tokenizer, requests("kitchen"), pseudo, dev, SETTINGS, 0)
    assert with_pseudo.accuracy(test) > without.accuracy(test) + 0.3


def test_the_same_seed_gives_the_same_classifier(model: Encoder, tokenizer: Tokenizer) -> None:
    one, other = (
        fine_tune(model, tokenizer, requests("kitchen"), [], requests("garden"), SETTINGS, 5) for _ in range(2)
    )
    assert np.array_equal(one.weights.linear, other.weights.linear)
    assert (one.step, one.dev_accuracy) == (other.step, other.dev_accuracy)


def test_the_given_model_is_left_as_it_was(model: Encoder, tokenizer: Tokenizer) -> None:
    before = np.array(model.embedding[...])
    fine_tune(model, tokenizer, requests("kitchen"), [], requests("garden"), SETTINGS, 0)
    assert np.array_equal(before, model.embedding[...])


def test_choosing_on_target_sentences_is_refused(model: Encoder, tokenizer: Tokenizer) -> None:
    with pytest.raises(BadInput, match="training language's dev set alone"):
        fine_tune(model, tokenizer, requests("kitchen"), [], requests("garden", WELSH), SETTINGS, 0)


def test_one_intent_is_not_enough(model: Encoder, tokenizer: Tokenizer) -> None:
    only = requests("kitchen", verbs={"open": "Open"})
    with pytest.raises(BadInput, match="at least two intents"):
        fine_tune(model, tokenizer, only, [], only, SETTINGS, 0)
