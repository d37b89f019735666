"""The monotonic pointer: its sum over alignments is that of all of them, one by one, and none goes back."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench import config, models
from workbench.models.attention import self_view
from workbench.models.monotonic import NEVER, MonotonicPointer, alignments
from workbench.models.transduce import beam, form_log_probabilities
from workbench.models.transducer import transducer_loss
from workbench.objectives.batch import Batch, Tokens

VOCAB_SIZE, BOS, EOS, FEATURE = 9, 1, 2, 8
SMALL = {"width": 16, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2, "feed_forward": 24, "local_heads": 1}


def built(seed: int = 0) -> models.Transducer:
    model = models.build_transducer(config.Transducer(**SMALL, monotonic_pointer=True), VOCAB_SIZE, seed)
    assert model.monotonic is not None
    model.monotonic.gate[...] = model.monotonic.gate[...] + 0.3  # copying is no rare thing
    model.monotonic.bias[...] = jnp.asarray(np.random.default_rng(seed).normal(size=model.monotonic.bias.shape))
    return model


def batch(words: list[list[int]], forms: list[list[int]], features: int = 1) -> Batch:
    """Rows of features, then a word, to be written as forms with their end."""
    length, longest = features + max(map(len, words)) + 1, max(map(len, forms)) + 1
    ids, segments, positions = (np.zeros((len(words), length), np.int32) for _ in range(3))
    given, targets, weights = (np.zeros((len(words), longest), np.int32) for _ in range(3))
    for row, (word, form) in enumerate(zip(words, forms, strict=True)):
        last = features + len(word)
        ids[row, :last], segments[row, :last] = [FEATURE] * features + word, 1
        positions[row, features:last] = np.arange(1, len(word) + 1)
        targets[row, : len(form) + 1], given[row, : len(form) + 1] = [*form, EOS], [BOS, *form]
        weights[row, : len(form) + 1] = 1
    decoder = Tokens(given, weights, np.arange(1, longest + 1) * weights)
    return Batch(
        ids,
        segments,
        positions,
        predict=None,
        targets=targets,
        weights=weights.astype(np.float32),
        decoder=decoder,
    )


class Pointed(NamedTuple):
    """Shapes: moves [B, T, S, S], logits [B, T, V], copying [B, T], copies [B, T, S]"""

    moves: np.ndarray
    logits: np.ndarray
    copying: np.ndarray
    copies: np.ndarray


@jax.jit
def parts_of(model: models.Transducer, asked: Batch) -> tuple[jax.Array, ...]:
    assert asked.decoder is not None
    assert model.monotonic is not None
    source, decoder = Tokens(asked.inputs, asked.segments, asked.positions), asked.decoder
    memory = model.encode(source)
    view = self_view(model.settings.stack, decoder.segments, decoder.positions, causal=True)
    across = model.across(decoder.segments, decoder.positions, source)
    final = model.decoder.run(model.embedding[...], decoder.ids, view, memory=memory, across=across).final
    scored = model.written(final, model.copy_keys(memory), source)
    moves = model.monotonic.moves(scored.copies, source)
    return moves, scored.logits, model.monotonic.copying(final), model(source, decoder).copies


def pointed(model: models.Transducer, asked: Batch) -> Pointed:
    return Pointed(*(np.asarray(one, np.float64) for one in parts_of(model, asked)))


def test_a_form_has_the_probability_of_all_its_alignments_that_never_go_back() -> None:
    model, word, forms = built(), [4, 5, 4, 6], [[4, 5, 6], [5, 5, 7, 6], [6, 4], [3], []]
    asked = batch([word, *[word] * 3, [7, 5]], forms)
    found = np.asarray(form_log_probabilities([model], asked))
    for row, form in enumerate(forms):
        moves, logits, copying, _ = (one[row] for one in pointed(model, asked))
        characters = asked.inputs[row][asked.positions[row] > 0]
        whole, total = np.log(np.exp(logits).sum(axis=1) + np.exp(copying)), 0.0
        for path in itertools.combinations_with_replacement(range(1, len(characters) + 1), len(form) + 1):
            log_p = 0.0
            for step, (place, c) in enumerate(zip(path, [*form, EOS], strict=True)):
                before = path[step - 1] if step else 0
                copied = np.exp(copying[step]) * (characters[place - 1] == c)
                log_p += moves[step, before, place] + np.log(np.exp(logits[step, c]) + copied) - whole[step]
            total += np.exp(log_p)
        np.testing.assert_allclose(found[row], np.log(total), rtol=1e-4)


def test_forms_of_two_characters_are_together_as_likely_as_they_may_be() -> None:
    """Whatever the pointer does, all continuations have a probability of one: of none, one, or two characters."""
    model, word = built(1), [4, 5, 6]
    characters = [one for one in range(VOCAB_SIZE) if one != EOS]
    ended = [list(form) for size in (0, 1) for form in itertools.product(characters, repeat=size)]
    going_on = [list(form) for form in itertools.product(characters, repeat=2)]
    asked = batch([word] * (len(ended) + len(going_on)), ended + going_on)
    asked = asked._replace(weights=asked.weights * (np.arange(3) < 2))  # nothing of how two go on
    assert np.exp(form_log_probabilities([model], asked)).sum() == pytest.approx(1.0, abs=1e-4)


def test_the_pointer_moves_forward_alone_and_stands_at_no_feature_and_no_padding() -> None:
    model = built(2)
    asked = batch([[4, 5, 6, 7, 5], [5, 6]], [[4, 4, 6, 7, 3, 3], [5]], features=2)
    found = pointed(model, asked)
    moves, characters = np.exp(found.moves), asked.positions > 0
    moves = moves * (asked.segments > 0)[:, None, :, None]  # from padding nothing is moved
    np.testing.assert_allclose(moves[:, :, 0].sum(axis=-1), 1.0, rtol=1e-5)
    assert (moves * np.tri(moves.shape[-1], k=-1) == 0).all()
    assert (np.moveaxis(moves, 3, 1)[~characters] == 0).all()
    places = np.where(characters[:, None], np.exp(found.copies - found.copying[:, :, None]), 0.0)
    np.testing.assert_allclose(places.sum(axis=-1), 1.0, rtol=1e-4)
    assert (np.exp(found.copies) * ~characters[:, None] == 0).all()


@jax.jit
def walk(
    pointer: MonotonicPointer, scores: jax.Array, odds: jax.Array, ids: jax.Array, source: Tokens
) -> tuple[jax.Array, jax.Array]:
    """Where the pointer stands at each step; and where it has stood, by what was written then."""
    found = alignments(pointer.moves(scores, source), odds, ids, source)
    same = ids[:, 1:, None] == source.ids[:, None]
    written = jnp.take_along_axis(odds[:, :-1], ids[:, 1:, None], axis=2)
    stood = jax.nn.log_softmax(found[:, :-1] + jnp.logaddexp(written, jnp.where(same, 0.0, NEVER)), axis=-1)
    return found, stood


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 40.0), st.integers(1, 6), st.integers(1, 2))
def test_mass_never_moves_back_whatever_the_scores(seed: int, scale: float, places: int, features: int) -> None:
    rng = np.random.default_rng(seed)
    asked = batch([[3 + place % 3 for place in range(places)]], [[]], features)
    source = Tokens(*(np.pad(one, [(0, 0), (0, 9 - one.shape[1])]) for one in asked[:3]))
    scores, odds = (jnp.asarray(rng.normal(size=(1, 7, size)) * scale, jnp.float32) for size in (9, 6))
    found, stood = (
        np.asarray(one, np.float64)[0]
        for one in walk(MonotonicPointer(4, rng), scores, odds, jnp.asarray(rng.integers(3, 6, (1, 7))), source)
    )
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=-1), 1.0, rtol=1e-4)
    assert (np.exp(found)[:, source.positions[0] == 0] == 0).all()
    reached, left = np.cumsum(np.exp(found[1:]), axis=-1), np.cumsum(np.exp(stood), axis=-1)
    assert (reached <= left + 1e-5).all()  # up to any place, there is never more than there was


def test_gradients_are_finite_where_a_row_is_all_padding_or_its_form_is_nothing_like_its_word() -> None:
    model = built(3)
    asked = batch([[4, 5, 6], [], [7] * 6], [[3, 3, 3, 3, 3, 3], [3], [7]])
    model.embedding[...] = model.embedding[...] * 30.0  # scores of hundreds
    loss, gradient = jax.jit(jax.value_and_grad(transducer_loss))(model, asked, None)
    assert np.isfinite(loss)
    for leaf in jax.tree.leaves(gradient):
        assert np.isfinite(leaf).all()
    assert np.abs(np.asarray(gradient.monotonic.gate)).max() > 0
    assert np.abs(np.asarray(gradient.monotonic.bias)).max() > 0


def test_what_is_found_has_the_score_that_training_gives_it() -> None:
    """Every hypothesis of a beam goes on from its own alignment; of each of several models."""
    word = [4, 5, 4, 6]
    asked = batch([word], [[]])
    voters = [built(6), built(7)]
    for model in voters:
        assert model.monotonic is not None
        model.embedding[...] = 0.5 * model.embedding[...]
        model.monotonic.gate[...] = 3.0 * model.monotonic.gate[...]  # so that much is copied
    source = Tokens(asked.inputs, asked.segments, asked.positions)
    found = beam(voters, source, max_new=6, bos=BOS, eos=EOS, num_beams=6, length_penalty=0.0)
    forms = np.asarray(found.ids[0]).tolist()
    assert len({tuple(form[:3]) for form in forms}) > 3
    assert all(set(form) & set(word) and EOS not in form for form in forms)
    again = batch([word] * len(forms), forms)
    again = again._replace(weights=again.weights * (np.arange(7) < 6))  # none has ended
    np.testing.assert_allclose(found.scores[0], form_log_probabilities(voters, again), rtol=1e-4)


def test_a_monotonic_pointer_needs_a_pointer() -> None:
    with pytest.raises(ValidationError, match="pointer = false"):
        config.Transducer(pointer=False, monotonic_pointer=True)
    with pytest.raises(ValidationError, match="monotonic"):
        config.Transducer.model_validate({"monotonic": True})  # what once said that cross-attention knows places
