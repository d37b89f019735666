"""Retrieval by every measure from shared products: equal to the slow definitions, and right on planted cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.evaluation import alignment, pairwise
from workbench.evaluation.neighbours import neighbours

RNG = np.random.default_rng(0)


def noisy(n: int, width: int = 10, noise: float = 0.8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    here = rng.standard_normal((n, width))
    return here, here + noise * rng.standard_normal((n, width)) + 0.3


def test_the_published_measures_are_those_of_the_slow_definitions() -> None:
    here, there = noisy(151)
    slow = {(one.method, one.direction): one.correct for one in alignment.retrieval(here[None], there[None], seed=3)}
    fast = {(one.method, one.direction): one.correct for one in pairwise.retrieval(here, there, 0, seed=3)}
    assert slow.keys() < fast.keys()
    for key, correct in slow.items():
        np.testing.assert_array_equal(correct, fast[key])


@pytest.mark.parametrize("measure", ["cosine", "euclidean", "csls", "margin"])
def test_the_nearest_are_those_of_the_search(measure: str) -> None:
    here, there = noisy(130, seed=1)
    forth, back = pairwise.retrieval(here, there, 2, [measure])  # type: ignore[list-item]
    for found, queries, candidates in ((forth, here, there), (back, there, here)):
        nearest = neighbours(queries, candidates, 1, measure).index[:, 0]  # type: ignore[arg-type]
        np.testing.assert_array_equal(found.correct, nearest == np.arange(130))
        assert found.layer == 2


def test_identical_spaces_give_everything() -> None:
    same = RNG.standard_normal((300, 8))
    assert {found.accuracy for found in pairwise.retrieval(same, same, 0)} == {1.0}


def test_a_constant_offset_is_undone_by_the_mean_difference_and_by_centring_alone() -> None:
    here = RNG.standard_normal((300, 8))
    found = {one.method: one.accuracy for one in pairwise.retrieval(here, here + 40.0 * RNG.standard_normal(8), 0)}
    assert found["paper"] == found["held-out"] == found["centred-cosine"] == 1.0
    assert found["euclidean"] < 0.1
    assert found["cosine"] < 0.5


def test_unrelated_spaces_give_chance() -> None:
    n = 1000
    for found in pairwise.retrieval(RNG.standard_normal((n, 8)), RNG.standard_normal((n, 8)), 0):
        assert found.chance == 1 / n
        assert found.accuracy < 0.006  # six times chance


def test_the_held_out_half_knows_nothing_of_the_tested_pairs() -> None:
    # each pair lies along one direction that the other half does not share: only the leak finds anything
    n = 40
    first = np.isin(np.arange(n), alignment.halves(n, 0)[0][0])
    here = RNG.standard_normal((n, 6))
    there = here + np.where(first[:, None], 30.0, -30.0)
    found = {one.method: one.accuracy for one in pairwise.retrieval(here, there, 0, ["held-out", "paper"])}
    assert found["held-out"] < 0.3


@given(st.integers(2, 9), st.integers(0, 4))
def test_equal_candidates_share_the_point(copies: int, seed: int) -> None:
    one = np.random.default_rng(seed).standard_normal((1, 5))
    same = np.repeat(one, copies, axis=0)
    for found in pairwise.retrieval(same, same, 0, ["cosine", "euclidean", "csls"]):
        np.testing.assert_allclose(found.correct, 1 / copies)


def test_bad_vectors_are_refused() -> None:
    good = RNG.standard_normal((5, 3))
    with pytest.raises(BadInput, match="equal shapes"):
        pairwise.retrieval(good, good[:4], 0)
    with pytest.raises(BadInput, match="not finite"):
        pairwise.retrieval(good, np.full((5, 3), np.inf), 0)
    zeros = np.zeros((4, 3))
    assert all(np.isfinite(found.correct).all() for found in pairwise.retrieval(zeros, zeros, 0))
