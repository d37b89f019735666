"""The parametric scaling law of a study's runs, and what it says of model size at equal training compute.

L(N, D) = E + A / N^alpha + B / D^beta, N parameters, D training tokens. Files only, no jax.

Source: Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models" (arXiv 2203.15556), section 3.3 and
    appendix D.2 (the fit: Huber loss of 1e-3 on log L, L-BFGS from a grid of starts), section 3.2 (isoFLOP minima).
    Differs: L is bits per byte, averaged over languages; N counts the tied embeddings, which are most of a small model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.errors import BadInput
from workbench.reports.collect import Cell, Results
from workbench.reports.spec import Scaling
from workbench.seeds import stream

HUBER = 1e-3  # of log L: arXiv 2203.15556, appendix D.2
SLOPES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
NUM_STARTS = 8
NUM_RESAMPLES = 200
NUM_LEVELS = 5  # of compute, evenly spaced in its logarithm
MIN_RUNS = 6  # one more than the law has parameters


@dataclass(frozen=True, slots=True)
class Law:
    """The law's five parameters. `huber`: what is left of the loss that the fit minimises, per run."""

    e: float
    a: float
    alpha: float
    b: float
    beta: float
    huber: float

    def loss(self, num_parameters: np.ndarray | float, num_tokens: np.ndarray | float) -> np.ndarray:
        return np.asarray(
            self.e
            + self.a * np.asarray(num_parameters, np.float64) ** -self.alpha
            + self.b * np.asarray(num_tokens, np.float64) ** -self.beta
        )


@dataclass(frozen=True, slots=True)
class Runs:
    """What the runs of a study measured; a run is a size, a budget and a seed.

    Shapes: all [N] float64; variants a name each
    """

    variants: tuple[str, ...]
    num_parameters: np.ndarray
    num_tokens: np.ndarray
    training_flops: np.ndarray
    inference_flops: np.ndarray
    loss: np.ndarray

    def take(self, index: np.ndarray) -> Runs:
        arrays = (self.num_parameters, self.num_tokens, self.training_flops, self.inference_flops, self.loss)
        return Runs(tuple(self.variants[i] for i in index), *(array[index] for array in arrays))

    @property
    def sizes(self) -> list[float]:
        return [float(size) for size in np.unique(self.num_parameters)]


@dataclass(frozen=True, slots=True)
class Level:
    """One training compute: each size's interpolated loss (None where no two of its runs lie around it), and minima.

    `parabola` is the size at the bottom of a parabola through the losses over log N (None: no bottom between the
    sizes), `best` and `tokens` are the law's best size and its tokens.
    """

    compute: float
    losses: tuple[float | None, ...]
    parabola: float | None
    best: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """A fit, its resamples over seeds, and the levels of equal compute; `per_token` is C / (N D), fitted."""

    runs: Runs
    law: Law
    resampled: tuple[Law, ...]
    levels: tuple[Level, ...]
    resampled_best: np.ndarray  # [resamples, levels]
    resampled_parabola: np.ndarray  # [resamples, levels], NaN where it has no bottom
    without_largest: Law | None
    largest: float


def runs_of(spec: Scaling, results: Results) -> Runs:
    """The runs of the spec's variants, by seed.

    Raises: BadInput for any hole, or too few runs for five parameters.
    """
    rows: list[tuple[str, float, float, float, float, float]] = []
    for variant in spec.variants:

        def cost(metric: str, setting: str, variant: str = variant) -> dict[int, float]:
            found = results.by_seed(Cell(variant, "cost", "", spec.split, metric, setting))
            return {seed: row.value for seed, row in found.items()}

        columns = [
            results.by_seed(Cell(variant, spec.task, tag, spec.split, spec.metric, spec.setting))
            for tag in spec.columns
        ]
        size, tokens = cost("parameters", ""), cost("training_tokens", "")
        training = cost("training_flops", "formula")
        serving = cost("inference_flops_per_token", spec.serving)
        for seed in results.seeds:
            loss = float(np.mean([column[seed].value for column in columns]))
            rows.append((variant, size[seed], tokens[seed], training[seed], serving[seed], loss))
    if len(spec.variants) < MIN_RUNS:
        raise BadInput(
            f"scaling {spec.name!r}: a law of 5 parameters needs {MIN_RUNS} variants, got {len(spec.variants)}"
        )
    variants, *arrays = zip(*rows, strict=True)
    return Runs(tuple(variants), *(np.array(array, np.float64) for array in arrays))


