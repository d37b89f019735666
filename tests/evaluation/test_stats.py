"""Intervals and tests against hand-computed values and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from workbench.evaluation import stats


def test_the_interval_over_three_seeds_by_hand() -> None:
    # mean 2, sd 1, t(0.975, 2) = 4.302653, half-width 4.302653 / sqrt(3)
    found = stats.over_seeds([1.0, 2.0, 3.0])
    assert found.value == 2.0
    assert found.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert stats.standard_deviation([1.0, 2.0, 3.0]) == 1.0


def test_the_interval_over_seeds_agrees_with_scipy() -> None:
    values = [2.41, 2.39, 2.44, 2.40, 2.47]
    low, high = scipy_stats.t.interval(0.95, 4, loc=np.mean(values), scale=scipy_stats.sem(values))
    assert stats.over_seeds(values).low == pytest.approx(low)
    assert stats.over_seeds(values).high == pytest.approx(high)


def test_one_seed_has_no_bounds() -> None:
    assert stats.over_seeds([1.5]) == stats.Interval(1.5, -math.inf, math.inf, 1)


def test_the_bootstrap_agrees_with_the_normal_interval_of_a_large_sample() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 2000)
    found = stats.bootstrap_mean(values, seed=0, num_resamples=4000)
    half = 1.96 * values.std(ddof=1) / math.sqrt(2000)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.value == pytest.approx(half, rel=0.1)
    assert found.value - found.low == pytest.approx(half, rel=0.1)


def test_the_bootstrap_of_a_ratio_weighs_items_by_their_denominators() -> None:
    found = stats.bootstrap_ratio([10.0, 1.0], [10.0, 2.0], seed=0)
    assert found.value == pytest.approx(11 / 12)  # not the mean of 1 and 1/2
    assert 0.5 <= found.low <= found.high <= 1.0
    assert stats.bootstrap_ratio([10.0, 1.0], [10.0, 2.0], seed=0) == found


def test_constant_items_have_an_interval_of_no_width() -> None:
    found = stats.bootstrap_mean([0.5] * 7, seed=0)
    assert (found.low, found.high, found.n) == (0.5, 0.5, 7)


def test_a_paired_bootstrap_sees_a_small_difference_that_separate_intervals_hide() -> None:
    rng = np.random.default_rng(2)
    first = rng.normal(0.0, 5.0, 200)
    second = first - 0.1 + rng.normal(0.0, 0.1, 200)
    paired = stats.paired_bootstrap(first, second, seed=0)
    assert paired.low > 0.0
    assert stats.bootstrap_mean(first, 0).low < stats.bootstrap_mean(second, 0).high


def test_unequal_or_empty_items_are_refused() -> None:
    with pytest.raises(ValueError, match="equally many"):
        stats.bootstrap_ratio([1.0], [1.0, 2.0], seed=0)
    with pytest.raises(ValueError, match="at least one"):
        stats.bootstrap_mean([], seed=0)
