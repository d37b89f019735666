"""Operations of a step: the formula against values worked by hand and against the compiler's count."""

from __future__ import annotations

import pytest

from workbench import config
from workbench.training import flops


def settings(**changes: object) -> config.Model:
    values = {"width": 64, "num_layers": 2, "num_heads": 2, "feed_forward": 160, "local_heads": 0, **changes}
    return config.Model.model_validate(values)


def test_formula_of_an_encoder_equals_the_sum_worked_by_hand() -> None:
    # one layer of width 4, feed-forward 8, vocabulary 10, one row of 3 tokens, 2 predictions:
    # keys and values 2 x 16 x 3 = 96 and, at the predictions alone, queries and outputs 2 x 16 x 2 = 64, scores and
    # mixing 2 x 4 x 6 = 48, feed-forward 3 x 32 x 2 = 192; head 2 x (16 + 40) = 112; six operations for each
    small = settings(width=4, num_layers=1, num_heads=1, feed_forward=8)
    last = 96 + 64 + 48 + 192
    assert flops.formula(small, 10, (1, 3), 2) == 6 * (last + 112)
    # a layer before it is computed everywhere: projections 4 x 16 x 3, scores and mixing 2 x 4 x 9, 3 x 32 x 3
    two = small.model_copy(update={"num_layers": 2})
    assert flops.formula(two, 10, (1, 3), 2) == 6 * (192 + 72 + 288 + last + 112)


def test_formula_of_an_encoder_decoder_counts_cross_attention_over_the_source() -> None:
    # source 3, target 2: encoder 192 + 72 + 288; decoder self 4 x 16 x 2 + 2 x 4 x 4 = 160, cross 2 x 16 x (2 + 3)
    # + 2 x 4 x 6 = 208, feed-forward 3 x 32 x 2 = 192; head 2 x 40
    small = settings(kind="encoder-decoder", width=4, num_layers=1, num_heads=1, feed_forward=8)
    assert flops.formula(small, 10, (1, 3), 2, decoder_length=2) == 6 * (552 + 160 + 208 + 192 + 80)


def test_formula_grows_in_proportion_to_rows() -> None:
    one, eight = (flops.formula(settings(), 500, (rows, 32), 5) for rows in (1, 8))
    assert eight == 8 * one


@pytest.mark.parametrize("kind", ["encoder"])
def test_the_compiler_counts_what_the_formula_says_and_at_most_a_tenth_more(kind: str) -> None:
    by_formula = flops.formula(settings(kind=kind), 1000, (4, 64), 10)
    by_compiler = flops.compiled(settings(kind=kind), 1000, (4, 64), 10)
    assert by_formula <= by_compiler <= 1.1 * by_formula