def fit(num_parameters: np.ndarray, num_tokens: np.ndarray, loss: np.ndarray, start: Law | None = None) -> Law:
    """The law that minimises the Huber loss of log L over the runs.

    L-BFGS from the best of a grid of exponents, each with the E, A and B that fit it in least squares; or from `start`
    alone (a resample of runs whose law is known).
    """
    from scipy.optimize import minimize

    log_n, log_d, log_l = (np.log(array) for array in (num_parameters, num_tokens, loss))
    mean_n, mean_d = log_n.mean(), log_d.mean()  # about which the slopes turn: L-BFGS gets nowhere with origins far off
    x_n, x_d = log_n - mean_n, log_d - mean_d

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        e, a, alpha, b, beta = x
        terms = np.stack([np.full_like(x_n, e), a - alpha * x_n, b - beta * x_d])  # [3, N]
        top = terms.max(axis=0)
        weights = np.exp(terms - top)
        total = weights.sum(axis=0)
        residual = top + np.log(total) - log_l
        pull = np.clip(residual / HUBER, -1.0, 1.0)
        value = np.where(np.abs(pull) < 1.0, 0.5 * pull**2, np.abs(residual) / HUBER - 0.5)
        share = pull * weights / (HUBER * total)  # [3, N]
        gradient = np.array(
            [share[0].sum(), share[1].sum(), -(share[1] * x_n).sum(), share[2].sum(), -(share[2] * x_d).sum()]
        )
        return float(value.sum()), gradient

    if start is None:
        grid = [_start(x_n, x_d, loss, alpha, beta) for alpha in SLOPES for beta in SLOPES]
        starts = sorted(grid, key=lambda one: objective(one)[0])[:NUM_STARTS]
    else:
        a, b = np.log(start.a) - start.alpha * mean_n, np.log(start.b) - start.beta * mean_d
        starts = [np.array([np.log(start.e), a, start.alpha, b, start.beta])]
    bounds = [(-20.0, 10.0), (-20.0, 10.0), (0.0, 5.0), (-20.0, 10.0), (0.0, 5.0)]
    results = [minimize(objective, one, jac=True, method="L-BFGS-B", bounds=bounds) for one in starts]
    best = min(results, key=lambda result: float(result.fun))
    e, a, alpha, b, beta = (float(value) for value in best.x)
    huber = float(best.fun) * HUBER**2 / len(log_l)
    scales = np.exp([e, a + alpha * mean_n, b + beta * mean_d])
    return Law(float(scales[0]), float(scales[1]), alpha, float(scales[2]), beta, huber)


