"""Retrieval of translations."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.evaluation.alignment import (
    VARIANTS,
    Retrieval,
    correct_by_similarity,
    moved_by_others,
    retrieval,
)


def found(pivot: np.ndarray, target: np.ndarray) -> dict[tuple[str, str, int | None], Retrieval]:
    return {(one.method, one.direction, one.layer): one for one in retrieval(pivot, target, seed=0)}


def cloud(layers: int = 2, size: int = 40, width: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(layers, size, width))


def test_identical_embeddings_are_always_found() -> None:
    assert all(one.accuracy == 1.0 for one in retrieval(cloud(), cloud(), seed=0))


def test_every_variant_layer_and_direction_is_there_once() -> None:
    assert len(found(cloud(3), cloud(3))) == len(VARIANTS) * 2 * 3


def test_a_translated_cloud_is_found_by_the_mean_difference_and_not_by_plain_cosine() -> None:
    here = cloud(1)
    there = here + 500.0 * np.eye(8)[0] - 300.0 * np.eye(8)[1]
    accuracy = {key: one.accuracy for key, one in found(here, there).items()}
    for direction in ("pivot>target", "target>pivot"):
        assert accuracy["paper", direction, 0] == 1.0
        assert accuracy["held-out", direction, 0] == 1.0
        assert accuracy["centred-cosine", direction, 0] == 1.0
        assert accuracy["cosine", direction, 0] < 1.0


@pytest.mark.parametrize(("size", "width", "rounds"), [(6, 300, 1000), (20, 64, 1000), (100, 16, 300)])
def test_unrelated_clouds_are_found_by_chance_whoever_fits_the_mean_difference(
    size: int, width: int, rounds: int
) -> None:
    # few sentences, many dimensions: each has a large part in the mean difference
    rng = np.random.default_rng(1)
    pairs = [(rng.normal(size=(1, size, width)), rng.normal(size=(1, size, width))) for _ in range(rounds)]
    for variant in ("paper", "held-out"):
        accuracies = [
            one.accuracy for here, there in pairs for one in retrieval(here, there, seed=0) if one.method == variant
        ]
        least = 0.83 if variant == "held-out" and size < 50 else 0.93  # `moved_by_others` says why
        assert least < np.mean(accuracies) * size < 1.07, variant


def test_a_held_out_candidate_is_moved_by_fitted_pairs_without_its_own() -> None:
    rng = np.random.default_rng(2)
    here, there = rng.normal(size=(2, 7, 3))
    fitted, tested = np.array([1, 4, 6]), np.array([0, 2, 3, 5])
    moved = moved_by_others(here, there, tested, fitted)
    left_out = {1: 1, 4: 4, 6: 6, 0: 1, 2: 4, 3: 6, 5: 1}
    for number in range(7):
        others = [one for one in fitted if one != left_out[number]]
        np.testing.assert_allclose(moved[number], there[number] - (there[others] - here[others]).mean(axis=0))


def test_three_sentences_by_hand() -> None:
    # Differences (1, 0), (1, 0), (4, 0): mean (2, 0). Moved queries x = 2, 12, 22 against targets x = 1, 11, 24.
    here = np.array([[[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]]])
    there = np.array([[[1.0, 0.0], [11.0, 0.0], [24.0, 0.0]]])
    one = found(here, there)["paper", "pivot>target", 0]
    assert one.correct.tolist() == [1.0, 1.0, 1.0]
    assert (one.n, one.chance) == (3, pytest.approx(1 / 3))


def test_ties_share_the_credit() -> None:
    similarity = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0], [3.0, 0.0, 1.0]])
    assert correct_by_similarity(similarity).tolist() == [0.5, 1.0, 0.0]
    assert correct_by_similarity(np.zeros((4, 4))).mean() == 0.25  # knowing nothing is chance, not 1/N by order


def test_unequal_numbers_of_sentences_are_refused() -> None:
    with pytest.raises(ValueError, match="two equal shapes"):
        retrieval(cloud(), cloud(size=39), seed=0)
