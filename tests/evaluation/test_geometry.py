"""Measures of a space's shape, against values worked by hand, other formulas, and planted cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew, spearmanr

from workbench.errors import BadInput
from workbench.evaluation import geometry

RNG = np.random.default_rng(0)
ITEMS = RNG.standard_normal((60, 8))


def test_cka_by_the_trace_formula_and_its_invariances() -> None:
    other = RNG.standard_normal((60, 5))
    centring = np.eye(60) - 1 / 60
    k, l_ = ITEMS @ ITEMS.T, other @ other.T
    hsic = [np.trace(a @ centring @ b @ centring) for a, b in ((k, l_), (k, k), (l_, l_))]
    assert geometry.linear_cka(ITEMS, other) == pytest.approx(hsic[0] / np.sqrt(hsic[1] * hsic[2]))
    rotation = np.linalg.qr(RNG.standard_normal((8, 8)))[0]
    assert geometry.linear_cka(ITEMS, 3.0 * ITEMS @ rotation + 1.0) == pytest.approx(1.0)


def test_rsa_is_spearmans_over_all_pairs_of_items() -> None:
    other = RNG.standard_normal((60, 5))
    cosines = []
    for vectors in (ITEMS, other):
        scaled = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines.append([scaled[i] @ scaled[j] for i in range(60) for j in range(i + 1, 60)])
    assert geometry.rsa(ITEMS, other) == pytest.approx(spearmanr(*cosines).statistic)
    assert geometry.rsa(ITEMS, 2 * ITEMS) == pytest.approx(1.0)
    with pytest.raises(BadInput, match="60 and 59"):
        geometry.rsa(ITEMS, ITEMS[:59])


def test_mean_cosine_over_all_ordered_pairs() -> None:
    scaled = ITEMS / np.linalg.norm(ITEMS, axis=1, keepdims=True)
    pairs = [scaled[i] @ scaled[j] for i in range(60) for j in range(60) if i != j]
    assert geometry.mean_cosine(ITEMS) == pytest.approx(np.mean(pairs))
    assert geometry.mean_cosine(np.ones((5, 3))) == pytest.approx(1.0)


def test_iso_score_at_its_ends() -> None:
    line = np.outer(np.arange(50.0), [1.0, 2.0, 0.5])
    assert geometry.iso_score(line) == pytest.approx(0.0, abs=1e-6)
    cross = np.vstack([np.eye(3), -np.eye(3)])
    assert geometry.iso_score(cross) == pytest.approx(1.0)
    assert 0.0 < geometry.iso_score(ITEMS * [5, 1, 1, 1, 1, 1, 1, 1]) < geometry.iso_score(ITEMS)


def test_hubness_is_the_skewness_of_occurrences() -> None:
    candidates = RNG.standard_normal((40, 8))
    scaled = candidates / np.linalg.norm(candidates, axis=1, keepdims=True)
    counts = np.zeros(40)
    for query in ITEMS:
        counts[np.argsort(-(scaled @ query))[:3]] += 1
    assert geometry.hubness(ITEMS, candidates, k=3) == pytest.approx(skew(counts))
    hub = np.vstack([scaled * 0.01 + 1.0, ITEMS.mean(axis=0)])
    assert geometry.hubness(np.abs(ITEMS), np.abs(hub), k=41) == 0.0  # everybody is everybody's neighbour


def test_of_vectors_among_themselves_none_is_its_own_neighbour() -> None:
    cosines = ITEMS @ ITEMS.T / np.outer(*[np.linalg.norm(ITEMS, axis=1)] * 2)
    np.fill_diagonal(cosines, -np.inf)
    counts = np.bincount(np.argsort(-cosines, axis=1)[:, :3].ravel(), minlength=len(ITEMS))
    assert geometry.hubness(ITEMS, k=3) == pytest.approx(skew(counts))
    assert geometry.hubness(np.ones((6, 4)), k=2) > 0.0  # all alike: the first ones stand for all


def test_a_constant_language_offset_vanishes_with_the_language_means() -> None:
    langs = ["a"] * 30 + ["b"] * 30
    meanings = [str(i) for i in range(30)] * 2
    spoken = np.vstack([ITEMS[:30] - 7.0, ITEMS[:30] + 7.0])
    centred = geometry.centred_by_language(spoken, langs)
    np.testing.assert_allclose(centred[:30], centred[30:], atol=1e-12)
    assert geometry.language_probe(spoken, langs, meanings, seed=0).mean() == 1.0
    assert geometry.language_probe(centred, langs, meanings, seed=0).mean() <= 0.6
    assert geometry.grouping(spoken, langs, seed=0).v_measure == pytest.approx(1.0)
    assert (
        geometry.grouping(centred, meanings, seed=0).silhouette > 0.5 > geometry.grouping(centred, langs, 0).silhouette
    )


def test_the_language_probe_never_tests_a_meaning_it_was_trained_on() -> None:
    # a vector that says only its meaning: known meanings would be told apart by language's noise, new ones cannot
    meanings = [str(i) for i in range(40)] * 2
    langs = ["a"] * 40 + ["b"] * 40
    vectors = np.vstack([np.eye(40)] * 2)
    right = geometry.language_probe(vectors, langs, meanings, seed=1)
    assert len(right) == 40
    assert right.mean() == 0.5
    with pytest.raises(BadInput, match="two languages"):
        geometry.language_probe(vectors, ["a"] * 80, meanings, seed=0)
    with pytest.raises(BadInput, match="between 2 and 79 labels, got 1"):
        geometry.grouping(vectors, ["a"] * 80, seed=0)