def _start(x_n: np.ndarray, x_d: np.ndarray, loss: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    from scipy.optimize import nnls

    columns = np.stack([np.ones_like(x_n), np.exp(-alpha * x_n), np.exp(-beta * x_d)], axis=1)
    scales, _ = nnls(columns / loss[:, None], np.ones_like(loss))
    e, a, b = np.log(np.maximum(scales, 1e-3 * loss.min()))
    return np.array([e, a, alpha, b, beta])


def levels(runs: Runs, law: Law, computes: Sequence[float]) -> tuple[Level, ...]:
    """What the runs, and the law, say at each training compute."""
    found = []
    for compute in computes:
        losses = tuple(_interpolate(runs, size, compute) for size in runs.sizes)
        best, tokens = _law_minimum(runs, law, compute)
        found.append(Level(compute, losses, _parabola(runs.sizes, losses), best, tokens))
    return tuple(found)


def level_computes(runs: Runs) -> list[float]:
    """Levels of compute at which at least three sizes have runs on both sides."""
    ranges = [(_of(runs, size).min(), _of(runs, size).max()) for size in runs.sizes]
    if len(ranges) < 3:
        raise BadInput(f"scaling: equal-compute minima need three model sizes, got {len(ranges)}")
    low, high = sorted(low for low, _ in ranges)[2], sorted((high for _, high in ranges), reverse=True)[2]
    between = np.geomspace(low, high, NUM_LEVELS) if low < high else np.array([])
    shared = [  # in the middle there may be none, where some sizes were trained for much less than others
        float(value)
        for value in between
        if sum(_interpolate(runs, size, value) is not None for size in runs.sizes) >= 3
    ]
    if not shared:
        raise BadInput(
            f"scaling: no three sizes share a training compute (from {low:.3g} to {high:.3g} FLOPs); give the larger "
            "models fewer tokens or the smaller ones more"
        )
    return shared


@lru_cache(maxsize=4)  # tables, figure and page ask for the same
def _analyse(spec: Scaling, runs: _Key) -> Analysis:
    """Fit, minima, and their spread over resampled seeds.

    Random: each variant's seeds drawn with replacement, from (0, "scaling", spec name, number).
    """
    every = runs.runs
    law = fit(every.num_parameters, every.num_tokens, every.loss)
    computes = level_computes(every)
    resampled, best, parabola = [], [], []
    places = {variant: [i for i, name in enumerate(every.variants) if name == variant] for variant in spec.variants}
    for number in range(NUM_RESAMPLES):
        rng = stream(0, "scaling", spec.name, number)
        sample = every.take(np.concatenate([rng.choice(index, len(index)) for index in places.values()]))
        again = fit(sample.num_parameters, sample.num_tokens, sample.loss, start=law)
        resampled.append(again)
        of_levels = levels(sample, again, computes)
        best.append([level.best for level in of_levels])
        parabola.append([np.nan if level.parabola is None else level.parabola for level in of_levels])
    largest = float(every.training_flops.max())
    rest = every.take(np.flatnonzero(every.training_flops < largest * (1 - 1e-9)))
    without = fit(rest.num_parameters, rest.num_tokens, rest.loss) if len(set(rest.variants)) >= MIN_RUNS else None
    return Analysis(
        every, law, tuple(resampled), levels(every, law, computes), np.array(best), np.array(parabola), without, largest
    )


class _Key:
    """Runs that can be looked up: equal where every number is."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        arrays = (runs.num_parameters, runs.num_tokens, runs.training_flops, runs.inference_flops, runs.loss)
        self.bytes = b"".join(array.tobytes() for array in arrays)

    def __hash__(self) -> int:
        return hash(self.bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.bytes == other.bytes and self.runs.variants == other.runs.variants


def of(spec: Scaling, results: Results) -> Analysis:
    """The analysis of a spec's runs."""
    return _analyse(spec, _Key(runs_of(spec, results)))


def _of(runs: Runs, size: float) -> np.ndarray:
    return runs.training_flops[runs.num_parameters == size]


def _interpolate(runs: Runs, size: float, compute: float) -> float | None:
    """The loss of a size at a compute, linear in log compute between the means of its budgets."""
    mine = runs.num_parameters == size
    spent = np.log(runs.training_flops[mine])
    steps = np.unique(spent)
    means = np.array([runs.loss[mine][spent == step].mean() for step in steps])
    if not steps[0] - 1e-9 <= np.log(compute) <= steps[-1] + 1e-9:
        return None
    return float(np.interp(np.log(compute), steps, means))


def _parabola(sizes: Sequence[float], losses: Sequence[float | None]) -> float | None:
    known = [(np.log(size), loss) for size, loss in zip(sizes, losses, strict=True) if loss is not None]
    if len(known) < 3:
        return None
    x, y = np.array(known).T
    curve, slope, _ = np.polyfit(x, y, 2)
    bottom = -slope / (2 * curve) if curve > 0 else np.inf
    return float(np.exp(bottom)) if x[0] <= bottom <= x[-1] else None


def _per_token(runs: Runs, sizes: np.ndarray) -> np.ndarray:
    """Training operations per token of a model of any size: a line in log-log through those of the sizes there are."""
    x, y = np.log(runs.num_parameters), np.log(runs.training_flops / runs.num_tokens)
    slope, start = np.polyfit(x, y, 1)
    return np.asarray(np.exp(start + slope * np.log(sizes)))


def _law_minimum(runs: Runs, law: Law, compute: float) -> tuple[float, float]:
    """The size with the least loss by the law at `compute`, searched over a factor 16 on both sides of the sizes."""
    sizes = np.geomspace(min(runs.sizes) / 16, max(runs.sizes) * 16, 2001)
    tokens = compute / _per_token(runs, sizes)
    place = int(np.argmin(law.loss(sizes, tokens)))
    return float(sizes[place]), float(tokens[place])
