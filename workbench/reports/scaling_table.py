"""A scaling analysis in words, as two tables: the law, and what models of each size reach at equal training compute."""

from __future__ import annotations

import numpy as np

from workbench.reports.collect import Results
from workbench.reports.plain import Plain
from workbench.reports.render import ABSENT
from workbench.reports.scaling import NUM_RESAMPLES, Analysis, Law, of
from workbench.reports.spec import Scaling


def tables(spec: Scaling, results: Results) -> list[Plain]:
    """Raises: BadInput for any hole among the rows that the spec needs."""
    found = of(spec, results)
    return [_law(spec, results.study, found), _equal_compute(spec, results.study, found)]


def count(value: float) -> str:
    """`123456.0` -> `123k`; numbers of parameters and tokens."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def flops(value: float) -> str:
    """`3.2e12` as it is read aloud: mantissa and exponent."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa} × 10^{int(exponent)}"


def _law(spec: Scaling, study: str, found: Analysis) -> Plain:
    law = found.law
    named = {
        "E": lambda one: one.e,
        "A": lambda one: one.a,
        "α, of parameters": lambda one: one.alpha,
        "B": lambda one: one.b,
        "β, of tokens": lambda one: one.beta,
        "β / (α + β)": _exponent,
    }
    rows, data = [], []
    for name, read in named.items():
        value = read(law)
        low, high = (float(x) for x in np.quantile([read(one) for one in found.resampled], [0.025, 0.975]))
        rows.append((name, f"{value:.4g}", f"{low:.4g}", f"{high:.4g}"))
        data.append((name, value, low, high))
    runs = found.runs
    predicted = law.loss(runs.num_parameters, runs.num_tokens)
    off = float(np.mean(np.abs(predicted - runs.loss) / runs.loss))
    seeds = len(runs.loss) // len(spec.variants)
    told = (
        f"L(N, D) = E + A / N^α + B / D^β, L in {spec.unit}, N parameters (embeddings included), D training tokens; "
        f"fitted to {len(runs.loss)} runs ({len(spec.variants)} of size and tokens, {seeds} seeds) by the Huber loss "
        f"of log L. Intervals: 95 % over {NUM_RESAMPLES} resamples of the seeds, so they hold the seeds' spread alone, "
        f"not the choice of sizes. The fit misses a run by {off:.1%} on average."
    )
    if found.without_largest is not None:
        largest = runs.training_flops == found.largest
        wanted = float(runs.loss[largest].mean())
        guess = float(found.without_largest.loss(runs.num_parameters[largest], runs.num_tokens[largest]).mean())
        told += (
            f" Fitted without the runs of most compute, it predicts {guess:.3f} for them; measured {wanted:.3f} "
            f"({guess / wanted - 1:+.1%})."
        )
    heads = ("parameter", "estimate", "2.5 %", "97.5 %")
    return Plain(study, spec.name, spec.title, f"{spec.caption} {told}", heads, tuple(rows), tuple(data), heads)


def _exponent(law: Law) -> float:
    """Of compute, in the best number of parameters: arXiv 2203.15556, equation 4."""
    return law.beta / (law.alpha + law.beta) if law.alpha + law.beta else float("nan")


def _equal_compute(spec: Scaling, study: str, found: Analysis) -> Plain:
    runs, sizes = found.runs, found.runs.sizes
    serving = [float(runs.inference_flops[runs.num_parameters == size].mean()) for size in sizes]
    of_sizes = [f"N = {count(size)}" for size in sizes]
    heads = ("training FLOPs", *of_sizes, "best N, parabola", "best N, law", "tokens / N")
    data_heads = ("training_flops", *(f"loss_{size:.0f}" for size in sizes), "parabola", "law", "low", "high", "tokens")
    rows: list[tuple[str, ...]] = [("serving FLOPs per token", *(count(value) for value in serving), "", "", "")]
    data: list[tuple[str | float, ...]] = [("serving_flops_per_token", *serving, "", "", "", "", "")]
    for place, level in enumerate(found.levels):
        known = [loss for loss in level.losses if loss is not None]
        cells = [
            ABSENT if loss is None else f"{loss:.3f}" + (" *" if loss == min(known) else "") for loss in level.losses
        ]
        low, high = (float(x) for x in np.quantile(found.resampled_best[:, place], [0.025, 0.975]))
        parabola = ABSENT if level.parabola is None else count(level.parabola)
        best = f"{count(level.best)} ({count(low)}–{count(high)})"
        rows.append((flops(level.compute), *cells, parabola, best, f"{level.tokens / level.best:.3g}"))
        data.append(
            (
                level.compute,
                *("" if loss is None else loss for loss in level.losses),
                "" if level.parabola is None else level.parabola,
                level.best,
                low,
                high,
                level.tokens,
            )
        )
    told = (
        f"{spec.caption} {spec.unit[:1].upper()}{spec.unit[1:]} at equal training compute, interpolated between the "
        f"runs of each size ({ABSENT}: none on both sides); * the least. Best N by a parabola through the row "
        f"({ABSENT}: it has no bottom between the sizes), and by the law, with its 95 % interval over seeds. "
        f"{_serving(found, serving)}"
    )
    return Plain(
        study, f"{spec.name}-equal-compute", f"{spec.title}: equal training compute", told, heads, tuple(rows),
        tuple(data), data_heads,
    )  # fmt: skip


def _serving(found: Analysis, serving: list[float]) -> str:
    """The argument from inference: what the next smaller model costs in bits, and saves at every token served."""
    sizes, told = found.runs.sizes, []
    for level in (found.levels[0], found.levels[-1]):
        known = {index: loss for index, loss in enumerate(level.losses) if loss is not None}
        best = min(known, key=lambda index: known[index])
        if best - 1 not in known:
            told.append(
                f"At {flops(level.compute)} FLOPs of training the smallest model measured there, {count(sizes[best])} "
                "parameters, is the best: it is also the cheapest to serve."
            )
            continue
        lost = known[best - 1] / known[best] - 1
        told.append(
            f"At {flops(level.compute)} FLOPs of training, {count(sizes[best - 1])} parameters in place of "
            f"{count(sizes[best])} cost {lost:.1%} more bits and save {1 - serving[best - 1] / serving[best]:.0%} of "
            "the operations of every token served."
        )
    return " ".join(told)
