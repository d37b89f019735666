"""Denoising: one mask a span, and sentences that change places whole."""

from __future__ import annotations

import itertools

import numpy as np

from workbench import config
from workbench.mixture.packing import pack
from workbench.objectives.denoise import Denoise
from workbench.vocab import Vocab

VOCAB = Vocab(size=100)
A, B, C, POINT, DANDA, JOINED = 10, 11, 12, 20, 21, 30  # JOINED goes on with the word before it
STARTS_WORD = np.arange(100) != JOINED
ENDS_SENTENCE = np.zeros(100, np.int8)
ENDS_SENTENCE[[POINT, DANDA]] = 1, 2


def denoise(**settings: object) -> Denoise:
    return Denoise(config.Denoise(**settings), VOCAB, STARTS_WORD, ENDS_SENTENCE)


def orders(document: list[int], eos: int | None = None) -> set[tuple[int, ...]]:
    """What the encoder reads over many seeds where no token is noise."""
    rows = pack([np.array(document)], 16, eos=eos)
    quiet = denoise(noise_rate=0.01)
    return {
        tuple(quiet(rows, np.random.default_rng(seed)).inputs[0][: np.count_nonzero(rows.segments)].tolist())
        for seed in range(100)
    }


def test_sentences_change_places_whole_and_eos_stays_last() -> None:
    sentences = [(A, POINT), (B, B, DANDA), (C,)]
    expected = {(*itertools.chain(*order), VOCAB.eos) for order in itertools.permutations(sentences)}
    assert orders([A, POINT, B, B, DANDA, C], VOCAB.eos) == expected


def test_a_full_stop_inside_a_word_ends_nothing_and_a_danda_always_does() -> None:
    assert orders([A, POINT, JOINED, B]) == {(A, POINT, JOINED, B)}
    assert orders([A, DANDA, JOINED, B]) == {(A, DANDA, JOINED, B), (JOINED, B, A, DANDA)}


def test_sentences_never_leave_their_document() -> None:
    rows = pack([np.array([A, POINT] * 4), np.array([B, POINT] * 4)], 16)
    for seed in range(20):
        inputs = denoise(noise_rate=0.01)(rows, np.random.default_rng(seed)).inputs[0]
        assert set(inputs[:8].tolist()) == {A, POINT}
        assert set(inputs[8:].tolist()) == {B, POINT}


def test_a_span_of_any_length_becomes_one_mask() -> None:
    rows = pack([np.arange(30, 80)], 50)
    batch = denoise(noise_rate=0.5, poisson_mean=25.0, permute_sentences=False)(rows, np.random.default_rng(4))
    inputs = batch.inputs[0][batch.segments[0] > 0]
    assert np.count_nonzero(inputs != VOCAB.mask) == 25
    assert 1 <= np.count_nonzero(inputs == VOCAB.mask) <= 4
    assert batch.targets[0].tolist() == list(range(30, 80))
