"""Intervals: over items by bootstrap, over seeds by Student's t. The sign-flip test is `reports.grid.sign_flip`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.seeds import stream

NUM_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate from `n` items (or seeds) and its 95 % interval."""

    value: float
    low: float
    high: float
    n: int


def bootstrap_mean(values: Sequence[float] | np.ndarray, seed: int, num_resamples: int = NUM_RESAMPLES) -> Interval:
    """Mean over items with a percentile bootstrap interval.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    return bootstrap_ratio(values, np.ones(len(values)), seed, num_resamples)


def bootstrap_ratio(
    numerators: Sequence[float] | np.ndarray,
    denominators: Sequence[float] | np.ndarray,
    seed: int,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval:
    """Sum of numerators over sum of denominators (bits per byte), items resampled together.

    Raises: ValueError without items.
    Random: (seed, number of items): measures over the same items are resampled alike.
    """
    top, bottom = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if len(top) == 0 or top.shape != bottom.shape:
        raise ValueError(
            f"wanted equally many numerators and denominators, at least one, got {top.shape}, {bottom.shape}"
        )
    counts = resamples(len(top), seed, num_resamples)
    low, high = np.quantile((counts @ top) / (counts @ bottom), [0.025, 0.975])
    return Interval(float(top.sum() / bottom.sum()), float(low), float(high), len(top))


def paired_bootstrap(
    first: Sequence[float] | np.ndarray,
    second: Sequence[float] | np.ndarray,
    seed: int,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval:
    """Mean of `first - second` over the same items, with its interval: no difference if it holds 0.

    Source: Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation".
    """
    return bootstrap_mean(np.asarray(first, np.float64) - np.asarray(second, np.float64), seed, num_resamples)


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean over seeds with Student's t interval; one seed gives an interval without bounds (-inf, inf)."""
    from scipy.stats import t

    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Interval(mean, -np.inf, np.inf, n)
    half = float(t.ppf(0.975, n - 1)) * standard_deviation(values) / np.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


def standard_deviation(values: Sequence[float]) -> float:
    """The sample's (n - 1)."""
    return float(np.std(values, ddof=1))


@functools.lru_cache(maxsize=8)  # hundreds of measures over the same items ask for the same draws
def resamples(num_items: int, seed: int, num_resamples: int = NUM_RESAMPLES) -> np.ndarray:
    """How often each item is in each resample.

    Shapes: -> [num_resamples, num_items] float64
    """
    rng = stream(seed, "bootstrap", num_items)
    return rng.multinomial(num_items, np.full(num_items, 1.0 / num_items), size=num_resamples).astype(np.float64)
