from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.records import Result
from workbench.reports import collect, grid
from workbench.reports.collect import Results
from workbench.reports.spec import Spec


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0, 2.0, 3.0], 2 / 8),
        ([1.0, -1.0], 1.0),
        ([3.0, 1.0, -2.0], 6 / 8),
        ([0.5], 1.0),
        ([1.0] * 5, 2 / 32),
        ([0.3, 0.1, 0.2], 2 / 8),
        ([3.0, 1.0, -1.0], 6 / 8),  # 3 is observed; +-3 +-1 +-1 gives 5, 3, 3, 1 and their negatives
        ([0.0, 0.0], 1.0),
    ],
)
def test_the_sign_flip_test_counts_every_flip(differences: list[float], p: float) -> None:
    assert grid.sign_flip(differences) == pytest.approx(p)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=7))
@settings(max_examples=30, deadline=None)
def test_p_is_never_below_what_so_few_pairs_allow(differences: list[float]) -> None:
    assert grid.smallest_p(len(differences)) - 1e-12 <= grid.sign_flip(differences) <= 1.0


def test_many_pairs_are_flipped_at_random_and_alike_each_time() -> None:
    assert grid.sign_flip([1.0] * 20) == grid.sign_flip([1.0] * 20) == pytest.approx(2 / 100_000)


def test_sign_flips_agree_with_a_count_of_all_patterns() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1.0, 9)
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((1.0, -1.0), repeat=9)]
    by_hand = sum(one >= abs(differences.sum()) - 1e-12 for one in sums) / len(sums)
    assert grid.sign_flip(differences.tolist()) == pytest.approx(by_hand)


def test_holm_adjusts_step_by_step() -> None:
    assert grid.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert grid.holm([0.5, 0.9]) == [1.0, 1.0]


def test_clear_means_one_sign_and_two_standard_deviations() -> None:
    assert grid.is_clear([1.0, 1.1, 0.9])
    assert not grid.is_clear([1.0, 1.1, -0.1])
    assert not grid.is_clear([0.1, 1.0, 2.0])
    assert not grid.is_clear([1.0])


def test_values_are_looked_up_scaled_and_averaged_by_seed(spec: Spec, results: Results, rows: list[Result]) -> None:
    numbers = grid.fill(spec.named("intents"), results)
    mine = {r.lang: r.value for r in rows if r.variant == "none" and r.task == "intents" and r.seed == 1}
    assert numbers.values["none"]["cym-Latn"][1] == pytest.approx(100 * mine["cym-Latn"])
    assert numbers.over_columns("none")[1] == pytest.approx(100 * sum(mine.values()) / 5)


def test_a_floors_one_value_meets_every_seed_of_an_arm(spec: Spec, results: Results) -> None:
    numbers = grid.fill(spec.named("intents"), results)
    arm = numbers.values["lexicon"]["cym-Latn"]
    assert numbers.difference("lexicon", "floor:majority", "cym-Latn") == pytest.approx(
        [arm[s] - 8.0 for s in (0, 1, 2)]
    )


def test_improvement_is_positive_where_less_is_better(spec: Spec, results: Results) -> None:
    numbers = grid.fill(spec.named("bits"), results)
    assert not numbers.higher_is_better
    assert min(numbers.improvement("lexicon", "none", "cym-Latn")) > 0.5


def test_differences_are_over_the_languages_that_both_rows_have(spec: Spec, results: Results) -> None:
    numbers = grid.fill(spec.named("bits"), results)
    assert numbers.shared("lexicon+inflection", "none") == ("cym-Latn", "gle-Latn", "eus-Latn", "isl-Latn")


def test_a_hole_that_is_not_declared_fails(spec: Spec, rows: list[Result]) -> None:
    lacking = [r for r in rows if not (r.variant == "word-list" and r.lang == "hau-Latn" and r.task == "lm")]
    with pytest.raises(BadInput, match=r"no row for 'word-list'.*hau-Latn.*declare the cell absent"):
        grid.fill(spec.named("bits"), collect.gather(lacking))


def test_a_cell_declared_absent_must_be_absent(spec: Spec, rows: list[Result]) -> None:
    one = next(r for r in rows if r.variant == "lexicon" and r.lang == "hau-Latn" and r.task == "lm")
    there = [*rows, *(replace(one, variant="lexicon+inflection", seed=s) for s in (0, 1, 2))]
    with pytest.raises(BadInput, match="declared absent for hau-Latn, yet has a row"):
        grid.fill(spec.named("bits"), collect.gather(there))


def test_rows_without_a_language_in_common_are_not_compared(spec: Spec, results: Results) -> None:
    numbers = grid.fill(spec.named("bits"), results)
    apart = {**numbers.values, "none": {"hau-Latn": numbers.values["none"]["hau-Latn"]}}
    with pytest.raises(BadInput, match="share no language"):
        replace(numbers, values=apart).shared("lexicon+inflection", "none")
