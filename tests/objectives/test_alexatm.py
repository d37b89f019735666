"""AlexaTM: the example of its README, the share of continued documents and where they are split."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import config
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.objectives.alexatm import AlexaTM
from workbench.objectives.build import build
from workbench.vocab import Vocab

VOCAB = Vocab(size=1000, has_clm=True)


def test_the_example_of_its_readme_spans_are_gone_and_the_decoder_writes_all() -> None:
    words = ["we", "went", "to", "Paris", "which", "is", "the", "capital", "of", "France"]
    word_ids = {word: VOCAB.first_byte + number for number, word in enumerate(words)}
    rows = pack([np.array([word_ids[word] for word in words])], 12, eos=VOCAB.eos)
    objective = AlexaTM(config.AlexaTM(noise_rate=0.1, causal_rate=0.0), VOCAB)
    spelt = {number: word for word, number in word_ids.items()} | {VOCAB.eos: "</s>"}
    read = set()
    for seed in range(100):
        batch = objective(rows, np.random.default_rng(seed))
        read.add(" ".join(spelt[i] for i in batch.inputs[0][batch.segments[0] > 0].tolist()))
        assert [spelt[i] for i in batch.targets[0][batch.weights[0] > 0].tolist()] == [*words, "</s>"]
    assert "we went to which is the capital of France </s>" in read
    assert read == {" ".join([*(word for word in words if word != gone), "</s>"]) for gone in words}


def test_the_share_of_continued_documents_and_their_splits_are_as_stated() -> None:
    rows = pack([np.full(100, 500)] * 3000, 101, eos=VOCAB.eos)
    batch = AlexaTM(config.AlexaTM(), VOCAB)(rows, np.random.default_rng(0))
    assert batch.decoder is not None
    continued = batch.inputs[:, 0] == VOCAB.clm
    assert continued.mean() == pytest.approx(0.2, abs=0.02)
    assert not np.any(batch.inputs[:, 1:] == VOCAB.clm)
    given = (batch.segments[continued] > 0).sum(axis=1) - 1
    assert (given.min(), given.max()) == (20, 80)
    assert given.mean() == pytest.approx(50, abs=2)
    assert np.histogram(given, bins=[20, 40, 60, 81])[0] / len(given) == pytest.approx([1 / 3] * 3, abs=0.06)
    written = (batch.decoder.segments[continued] > 0).sum(axis=1)
    assert np.all(given + written == 101)  # eos is written
    assert np.all((batch.segments[~continued] > 0).sum(axis=1) == 101 - 15)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shortest_documents_leave_something_to_both_stacks(size: int) -> None:
    for eos in (None, VOCAB.eos):
        rows = pack([np.full(size, 500)], size + (eos is not None), eos=eos)
        for causal_rate in (0.0, 1.0):
            objective = AlexaTM(config.AlexaTM(causal_rate=causal_rate), VOCAB)
            batch = objective(rows, np.random.default_rng(0))
            assert batch.segments.any()
            assert batch.weights.any()


def test_a_vocabulary_without_clm_is_an_error_that_names_the_setting_unless_nothing_is_continued() -> None:
    plain, nothing, model = Vocab(size=1000), np.zeros(0), config.Model(kind="encoder-decoder")
    with pytest.raises(BadInput, match=r"set tokenizer\.clm = true"):
        build(config.AlexaTM(), plain, nothing, nothing, model=model, length=64)
    with pytest.raises(BadInput, match=r"tokenizer\.clm"):
        AlexaTM(config.AlexaTM(causal_rate=1.0), plain)(pack([np.full(9, 500)], 9), np.random.default_rng(0))
    only_denoised = build(config.AlexaTM(causal_rate=0.0), plain, nothing, nothing, model=model, length=64)
    assert only_denoised(pack([np.full(9, 500)], 9), np.random.default_rng(0)).weights.sum() == 9
