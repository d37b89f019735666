"""Sentence embeddings."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from workbench.errors import BadInput
from workbench.evaluation.embed import bags_of_subwords, sentence_embeddings
from workbench.models.encoder import Encoder
from workbench.tokenizer.processor import Tokenizer

TEXTS = ["open the door in the kitchen now", "find the curtain", "paint the garage at seven"]


def test_packed_embeddings_equal_the_mean_over_each_sentence_run_alone(model: Encoder, tokenizer: Tokenizer) -> None:
    found = sentence_embeddings(model, tokenizer, TEXTS)
    assert found.shape == (3, len(TEXTS), 16)
    for number, text in enumerate(TEXTS[:2]):
        ids = jnp.asarray(tokenizer.encode(text))[None]
        alone = jax.jit(lambda model, ids: model(ids, jnp.ones_like(ids), jnp.indices(ids.shape)[1], hidden=True))
        hidden = alone(model, ids).hidden
        assert found[:, number] == pytest.approx(np.asarray(hidden[:, 0].mean(axis=1)), abs=1e-4)


def test_bags_of_subwords_are_layer_zero(model: Encoder, tokenizer: Tokenizer) -> None:
    bags = bags_of_subwords(model, tokenizer, TEXTS)
    assert bags == pytest.approx(sentence_embeddings(model, tokenizer, TEXTS)[0], abs=1e-5)


def test_a_sentence_s_embedding_does_not_depend_on_the_others(model: Encoder, tokenizer: Tokenizer) -> None:
    together = sentence_embeddings(model, tokenizer, TEXTS)
    assert sentence_embeddings(model, tokenizer, TEXTS[1:2])[:, 0] == pytest.approx(together[:, 1], abs=1e-5)


def test_an_empty_sentence_is_refused(model: Encoder, tokenizer: Tokenizer) -> None:
    for embed in (sentence_embeddings, bags_of_subwords):
        with pytest.raises(BadInput, match="empty"):
            embed(model, tokenizer, ["open", ""])
