"""The scaling law: found again on points that were made by one, and told in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import BadInput
from workbench.records import Result
from workbench.reports import collect, plain, scaling, scaling_figure, scaling_table
from workbench.reports.scaling import Law, Runs
from workbench.reports.spec import Isoflop, Scaling

# Hoffmann et al. 2022 (arXiv 2203.15556), appendix D.3
CHINCHILLA = Law(e=1.69, a=406.4, alpha=0.34, b=410.7, beta=0.28, huber=0.0)
SIZES, BUDGETS = (1e6, 4e6, 1.6e7, 6.4e7), (2e7, 8e7, 3.2e8, 1.28e9)
SPEC = Scaling(
    name="law",
    title="A law",
    caption="Made up.",
    metric="bits_per_byte",
    serving="context=64",
    unit="bits per byte",
    columns=("eng-Latn", "deu-Latn"),
    variants=tuple(f"{size:.0f}-{budget:.0f}" for size in SIZES for budget in BUDGETS),
)


def points(law: Law = CHINCHILLA) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size, budget = (grid.ravel() for grid in np.meshgrid(SIZES, BUDGETS, indexing="ij"))
    return size, budget, law.loss(size, budget)


def rows(noise: float = 0.0, seeds: tuple[int, ...] = (0, 1, 2)) -> list[Result]:
    rng = np.random.default_rng(0)
    first = Result(
        run="r", study="s", variant="", seed=0, step=1, task="lm", lang="eng-Latn", split="test",
        metric="bits_per_byte", value=0.0, n=1, unit="bits per byte", higher_is_better=False, data_revision="d",
    )  # fmt: skip
    made = []
    for size, budget, loss in zip(*points(), strict=True):
        for seed in seeds:
            one = replace(first, variant=f"{size:.0f}-{budget:.0f}", seed=seed)
            for tag in SPEC.columns:
                made.append(replace(one, lang=tag, value=float(loss * np.exp(noise * rng.standard_normal()))))
            for metric, setting, value in (
                ("parameters", "", size),
                ("training_tokens", "", budget),
                ("training_flops", "formula", 6 * size * budget),
                ("inference_flops_per_token", "context=64", 2 * size),
            ):
                made.append(
                    replace(one, task="cost", lang="", metric=metric, setting=setting, value=value, unit=metric)
                )
    return made


def test_a_known_law_is_found_again_on_its_own_points() -> None:
    found = scaling.fit(*points())
    assert found.alpha == pytest.approx(0.34, abs=0.005)
    assert found.beta == pytest.approx(0.28, abs=0.005)
    assert found.e == pytest.approx(1.69, rel=0.02)
    assert found.loss(1e8, 1e10) == pytest.approx(CHINCHILLA.loss(1e8, 1e10), rel=0.005)


def test_one_run_gone_wrong_does_not_move_the_law() -> None:
    size, budget, loss = points()
    loss[5] *= 1.3
    found = scaling.fit(size, budget, loss)
    assert found.loss(1.6e7, 3.2e8) == pytest.approx(CHINCHILLA.loss(1.6e7, 3.2e8), rel=0.01)


def test_the_laws_best_size_is_the_closed_form_where_training_costs_6nd() -> None:
    size, budget, loss = points()
    runs = Runs(SPEC.variants, size, budget, 6 * size * budget, 2 * size, loss)
    (level,) = scaling.levels(runs, CHINCHILLA, [6e15])
    # arXiv 2203.15556, equation 4: G (C / 6)^(beta / (alpha + beta)), G = (alpha A / (beta B))^(1 / (alpha + beta))
    g = (0.34 * 406.4 / (0.28 * 410.7)) ** (1 / 0.62)
    assert level.best == pytest.approx(g * 1e15 ** (0.28 / 0.62), rel=0.02)
    assert level.tokens == pytest.approx(1e15 / level.best, rel=1e-6)


def test_losses_at_equal_compute_are_interpolated_never_extrapolated_and_a_parabola_needs_a_bottom() -> None:
    size, budget, loss = points()
    runs = Runs(SPEC.variants, size, budget, 6 * size * budget, 2 * size, loss)
    low = 6 * SIZES[0] * BUDGETS[0]
    (level,) = scaling.levels(runs, CHINCHILLA, [low])
    assert level.losses[0] == pytest.approx(loss[0])
    assert level.losses[1:] == (None, None, None)
    assert level.parabola is None
    bottom = scaling._parabola((1.0, np.e, np.e**2), (2.0, 1.0, 2.0))
    assert bottom == pytest.approx(np.e)
    assert scaling._parabola((1.0, np.e, np.e**2), (3.0, 2.0, 1.5)) is None


def test_levels_are_where_three_sizes_have_runs() -> None:
    """Three small models of little compute and three large ones of much: in the middle there is nobody."""
    size = np.repeat([1e6, 2e6, 3e6, 1e8, 2e8, 3e8], 2)
    compute = np.array([1.0, 2.0] * 3 + [10.0, 20.0] * 3) * 1e15
    runs = Runs(tuple(map(str, range(12))), size, compute / (6 * size), compute, 2 * size, np.ones(12))
    for level in scaling.levels(runs, CHINCHILLA, scaling.level_computes(runs)):
        assert sum(loss is not None for loss in level.losses) >= 3
    alone = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]).repeat(2) * np.tile([1.0, 1.5], 6) * 1e15
    apart = Runs(runs.variants, size, alone / (6 * size), alone, 2 * size, np.ones(12))
    with pytest.raises(BadInput, match="no three sizes share a training compute"):
        scaling.level_computes(apart)


def test_tables_and_figure_say_the_law_its_intervals_and_what_a_smaller_model_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "NUM_RESAMPLES", 20)  # of 200
    results = collect.gather(rows(noise=0.002))
    law, equal = scaling_table.tables(SPEC, results)
    text = plain.markdown(law)
    assert "| α, of parameters | 0.3" in text
    assert "48 runs (16 of size and tokens, 3 seeds)" in text
    assert "Fitted without the runs of most compute" in text
    told = plain.markdown(equal)
    assert "N = 1M | N = 4M | N = 16M | N = 64M" in told
    assert "of the operations of every token served" in told
    assert len(equal.rows) == 1 + scaling.NUM_LEVELS
    for one in (law, equal):
        assert set(plain.formats(one)) == {f"{one.name}.md", f"{one.name}.tex", f"{one.name}.csv"}
        assert {len(row) for row in one.rows} == {len(one.heads)}
        assert {len(row) for row in one.data} == {len(one.data_heads)}
        assert plain.html(one).count("<tr>") == 1 + len(one.rows)
    shown = Isoflop(kind="isoflop", name="x", title="Loss by compute", scaling="law")
    drawn = scaling_figure.isoflop(shown, SPEC, results, tmp_path)
    assert all(path.stat().st_size > 1000 for path in drawn.files)
    again = scaling_figure.isoflop(shown, SPEC, results, tmp_path / "again")
    assert [a.read_bytes() for a in drawn.files] == [b.read_bytes() for b in again.files]


def test_a_hole_and_too_few_runs_are_named() -> None:
    some = [row for row in rows() if (row.variant, row.seed, row.metric) != (SPEC.variants[3], 1, "training_tokens")]
    with pytest.raises(BadInput, match="lacks seed 1"):
        scaling.of(SPEC, collect.gather(some))
    few = SPEC.model_copy(update={"variants": SPEC.variants[:5]})
    with pytest.raises(BadInput, match="needs 6 variants, got 5"):
        scaling.of(few, collect.gather(rows()))
