"""Word alignment on sentences small enough to align by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.evaluation.word_alignment import align, alignment_error_rate, round_trip

WORDS = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def test_each_others_nearest_are_linked_and_nobody_else() -> None:
    target = np.array([[0.0, 2.0, 0.1], [3.0, 0.0, 0.0], [1.0, 0.2, 0.0]])  # no word for the third
    assert align(WORDS, target) == {(0, 1), (1, 0)}
    assert align(WORDS, target, "matching") == {(0, 1), (1, 0), (2, 2)}


def test_the_error_rate_of_och_and_ney_by_hand() -> None:
    found = [frozenset({(0, 0), (1, 1), (2, 1)}), frozenset({(0, 1)})]
    sure = [frozenset({(0, 0), (1, 1)}), frozenset({(0, 0)})]
    possible = [frozenset({(2, 1)}), frozenset()]
    # 2 of the found are sure, 3 are at least possible; 4 found and 3 sure
    assert alignment_error_rate(found, sure, possible) == pytest.approx(1 - (2 + 3) / (4 + 3))
    assert alignment_error_rate(sure, sure, possible) == 0.0
    with pytest.raises(BadInput, match="got 2, 2, 1"):
        alignment_error_rate(found, sure, possible[:1])


@given(st.integers(0, 100), st.integers(2, 5))
def test_words_that_mean_the_same_everywhere_all_return(seed: int, num_langs: int) -> None:
    rng = np.random.default_rng(seed)
    words = np.eye(7)
    route = [words] + [words[rng.permutation(7)] for _ in range(num_langs - 1)]
    assert round_trip(route).tolist() == [1.0] * 7


def test_a_word_lost_on_the_way_does_not_return() -> None:
    assert round_trip([WORDS, WORDS[:2], WORDS]).tolist() == [1.0, 1.0, 0.0]
    with pytest.raises(BadInput, match="at least two languages"):
        round_trip([WORDS])
    with pytest.raises(BadInput, match="got 3 and 0"):
        align(WORDS, WORDS[:0])
