"""Shares and allotment, against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench import config
from workbench.errors import BadInput
from workbench.mixture import weights

COUNTS = {"eng": 10_000, "cym": 100, "wol": 1}


def test_exponent_shares_by_hand() -> None:
    shares = weights.shares(COUNTS, config.ExponentMixture(alpha=0.5), 100)
    assert shares == pytest.approx({"eng": 100 / 111, "cym": 10 / 111, "wol": 1 / 111})
    assert weights.shares(COUNTS, config.ExponentMixture(alpha=0.0), 100) == pytest.approx(dict.fromkeys(COUNTS, 1 / 3))


def test_unimax_fills_small_languages_up_to_the_cap_and_shares_the_rest_evenly() -> None:
    shares = weights.shares(COUNTS, config.UniMaxMixture(max_epochs=4.0), 1000)
    assert shares == pytest.approx({"wol": 4 / 1000, "cym": 400 / 1000, "eng": 596 / 1000})


def test_unimax_is_uniform_where_no_cap_binds() -> None:
    assert weights.shares(COUNTS, config.UniMaxMixture(max_epochs=4.0), 12) == pytest.approx(
        dict.fromkeys(COUNTS, 1 / 3)
    )


def test_a_cap_that_the_run_cannot_keep_is_an_error() -> None:
    with pytest.raises(BadInput, match=r"mixture\.max_epochs: 2 epochs of all languages are 20202 examples"):
        weights.shares(COUNTS, config.UniMaxMixture(max_epochs=2.0), 30_000)


def test_the_pivot_gets_its_share_before_the_mixture() -> None:
    shares = weights.shares(COUNTS, config.ExponentMixture(alpha=0.5), 100, pivot="eng", pivot_share=0.6)
    assert shares == pytest.approx({"eng": 0.6, "cym": 0.4 * 10 / 11, "wol": 0.4 / 11})
    with pytest.raises(BadInput, match="pivot_share"):
        weights.shares(COUNTS, config.ExponentMixture(), 100, pivot="eng", pivot_share=1.0)
    with pytest.raises(BadInput, match="pivot"):
        weights.shares(COUNTS, config.ExponentMixture(), 100, pivot="fra", pivot_share=0.5)


def test_explicit_weights_are_scaled_to_shares_and_must_name_every_language() -> None:
    weighted = config.ExplicitMixture(weights={"eng": 6.0, "cym": 3.0, "wol": 1.0})
    assert weights.shares(COUNTS, weighted, 100) == pytest.approx({"eng": 0.6, "cym": 0.3, "wol": 0.1})
    with pytest.raises(BadInput, match=r"mixture\.weights: \['wol'\] have none"):
        weights.shares(COUNTS, config.ExplicitMixture(weights={"eng": 6.0, "cym": 3.0}), 100)
    with pytest.raises(BadInput, match=r"mixture\.weights: \['cmy'\] are not among"):
        weights.shares(COUNTS, config.ExplicitMixture(weights={"eng": 6.0, "cmy": 3.0, "wol": 1.0}), 100)
    with pytest.raises(ValidationError, match="greater than 0"):
        config.ExplicitMixture(weights={"eng": 0.0})
    with pytest.raises(ValidationError, match="pivot_share: an explicit mixture gives the pivot its weight"):
        config.Train(mixture=weighted, pivot_share=0.5)


def test_a_language_without_examples_is_an_error() -> None:
    with pytest.raises(BadInput, match="wol has no training examples"):
        weights.shares({"eng": 5, "wol": 0}, config.ExponentMixture(), 100)


def test_largest_remainder_by_hand_and_the_smallest_language_still_gets_one() -> None:
    assert weights.allot({"eng": 0.9, "fra": 0.099, "bam": 0.0007, "wol": 0.0003}, 2048) == {
        "eng": 1843,  # 1843.2
        "fra": 203,  # 202.75
        "bam": 1,  # 1.43
        "wol": 1,  # .61
    }
    assert weights.allot({"a": 0.5, "b": 0.4999, "c": 0.0001}, 4) == {"a": 2, "b": 1, "c": 1}


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=40), st.integers(0, 1000))
def test_allotment_sums_up_starves_nobody_and_stays_near_its_quota(raw: list[float], extra: int) -> None:
    shares = {str(index): value / sum(raw) for index, value in enumerate(raw)}
    num_examples = len(raw) + extra
    counts = weights.allot(shares, num_examples)
    assert sum(counts.values()) == num_examples
    assert min(counts.values()) >= 1
    for lang, count in counts.items():
        assert count <= max(1, shares[lang] * num_examples + 1)


def test_shares_that_starve_a_language_or_do_not_sum_up_are_errors() -> None:
    with pytest.raises(BadInput, match=r"b has share 0\.0"):
        weights.allot({"a": 1.0, "b": 0.0}, 10)
    with pytest.raises(BadInput, match="sum to 1"):
        weights.allot({"a": 0.5, "b": 0.4}, 10)
    with pytest.raises(BadInput, match="cannot hold each of 2 languages"):
        weights.allot({"a": 0.5, "b": 0.5}, 1)
