"""Pairs: prefix LM by hand for both architectures, and the translation LM from pairs to batch."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import config
from workbench.errors import BadInput
from workbench.mixture.packing import pack, pack_pairs
from workbench.objectives.batch import Rows
from workbench.objectives.build import build, fitted
from workbench.objectives.causal import Causal
from workbench.objectives.prefix_lm import PrefixLM
from workbench.vocab import Vocab

VOCAB = Vocab(size=400)
EOS, BOS = VOCAB.eos, VOCAB.bos
PAIRS = [(np.array([300, 301]), np.array([310])), (np.array([302]), np.array([311, 312]))]


def test_a_decoder_reads_the_source_as_prefix_and_is_scored_on_the_target() -> None:
    rows = pack_pairs(PAIRS, 11, eos=EOS)
    batch = PrefixLM(VOCAB, "decoder")(rows, np.random.default_rng(0))
    assert batch.predict is not None
    assert batch.prefix is not None
    assert batch.inputs.tolist() == [[BOS, 300, 301, EOS, 310, BOS, 302, EOS, 311, 312, 0]]
    assert batch.segments.tolist() == [[1] * 5 + [2] * 5 + [0]]
    assert batch.positions.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]]
    assert batch.prefix.astype(int).tolist() == [[1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0]]
    assert batch.predict.tolist() == [[3, 4, 7, 8, 9, 0, 0, 0, 0, 0, 0]]
    assert batch.targets.tolist() == [[310, EOS, 311, 312, EOS, 0, 0, 0, 0, 0, 0]]
    assert batch.weights.sum() == 5


def test_an_encoder_decoder_reads_the_source_and_writes_the_target() -> None:
    rows = pack_pairs(PAIRS, 11, eos=EOS)
    batch = fitted(PrefixLM(VOCAB, "encoder-decoder"), rows)(rows, np.random.default_rng(0))
    assert batch.decoder is not None
    assert batch.inputs.tolist() == [[300, 301, EOS, 302, EOS, 0, 0, 0]]
    assert batch.segments.tolist() == [[1, 1, 1, 2, 2, 0, 0, 0]]
    assert batch.targets.tolist() == [[310, EOS, 311, 312, EOS, 0, 0, 0]]
    assert batch.decoder.ids.tolist() == [[BOS, 310, BOS, 311, 312, 0, 0, 0]]
    assert batch.decoder.segments.tolist() == [[1, 1, 2, 2, 2, 0, 0, 0]]
    assert batch.decoder.positions.tolist() == [[0, 1, 0, 1, 2, 0, 0, 0]]


def test_a_fitted_prefix_lm_for_a_decoder_predicts_only_as_much_as_the_rows_need_and_refuses_more() -> None:
    rows = pack_pairs(PAIRS, 11, eos=EOS)
    narrow = fitted(PrefixLM(VOCAB, "decoder"), rows)
    assert narrow(rows, np.random.default_rng(0)).targets.tolist() == [[310, EOS, 311, 312, EOS, 0, 0, 0]]
    more = pack_pairs([(np.array([300]), np.full(9, 311))], 11)
    with pytest.raises(BadInput, match="more than the 8 target tokens"):
        narrow(more, np.random.default_rng(0))


def test_rows_without_pairs_and_an_encoder_are_errors() -> None:
    rows = pack([PAIRS[0][0]], 8)
    for model in ("decoder", "encoder-decoder"):
        with pytest.raises(BadInput, match="prefix-lm reads pairs"):
            build(config.PrefixLM(), VOCAB, np.zeros(0), np.zeros(0), model=config.Model(kind=model), length=8)(
                rows, np.random.default_rng(0)
            )
    with pytest.raises(BadInput, match="prefix-lm trains a decoder"):
        build(config.PrefixLM(), VOCAB, np.zeros(0), np.zeros(0), model=config.Model(), length=8)


def translation_lm(mask_rate: float = 0.3) -> object:
    settings = config.MaskedLM(kind="translation-lm", mask_rate=mask_rate)
    return build(settings, VOCAB, np.ones(400, bool), np.zeros(400, np.int8), model=config.Model(), length=40)


def test_a_translation_lm_masks_both_sides_of_a_pair_that_is_one_document_with_positions_anew() -> None:
    rng = np.random.default_rng(0)
    pairs = [(rng.integers(261, 400, 12), rng.integers(261, 400, 6)) for _ in range(40)]
    rows = pack_pairs(pairs, 40, eos=EOS)
    assert rows.part is not None
    batch = translation_lm()(rows, rng)
    assert np.array_equal(batch.positions[0, :20], [*range(13), *range(7)])
    assert np.array_equal(batch.segments[0, :40], [1] * 20 + [2] * 20)
    row, slot = np.nonzero(batch.weights)
    place = batch.predict[row, slot]
    assert set(rows.part[row, place].tolist()) == {0, 1}
    assert not np.any(rows.ids[row, place] == EOS)
    restored = batch.inputs.copy()
    restored[row, place] = batch.targets[row, slot]
    assert np.array_equal(restored, rows.ids)


def test_a_translation_lm_over_documents_is_an_error() -> None:
    with pytest.raises(BadInput, match="translation-lm reads pairs"):
        translation_lm()(pack([np.full(9, 300)], 40), np.random.default_rng(0))


def test_rows_of_pairs_stay_pairs_when_they_are_taken_and_joined() -> None:
    rows = pack_pairs(PAIRS, 6, eos=EOS)
    joined = Rows.concatenate([rows, rows.take(np.array([1]))])
    assert joined.part is not None
    assert np.array_equal(joined.part, np.concatenate([rows.part, rows.part[1:2]]))
    assert np.array_equal(joined.ids, np.concatenate([rows.ids, rows.ids[1:2]]))
    documents = pack([np.full(3, 300)], 6)
    assert Rows.concatenate([documents, documents]).part is None
    with pytest.raises(BadInput, match="1 of 2 hold pairs"):
        Rows.concatenate([rows, documents])


def test_causal_by_hand_every_token_once_from_bos_and_what_stands_before_it() -> None:
    rows = pack([np.array([300, 301]), np.array([302])], 6, eos=EOS)
    batch = Causal(BOS)(rows, np.random.default_rng(0))
    assert batch.inputs.tolist() == [[BOS, 300, 301, BOS, 302, 0]]
    assert batch.targets.tolist() == [[300, 301, EOS, 302, EOS, 0]]
    assert batch.weights.tolist() == [[1, 1, 1, 1, 1, 0]]
    assert batch.positions.tolist() == [[0, 1, 2, 0, 1, 0]]
    assert batch.predict is None
