"""Noise by hand: T5's counts, and that every arrangement is as likely as it should be."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.objectives import spans


@pytest.mark.parametrize(
    ("num_tokens", "noise", "num_spans"),
    [(0, 0, 0), (1, 0, 0), (2, 1, 1), (10, 2, 1), (30, 4, 1), (512, 77, 26), (568, 85, 28)],
)
def test_t5s_counts_by_hand(num_tokens: int, noise: int, num_spans: int) -> None:
    assert spans.t5_counts(num_tokens, 0.15, 3.0) == (noise, num_spans)


def test_spans_are_never_more_than_the_tokens_between_them() -> None:
    assert spans.t5_counts(10, 0.9, 1.0) == (9, 1)
    assert spans.t5_counts(10, 0.5, 1.0) == (5, 5)


@given(
    sizes=st.lists(st.integers(0, 40), max_size=6),
    rate=st.floats(0.01, 0.99),
    mean=st.floats(1.0, 6.0),
    seed=st.integers(0, 99),
)
def test_noise_has_exactly_the_counted_tokens_and_spans_and_comes_last(
    sizes: list[int], rate: float, mean: float, seed: int
) -> None:
    noise = spans.t5_noise(np.array(sizes, int), rate, mean, np.random.default_rng(seed))
    for size, mask in zip(sizes, np.split(noise, np.cumsum(sizes)[:-1]) if sizes else [], strict=True):
        num_noise, num_spans = spans.t5_counts(size, rate, mean)
        assert mask.sum() == num_noise
        assert np.count_nonzero(np.diff(mask.astype(int), prepend=0) == 1) == num_spans
        if size >= 2:
            assert not mask[0]
            assert mask[-1]


@given(
    sizes=st.lists(st.integers(0, 40), max_size=6),
    rate=st.floats(0.01, 0.99),
    mean=st.floats(1.0, 6.0),
    seed=st.integers(0, 99),
)
def test_free_noise_has_exactly_the_counted_tokens(sizes: list[int], rate: float, mean: float, seed: int) -> None:
    noise = spans.free_noise(np.array(sizes, int), rate, mean, np.random.default_rng(seed))
    for size, mask in zip(sizes, np.split(noise, np.cumsum(sizes)[:-1]) if sizes else [], strict=True):
        num_noise, num_spans = spans.t5_counts(size, rate, mean)
        assert mask.sum() == num_noise
        assert np.count_nonzero(np.diff(mask.astype(int), prepend=0) == 1) <= num_spans


def test_free_noise_is_as_likely_at_one_place_as_at_another_where_spans_are_single_tokens() -> None:
    noise = spans.free_noise(np.full(4000, 8), 0.25, 1.0, np.random.default_rng(0)).reshape(4000, 8)
    assert noise.mean(axis=0) == pytest.approx(np.full(8, 0.25), abs=0.025)
    first_span = spans.free_noise(np.full(4000, 5), 0.4, 2.0, np.random.default_rng(0)).reshape(4000, 5).argmax(axis=1)
    assert np.bincount(first_span) / 4000 == pytest.approx(np.full(4, 0.25), abs=0.025)


def test_all_compositions_are_equally_likely() -> None:
    count = 6000
    sizes = spans.compositions(np.tile([5, 0, 1], count), np.tile([3, 0, 1], count), np.random.default_rng(0))
    found = Counter(map(tuple, sizes.reshape(count, 4).tolist()))
    assert set(found) == {(a, b, 5 - a - b, 1) for a in range(1, 4) for b in range(1, 5 - a)}
    assert len(found) == 6
    assert all(times == pytest.approx(count / 6, rel=0.12) for times in found.values())


def test_poisson_spans_are_as_many_and_as_often_empty_as_the_distribution_says() -> None:
    dropped, before, after = spans.poisson_spans(np.array([20_000]), 0.3, 3.0, np.random.default_rng(0))
    num_spans = before.sum() + after.sum()
    assert dropped.sum() == 6000  # the budget, exactly
    assert num_spans == pytest.approx(6000 / 3.0, rel=0.03)
    spans_and_runs = np.count_nonzero(np.diff(dropped.astype(int), prepend=0) == 1)
    empty = np.count_nonzero(before[~dropped]) + after.sum()  # nearly all empty spans stand before a kept token
    assert empty / num_spans == pytest.approx(np.exp(-3.0), abs=0.02)
    assert spans_and_runs < num_spans


@given(sizes=st.lists(st.integers(0, 30), max_size=6), rate=st.floats(0.01, 0.99), mean=st.floats(0.05, 6.0))
def test_poisson_spans_meet_the_budget_and_never_outnumber_it(sizes: list[int], rate: float, mean: float) -> None:
    dropped, before, after = spans.poisson_spans(np.array(sizes, int), rate, mean, np.random.default_rng(1))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    for number, size in enumerate(sizes):
        here = owner == number
        budget = round(rate * size)
        assert dropped[here].sum() == budget
        assert (1 if budget else 0) <= before[here].sum() + after[here].sum() <= budget
        assert not after[here][:-1].any()


def test_an_empty_span_may_stand_anywhere_from_the_first_token_to_the_end() -> None:
    places: Counter[int] = Counter()
    for seed in range(400):
        _, before, after = spans.poisson_spans(np.array([4]), 0.5, 0.3, np.random.default_rng(seed))
        places.update(np.flatnonzero(before).tolist() + [4] * int(after.sum()))
    assert set(places) == {0, 1, 2, 3, 4}
