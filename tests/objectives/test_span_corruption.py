"""Span corruption: T5's published lengths, static shapes, and a vocabulary with too few sentinels."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import config
from workbench.errors import BadInput, WorkbenchError
from workbench.mixture.packing import pack
from workbench.objectives.build import build
from workbench.objectives.span_corruption import SpanCorruption, raw_length
from workbench.vocab import Vocab

VOCAB = Vocab(size=1000, num_sentinels=100)


def texts(*sizes: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(VOCAB.first_byte, VOCAB.size, size) for size in sizes]


def test_the_published_lengths() -> None:
    assert raw_length(512, 0.15, 3.0) == (568, 114)
    assert raw_length(1024, 0.15, 3.0) == (1137, 229)
    assert raw_length(512, 0.5, 3.0)[1] > 512  # noise of half a text is longer than what is left


def test_texts_of_the_raw_length_fill_inputs_and_targets_exactly() -> None:
    objective = SpanCorruption(config.SpanCorruption(), VOCAB)
    whole, continued = texts(568, 569 + 100)
    for document, row in ((whole, 0), (continued, 0)):
        rows = pack([document], 569, eos=VOCAB.eos).take(np.array([row]))
        batch = objective(rows, np.random.default_rng(0))
        assert batch.decoder is not None
        assert np.count_nonzero(batch.segments) == 512
        assert np.count_nonzero(batch.decoder.segments) == batch.weights.sum() == 114


def test_an_example_by_hand() -> None:
    objective = SpanCorruption(config.SpanCorruption(noise_rate=0.5, mean_span=1.0), VOCAB)
    rows = pack([np.array([200, 201, 202, 203])], 6, eos=VOCAB.eos)
    first, second = VOCAB.sentinel(0), VOCAB.sentinel(1)
    batch = objective(rows, np.random.default_rng(0))  # two of four in two spans: only one arrangement
    assert batch.decoder is not None
    assert batch.inputs.tolist() == [[200, first, 202, second, VOCAB.eos, 0]]
    assert batch.targets.tolist() == [[first, 201, second, 203, VOCAB.eos, 0, 0, 0, 0]]
    assert batch.decoder.ids.tolist() == [[VOCAB.bos, first, 201, second, 203, 0, 0, 0, 0]]
    assert batch.weights.tolist() == [[1, 1, 1, 1, 1, 0, 0, 0, 0]]


def test_fitted_shapes_are_shorter_and_hold_the_same_batch() -> None:
    rows = pack(texts(*range(20, 120, 7)), 128, eos=VOCAB.eos)
    objective = SpanCorruption(config.SpanCorruption(), VOCAB)
    wide = objective(rows, np.random.default_rng(0))
    narrow = objective.fitted(rows)(rows, np.random.default_rng(0))
    assert narrow.targets.shape[1] < wide.targets.shape[1] / 4
    assert narrow.inputs.shape[1] < wide.inputs.shape[1]
    assert np.array_equal(narrow.targets, wide.targets[:, : narrow.targets.shape[1]])
    assert np.array_equal(narrow.inputs, wide.inputs[:, : narrow.inputs.shape[1]])
    assert wide.weights.sum() == narrow.weights.sum()
    first, rest = rows.take(np.arange(1)), rows.take(np.arange(1, len(rows)))
    assert objective.fitted(first, rest) == objective.fitted(rest, first) == objective.fitted(rows)


def test_rows_that_an_objective_was_not_fitted_to_are_an_error_and_never_cut() -> None:
    fitted = SpanCorruption(config.SpanCorruption(), VOCAB).fitted(pack(texts(60), 64))
    with pytest.raises(WorkbenchError, match=r"the encoder needs 60 places .* and has 56"):
        fitted(pack(texts(*[3] * 20), 64), np.random.default_rng(0))
    with pytest.raises(WorkbenchError, match=r"the decoder needs 18 places .* and has 16"):
        fitted(pack(texts(8, 8, 8, 8, 8, 8), 48), np.random.default_rng(0))


def test_too_few_sentinels_are_an_error_that_names_the_setting_and_the_number() -> None:
    settings, nothing = config.SpanCorruption(), np.zeros(0)
    few = Vocab(size=1000, num_sentinels=25)
    model = config.Model(kind="encoder-decoder")
    with pytest.raises(BadInput, match=r"tokenizer\.sentinels = 26 or more"):
        build(settings, few, nothing, nothing, model=model, length=512)
    build(settings, Vocab(size=1000, num_sentinels=26), nothing, nothing, model=model, length=512)
    with pytest.raises(BadInput, match=r"this vocabulary has 25; set tokenizer\.sentinels = 26 or more"):
        SpanCorruption(settings, few)(pack(texts(512), 512), np.random.default_rng(0))
