"""Masked LM: what is chosen, how it is corrupted, and that nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import config
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.mlm import MaskedLM

VOCAB_SIZE, MASK, FIRST_ID = 50, 4, 5


def objective(**settings: object) -> MaskedLM:
    starts_word = np.arange(VOCAB_SIZE) % 3 == 0
    return MaskedLM(config.MaskedLM(**settings), VOCAB_SIZE, MASK, FIRST_ID, starts_word)


@st.composite
def packed(draw: st.DrawFn) -> Rows:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = draw(st.lists(st.integers(1, 30), min_size=1, max_size=8))
    return pack([rng.integers(0, VOCAB_SIZE, size) for size in sizes], draw(st.integers(8, 24)))


def restored(batch: Batch) -> np.ndarray:
    ids = batch.inputs.copy()
    row, slot = np.nonzero(batch.weights)
    ids[row, batch.predict[row, slot]] = batch.targets[row, slot]
    return ids


@given(rows=packed(), whole_words=st.booleans(), rate=st.floats(0.05, 0.9), seed=st.integers(0, 99))
def test_targets_put_back_give_the_original_and_only_real_pieces_are_chosen(
    rows: Rows, whole_words: bool, rate: float, seed: int
) -> None:
    masked = objective(mask_rate=rate, whole_words=whole_words)
    batch = masked(rows, np.random.default_rng(seed))
    assert np.array_equal(restored(batch), rows.ids)
    row, slot = np.nonzero(batch.weights)
    place = batch.predict[row, slot]
    assert np.all(rows.segments[row, place] > 0)
    assert np.all(rows.ids[row, place] >= FIRST_ID)
    assert len(set(zip(row.tolist(), place.tolist(), strict=True))) == len(row)
    assert batch.predict.shape == (len(rows), masked.num_predictions(rows.ids.shape[1]))
    untouched = np.ones(rows.ids.shape, bool)
    untouched[row, place] = False
    assert np.array_equal(batch.inputs[untouched], rows.ids[untouched])


@given(rows=packed(), rate=st.floats(0.05, 0.9))
def test_each_row_gets_the_rounded_share_of_its_maskable_pieces_at_least_one(rows: Rows, rate: float) -> None:
    batch = objective(mask_rate=rate)(rows, np.random.default_rng(0))
    maskable = ((rows.segments > 0) & (rows.ids >= FIRST_ID)).sum(axis=1)
    expected = np.where(maskable > 0, np.maximum(np.rint(rate * maskable), 1), 0)
    assert np.array_equal(batch.weights.sum(axis=1), expected)


def test_the_chosen_become_mask_random_and_themselves_in_the_stated_shares() -> None:
    rows = pack([np.full(100, 7)] * 400, 100)
    batch = objective()(rows, np.random.default_rng(0))
    seen = np.take_along_axis(batch.inputs, batch.predict, axis=1)
    assert seen.shape == (400, 15)
    assert np.mean(seen == MASK) == pytest.approx(0.8, abs=0.015)
    assert np.mean((seen != MASK) & (seen != 7)) == pytest.approx(0.1 * 44 / 45, abs=0.015)
    assert seen.min() >= MASK


def test_whole_words_are_chosen_whole() -> None:
    words = [3 * np.ones(1, int) + 3, np.array([9, 10]), np.array([12, 13, 14])] * 7  # 6 | 9 10 | 12 13 14
    rows = pack([np.concatenate(words)], 42)
    for seed in range(20):
        batch = objective(mask_rate=0.3, whole_words=True)(rows, np.random.default_rng(seed))
        chosen = np.zeros(42, bool)
        chosen[batch.predict[0][batch.weights[0] > 0]] = True
        word_of = np.cumsum(rows.ids[0] % 3 == 0)
        for word in np.unique(word_of):
            assert len(set(chosen[word_of == word].tolist())) == 1
        assert chosen.sum() == 13


def test_text_without_word_boundaries_is_still_masked_under_whole_words() -> None:
    rows = pack([np.full(40, 7)], 40)  # 7 starts no word
    batch = objective(whole_words=True)(rows, np.random.default_rng(0))
    assert batch.weights.sum() == 6


def test_whole_words_without_knowing_word_starts_is_an_error() -> None:
    with pytest.raises(BadInput, match=r"objective\.whole_words"):
        MaskedLM(config.MaskedLM(whole_words=True), VOCAB_SIZE, MASK, FIRST_ID)


def test_every_setting_changes_the_batch_and_the_generator_alone_decides_it() -> None:
    rows = pack([np.random.default_rng(1).integers(FIRST_ID, VOCAB_SIZE, 64) for _ in range(4)], 64)

    def batch(**settings: object) -> bytes:
        return b"".join(array.tobytes() for array in objective(**settings)(rows, np.random.default_rng(3))[:6])

    base = batch()
    assert base == batch()
    for change in ({"mask_rate": 0.3}, {"replace_rate": 0.2}, {"random_rate": 0.2}, {"whole_words": True}):
        assert batch(**change) != base, change
