"""Bilingual lexicon induction: planted maps are found, random ones are not, scipy agrees."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from workbench.errors import BadInput
from workbench.evaluation.word_translation import procrustes, refined, word_translation

RNG = np.random.default_rng(0)
SOURCE = RNG.standard_normal((400, 20)).astype(np.float32)
ROTATION = np.linalg.qr(RNG.standard_normal((20, 20)))[0]
TRAIN = [(row, row) for row in range(200)]
TEST = {row: [row] for row in range(200, 400)}


def test_procrustes_is_that_of_scipy() -> None:
    target = RNG.standard_normal((400, 20))
    wanted, _ = orthogonal_procrustes(SOURCE, target)
    np.testing.assert_allclose(procrustes(SOURCE, target), wanted, atol=1e-9)


def test_a_pure_rotation_is_undone() -> None:
    target = SOURCE @ ROTATION
    np.testing.assert_allclose(procrustes(SOURCE, target), ROTATION, atol=1e-5)
    assert word_translation(SOURCE, target, TRAIN, TEST).precision == (1.0, 1.0, 1.0)
    assert word_translation(SOURCE, target, [], TEST, map="none").precision[0] < 0.05


def test_random_vectors_give_chance() -> None:
    target = RNG.standard_normal((400, 20)).astype(np.float32)
    for map in ("none", "procrustes", "refined"):
        found = word_translation(SOURCE, target, TRAIN, TEST, map=map)  # type: ignore[arg-type]
        assert found.num_candidates == 400
        one, five, ten = found.precision
        assert one < 0.05
        assert five < 0.08
        assert ten < 0.12


def test_refinement_mends_a_map_learnt_from_too_few_noisy_pairs() -> None:
    target = SOURCE @ ROTATION + 0.35 * RNG.standard_normal(SOURCE.shape)
    few = TRAIN[:12]
    once = word_translation(SOURCE, target, few, TEST, map="procrustes").precision[0]
    again = word_translation(SOURCE, target, few, TEST, map="refined").precision[0]
    assert again > once + 0.05
    rotation = refined(SOURCE, target, few)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(20), atol=1e-6)


def test_any_of_a_words_translations_counts_and_p_at_k_grows() -> None:
    target = np.vstack([SOURCE, 0.9 * SOURCE + 0.05]).astype(np.float32)  # every word twice
    test = {row: [row + 400] for row in range(50)}
    one, five, _ = word_translation(SOURCE, target, [], test, map="none", measure="cosine").precision
    assert one < five == 1.0
    both = {row: [row, row + 400] for row in range(50)}
    assert word_translation(SOURCE, target, [], both, map="none", measure="cosine").precision[0] == 1.0


def test_a_test_word_that_was_trained_on_is_refused() -> None:
    with pytest.raises(BadInput, match="1 words are in both train and test, such as row 7"):
        word_translation(SOURCE, SOURCE, TRAIN, {7: [7]})
    with pytest.raises(BadInput, match="needs training pairs"):
        word_translation(SOURCE, SOURCE, [], TEST)
    with pytest.raises(BadInput, match="at least one translation each"):
        word_translation(SOURCE, SOURCE, TRAIN, {300: []})
