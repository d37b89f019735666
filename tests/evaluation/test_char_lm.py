"""The character n-gram model, against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evaluation.char_lm import START, CharLM

EVERY_CODE_POINT = np.concatenate([np.arange(0xD800), np.arange(0xE000, 0x110000)])


def test_unigram_probabilities_by_hand() -> None:
    # "aab": a twice, b once, two types, so p(a) = (2 + 2 p0) / (3 + 2) and p0(ASCII) = 1/4 * 1/128
    model = CharLM(["aab"], order=1)
    p0 = 0.25 / 128
    found = model.probabilities(np.array([ord("a"), ord("b"), ord("c")]), np.zeros((3, 0), np.int64))
    assert found == pytest.approx([(2 + 2 * p0) / 5, (1 + 2 * p0) / 5, 2 * p0 / 5])


def test_bigram_probabilities_by_hand() -> None:
    # bigrams of "ab" and "aa": START-a twice, a-b once, a-a once; unigrams a 3, b 1 (two types)
    model = CharLM(["ab", "aa"], order=2)
    p0 = 0.25 / 128
    unigram_b = (1 + 2 * p0) / (4 + 2)
    after_a, at_start, unseen = np.array([[ord("a")], [START], [ord("z")]])
    b = np.array([ord("b")])
    assert model.probabilities(b, after_a[None]) == pytest.approx([(1 + 2 * unigram_b) / (2 + 2)])
    assert model.probabilities(b, at_start[None]) == pytest.approx([(0 + 1 * unigram_b) / (2 + 1)])
    assert model.probabilities(b, unseen[None]) == pytest.approx([unigram_b])


def test_a_text_s_bits_are_the_sum_over_its_characters_and_nothing_reaches_over_its_start() -> None:
    model = CharLM(["ab", "aa"], order=2)
    first = model.probabilities(np.array([ord("a")]), np.array([[START]]))[0]
    then = model.probabilities(np.array([ord("b")]), np.array([[ord("a")]]))[0]
    assert model.bits(["ab"]) == pytest.approx([-np.log2(first * then)])
    assert model.bits(["ab", "ba", "ab"])[2] == model.bits(["ab"])[0]


def test_empty_texts_cost_nothing() -> None:
    assert CharLM(["abc", ""]).bits(["", "a", ""]).tolist()[::2] == [0.0, 0.0]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.text("abčद😀", max_size=12), min_size=1, max_size=4).filter(any), st.text("abčदx", max_size=7))
def test_probabilities_of_all_code_points_sum_to_one_after_any_history(texts: list[str], before: str) -> None:
    model = CharLM(texts, order=4)
    history = ([ord(character) for character in before[::-1]] + [START] * 3)[:3]
    found = model.probabilities(EVERY_CODE_POINT, np.tile(history, (len(EVERY_CODE_POINT), 1)))
    assert found.sum() == pytest.approx(1.0)
    assert (found > 0).all()


def test_text_of_the_training_language_is_cheaper_than_other_text() -> None:
    model = CharLM(["y ci a'r gath", "mae'r ci yn y tŷ"] * 3)
    seen, other = model.bits(["mae'r gath yn y tŷ", "the cat is in house"])
    assert seen < other / 3


def test_a_model_without_text_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        CharLM(["", ""])
