"""Vectors of new pieces: what is kept is kept bit for bit, what is new is made of what it should be made of."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import config, models
from workbench.adaptation import initialise
from workbench.adaptation.static_vectors import static_vectors
from workbench.adaptation.surgery import Material, operate
from workbench.config.adapt import Initialise
from workbench.models.leaves import named_leaves
from workbench.models.published import XLMRSettings, empty
from workbench.records import Lang, Lexicon, Translation
from workbench.tokenizer.expand import extend
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train
from workbench.vocab import Vocab

ENGLISH, MALAYALAM = Lang("eng", "Latn"), Lang("mal", "Mlym")
NOUNS = ["cat", "dog", "house", "door", "river", "teacher", "window", "garden", "mountain", "question", "bicycle"]
TEXTS = [
    f"the {adjective} {noun} {verb} a {NOUNS[(place * 3 + 1) % len(NOUNS)]}"
    for adjective in ("red", "old", "small", "quiet")
    for place, noun in enumerate(NOUNS)
    for verb in ("sees", "likes", "opens", "follows")
]
WORDS = {"cat": "പൂച്ച", "dog": "നായ", "house": "വീട്", "door": "വാതിൽ", "river": "നദി", "red": "ചുവന്ന", "old": "പഴയ"}
PSEUDO = [" ".join(WORDS.get(word, word) for word in text.split()) for text in TEXTS]
LEXICON = Lexicon(ENGLISH, MALAYALAM, {key: (Translation(word),) for key, word in WORDS.items()}, "test")
MATERIAL = Material([LEXICON], TEXTS, PSEUDO)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "old.model"
    return train({ENGLISH: TEXTS}, config.Tokenizer(vocab_size=305, sample_bytes=10_000), path, seed=0)


@pytest.fixture(scope="module")
def new(old: Tokenizer) -> Tokenizer:
    return extend(old, {MALAYALAM: PSEUDO}, 40, characters="unseen", alpha=0.3, sample_bytes=9_000, seed=0)


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "replaced.model"
    settings = config.Tokenizer(vocab_size=320, sample_bytes=10_000)
    return train({ENGLISH: TEXTS[:9], MALAYALAM: PSEUDO}, settings, path, seed=0)


def _model(old: Tokenizer, kind: Literal["encoder", "decoder", "encoder-decoder"] = "encoder") -> models.Model:
    settings = config.Model(kind=kind, width=8, num_layers=1, num_heads=2, feed_forward=8, local_heads=0)
    model = models.build(settings, old.vocab.size, 0)
    biases = np.random.default_rng(0).normal(size=old.vocab.size).astype(np.float32)
    leaves = [biases if name == "vocab_bias" else leaf for name, leaf in named_leaves(model).items()]
    return jax.tree.unflatten(jax.tree.structure(model), [jnp.asarray(leaf) for leaf in leaves])


@pytest.mark.parametrize("how", get_args(Initialise))
def test_old_pieces_keep_their_vectors_bit_for_bit_and_every_other_weight_stays(
    how: Initialise, old: Tokenizer, new: Tokenizer
) -> None:
    model = _model(old)
    changed, report = operate(model, old, new, how, MATERIAL, seed=1)
    before, after = named_leaves(model), named_leaves(changed)
    for name in ("embedding", "vocab_bias"):
        assert after[name].shape[0] == new.vocab.size
        assert np.array_equal(after[name][: old.vocab.size], before[name])
    assert all(np.array_equal(after[name], before[name]) for name in before if "embedding" != name != "vocab_bias")
    assert np.isfinite(after["embedding"]).all()
    assert np.any(np.asarray(after["embedding"]) != 0, axis=1).all()
    assert report.num_kept == old.vocab.size
    assert report.num_dropped == 0
    assert report.num_kept + report.num_initialised + report.num_mean == new.vocab.size


def test_a_replaced_vocabulary_keeps_what_both_have_wherever_it_stands(old: Tokenizer, replaced: Tokenizer) -> None:
    model = _model(old)
    changed, report = operate(model, old, replaced, "overlap", MATERIAL, seed=0)
    before, after = np.asarray(model.embedding[...]), np.asarray(changed.embedding[...])
    shared = [piece for piece in replaced.pieces if piece in old.pieces]
    assert sum(initialise.is_text(old)[old.pieces.index(piece)] for piece in shared) > 5
    for piece in shared:
        assert np.array_equal(after[replaced.pieces.index(piece)], before[old.pieces.index(piece)])
    assert report.num_kept == len(shared)
    assert report.num_dropped == old.vocab.size - len(shared)


def test_the_old_text_means_to_the_extended_model_what_it_meant(old: Tokenizer, new: Tokenizer) -> None:
    model = _model(old)
    changed, _ = operate(model, old, new, "mean", MATERIAL, seed=0)
    ids = new.encode(TEXTS[0])[None]
    assert isinstance(model, models.Encoder)
    assert isinstance(changed, models.Encoder)
    before, after = (one(ids, np.ones_like(ids), np.arange(ids.shape[1])[None]).final for one in (model, changed))
    assert np.array_equal(before, after)
    assert np.allclose(model.logits(before), changed.logits(after)[..., : old.vocab.size], atol=1e-6)


def test_the_subword_average_is_the_mean_of_what_the_old_tokenizer_makes_of_the_piece(
    old: Tokenizer, new: Tokenizer
) -> None:
    model = _model(old)
    changed, _ = operate(model, old, new, "subword-average", MATERIAL, seed=0)
    for piece in new.pieces[old.vocab.size :]:
        ids = [old.pieces.index(f"<0x{byte:02X}>") for byte in piece.removeprefix("▁").encode()]
        ids += [old.pieces.index("▁")] * piece.startswith("▁")
        expected = np.asarray(model.embedding[...])[ids].mean(axis=0)
        assert np.allclose(changed.embedding[...][new.pieces.index(piece)], expected, atol=1e-6)


@dataclass(frozen=True)
class WholeWords:
    """One piece per word."""

    known: tuple[str, ...]

    @property
    def vocab(self) -> Vocab:
        return Vocab(Vocab(0).first_piece + len(self.known))

    @property
    def spelt(self) -> tuple[str, ...]:
        return (*(f"<{number}>" for number in range(Vocab(0).first_piece)), *(f"▁{word}" for word in self.known))

    def encode_all(self, texts: Sequence[str]) -> list[np.ndarray]:
        first = Vocab(0).first_piece
        return [np.array([first + self.known.index(word) for word in text.split()], np.int32) for text in texts]


def test_a_lexicon_of_identity_maps_gives_every_piece_its_own_vector_back() -> None:
    cutter = WholeWords(tuple(sorted({word for text in TEXTS for word in text.split()})))
    identity = Lexicon(ENGLISH, ENGLISH, {word: (Translation(word),) for word in cutter.known}, "identity")
    missing = np.flatnonzero(initialise.is_text(cutter))
    # words whose every company is the same, such as two adjectives, are one point of the static space
    texts = [*TEXTS, *(f"{word} the {other}" for word, other in itertools.pairwise(cutter.known))]
    weights = initialise.lexicon_aligned(cutter, cutter, missing, [identity], texts, neighbours=1).toarray()
    assert np.array_equal(weights[:, missing], np.eye(len(missing)))


def test_lexicon_aligned_makes_a_word_of_its_translation_and_its_like() -> None:
    english = WholeWords(tuple(sorted({word for text in TEXTS for word in text.split()})))
    cutter = WholeWords(tuple(sorted(WORDS.values())))
    missing = np.flatnonzero(initialise.is_text(cutter))
    weights = initialise.lexicon_aligned(english, cutter, missing, [LEXICON], TEXTS).toarray()
    for key, word in WORDS.items():
        row = weights[cutter.known.index(word)]
        assert np.isclose(row.sum(), 1.0)
        assert np.count_nonzero(row) == initialise.NEIGHBOURS
        assert np.isclose(row.max(), row[Vocab(0).first_piece + english.known.index(key)])


def test_without_any_material_every_new_piece_gets_the_mean_and_the_report_says_so(
    old: Tokenizer, new: Tokenizer
) -> None:
    model = _model(old)
    for how in ("lexicon-aligned", "overlap"):
        changed, report = operate(model, old, new, how, Material(), seed=0)
        assert report.num_initialised == 0
        assert report.num_mean == new.vocab.size - old.vocab.size
        mean = np.asarray(model.embedding[...])[initialise.is_text(old)].mean(axis=0)
        assert np.allclose(changed.embedding[...][old.vocab.size :], mean, atol=1e-6)


@pytest.mark.parametrize("kind", ["decoder", "encoder-decoder"])
def test_models_that_write_are_operated_on_too(
    kind: Literal["decoder", "encoder-decoder"], old: Tokenizer, new: Tokenizer
) -> None:
    changed, _ = operate(_model(old, kind), old, new, "random", MATERIAL, seed=0)
    assert changed.embedding[...].shape == (new.vocab.size, 8)


def test_a_published_encoder_is_operated_on_and_its_settings_know_the_new_size(old: Tokenizer, new: Tokenizer) -> None:
    settings = XLMRSettings(old.vocab.size, 8, 1, 2, 8, 40, 1, old.vocab.pad, "gelu", 1e-5)
    like = empty(settings, head=True)
    rng = np.random.default_rng(0)
    leaves = [jnp.asarray(rng.normal(size=leaf.shape).astype(np.float32)) for leaf in jax.tree.leaves(like)]
    model = jax.tree.unflatten(jax.tree.structure(like), leaves)
    changed, _ = operate(model, old, new, "overlap", MATERIAL, seed=0)
    assert changed.settings.vocab_size == new.vocab.size
    ids = new.encode(PSEUDO[0])[None]
    states = changed(ids, np.ones_like(ids), np.arange(ids.shape[1])[None]).final
    assert changed.logits(states).shape == (*ids.shape, new.vocab.size)


def test_static_vectors_put_words_of_the_same_company_together() -> None:
    texts = [f"{one} {verb} {two}" for one in ("a", "b") for verb in ("eats", "cooks") for two in ("x", "y")]
    ids = {word: number for number, word in enumerate(["a", "b", "eats", "cooks", "x", "y"])}
    vectors = static_vectors([np.array([ids[word] for word in text.split()]) for text in texts], len(ids), 5)
    assert np.allclose([vectors[0] @ vectors[1], vectors[2] @ vectors[3], vectors[4] @ vectors[5]], 1.0)
    assert vectors[0] @ vectors[2] < 0.5


@given(st.lists(st.lists(st.floats(-3, 3), min_size=4, max_size=4), min_size=1, max_size=4))
def test_sparsemax_is_the_nearest_point_of_the_simplex(rows: list[list[float]]) -> None:
    scores = np.array(rows)
    found = initialise.sparsemax(scores)
    assert np.all(found >= 0)
    assert np.allclose(found.sum(axis=1), 1.0)
    # where it is positive, the score is lowered by one number for all; elsewhere by no more than that
    for score, share in zip(scores, found, strict=True):
        threshold = (score - share)[share > 0]
        assert np.allclose(threshold, threshold[0])
        assert np.all(score[share == 0] <= threshold[0] + 1e-9)


def test_sparsemax_of_a_hand_worked_row() -> None:
    assert np.allclose(initialise.sparsemax(np.array([[1.0, 0.5, -1.0]])), [[0.75, 0.25, 0.0]])
