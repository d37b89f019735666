"""Nearest neighbours against scikit-learn and against CSLS and margin worked out pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from workbench.errors import BadInput
from workbench.evaluation import neighbours as module
from workbench.evaluation.neighbours import MEASURES, best, crowding, neighbours, unit


def vectors(seed: int, n: int, width: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, width)).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_same_neighbours_as_scikit_learn(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BLOCK", 32)  # several blocks, the last not full
    queries, candidates = vectors(0, 75), vectors(1, 90)
    distance, index = (
        NearestNeighbors(n_neighbors=5, metric=metric, algorithm="brute").fit(candidates).kneighbors(queries)
    )
    found = neighbours(queries, candidates, 5, metric)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.index, index)
    wanted = 1 - distance if metric == "cosine" else -(distance**2)
    np.testing.assert_allclose(found.score, wanted, atol=2e-5)


def by_hand(queries: np.ndarray, candidates: np.ndarray, measure: str) -> np.ndarray:
    scores = np.empty((len(queries), len(candidates)))
    for i, x in enumerate(queries):
        for j, y in enumerate(candidates):
            crowd_x = np.mean(sorted((unit(x) @ unit(c) for c in candidates), reverse=True)[:10])
            crowd_y = np.mean(sorted((unit(y) @ unit(q) for q in queries), reverse=True)[:10])
            cosine = unit(x) @ unit(y)
            scores[i, j] = 2 * cosine - crowd_x - crowd_y if measure == "csls" else cosine / (crowd_x / 2 + crowd_y / 2)
    return scores


@pytest.mark.parametrize("measure", ["csls", "margin"])
def test_csls_and_margin_as_worked_out_pair_by_pair(measure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BLOCK", 8)
    queries, candidates = vectors(2, 13) + 0.5, vectors(3, 17) + 0.5
    wanted = by_hand(queries, candidates, measure)
    found = neighbours(queries, candidates, 3, measure)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.index, np.argsort(-wanted, axis=1)[:, :3])
    np.testing.assert_allclose(found.score, -np.sort(-wanted, axis=1)[:, :3], atol=2e-5)


def test_csls_lets_go_of_a_hub() -> None:
    # the last candidate is near to everything; the first three are each near to their own query
    queries = np.eye(3, 4, dtype=np.float32) + 0.8
    candidates = np.vstack([0.6 * np.eye(3, 4) + 0.8, np.full((1, 4), 1.0)]).astype(np.float32)
    crowd = crowding(unit(candidates), unit(queries))
    assert crowd[3] > crowd[:3].max()
    assert neighbours(queries, candidates, 1, "csls").index[:, 0].tolist() == [0, 1, 2]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_a_vector_among_the_candidates_is_its_own_nearest(n: int, more: int, seed: int) -> None:
    own, others = vectors(seed, n), 0.1 * vectors(seed + 100, more)
    for measure in ("cosine", "euclidean"):
        found = neighbours(own, np.vstack([own, others]), 1, measure)  # type: ignore[arg-type]
        np.testing.assert_allclose(found.score[:, 0], 1.0 if measure == "cosine" else 0.0, atol=1e-3)


@given(st.integers(1, 6), st.integers(1, 700), st.integers(1, 12), st.sampled_from([3, 40, 10**6]), st.integers(0, 3))
def test_the_best_of_each_row_are_those_of_a_stable_sort(n: int, m: int, k: int, distinct: int, seed: int) -> None:
    # up to 700 columns: with chunks and without; few distinct values: ties within and around the best
    scores = np.random.default_rng(seed).integers(0, distinct, (n, m)).astype(np.float32)
    k = min(k, m)
    index, score = best(scores, k)
    wanted = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(index, wanted)
    np.testing.assert_array_equal(score, np.take_along_axis(scores, wanted, axis=1))


def test_many_candidates_give_what_scikit_learn_gives() -> None:
    queries, candidates = vectors(4, 20), vectors(5, 2000)
    _, index = NearestNeighbors(n_neighbors=10, metric="cosine", algorithm="brute").fit(candidates).kneighbors(queries)
    np.testing.assert_array_equal(neighbours(queries, candidates, 10).index, index)


def test_a_vector_of_zeros_is_near_to_nothing_by_every_measure() -> None:
    queries = np.vstack([np.zeros((1, 12), np.float32), vectors(6, 3)])
    for measure in MEASURES:
        assert np.isfinite(neighbours(queries, np.vstack([queries, np.zeros((1, 12))]), 2, measure).score).all()


def test_equal_scores_go_to_the_lower_index() -> None:
    same = np.ones((4, 3), np.float32)
    assert neighbours(same[:1], same, 3).index[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("measure", MEASURES)
def test_bad_vectors_are_refused(measure: str) -> None:
    good = vectors(0, 4)
    bad = good.copy()
    bad[2, 1] = np.nan
    with pytest.raises(BadInput, match="candidate 2 holds a value that is not finite"):
        neighbours(good, bad, 1, measure)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="one width"):
        neighbours(good, vectors(0, 4, width=3), 1, measure)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="5 candidates, got 4 and 4"):
        neighbours(good, good, 5, measure)  # type: ignore[arg-type]
