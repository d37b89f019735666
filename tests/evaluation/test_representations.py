"""Vectors of sentences and words at every layer: by hand, one text at a time; and kept on disk."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import BadInput
from workbench.evaluation import store as store_module
from workbench.evaluation.embed import hidden_states, sentence_embeddings
from workbench.evaluation.representations import Reader, all_vectors, sentence_vectors, word_vectors, words_of
from workbench.evaluation.store import Store
from workbench.models.encoder import Encoder
from workbench.tokenizer.processor import Tokenizer

TEXTS = ["open the door", "paint the window", "peintio", "find the garage in the garden now"]


@pytest.fixture(scope="module")
def reader(model: Encoder, tokenizer: Tokenizer) -> Reader:
    return Reader("tiny", model, tokenizer, "sha")


@pytest.fixture(scope="module")
def marked(reader: Reader) -> Reader:
    vocab = reader.tokenizer.vocab
    return replace(reader, before=(vocab.bos,), after=(vocab.eos, vocab.unk))


def states(reader: Reader, text: str) -> np.ndarray:  # [L+1, T, D], of the special ids too
    ids = np.array([*reader.before, *reader.tokenizer.encode_all([text])[0], *reader.after], np.int32)[None]
    return np.asarray(hidden_states(reader.model, ids, np.ones_like(ids), np.arange(ids.shape[1])[None]))[:, 0]


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_a_sentence_is_pooled_over_its_own_pieces_without_special_ones_and_padding(
    marked: Reader, pooling: str
) -> None:
    found = all_vectors(marked, TEXTS, pooling)  # type: ignore[arg-type]
    for number, text in enumerate(TEXTS):
        all_of = states(marked, text)
        own = all_of[:, 1:-2]
        wanted = {"mean": own.mean(axis=1), "max": own.max(axis=1), "cls": all_of[:, 0]}[pooling]
        np.testing.assert_allclose(found[:, number], wanted, atol=2e-5)


def test_the_mean_is_that_of_the_packed_embeddings(reader: Reader, model: Encoder, tokenizer: Tokenizer) -> None:
    np.testing.assert_allclose(all_vectors(reader, TEXTS), sentence_embeddings(model, tokenizer, TEXTS), atol=2e-5)


def test_texts_read_in_windows_come_in_batches_and_are_named_by_their_numbers(reader: Reader) -> None:
    texts, windowed = TEXTS * 150, replace(reader, window=16)
    counted: list[int] = []
    found = list(sentence_vectors(windowed, texts, done=counted.append))
    assert counted == [256, 256, 88]
    assert [batch.vectors.shape[1] for batch in found] == counted
    assert np.concatenate([batch.texts for batch in found]).tolist() == list(range(600))
    np.testing.assert_allclose(
        np.concatenate([b.vectors for b in found], axis=1)[:, -4:],
        sentence_embeddings(reader.model, reader.tokenizer, TEXTS, length=16),
        atol=2e-5,
    )
    with pytest.raises(BadInput, match="text number 2 of 2 is empty: ' '"):
        all_vectors(windowed, ["a", " "])


def test_cls_is_refused_where_the_model_reads_no_piece_before_a_text(reader: Reader) -> None:
    with pytest.raises(BadInput, match="no special piece before a text"):
        next(sentence_vectors(reader, TEXTS, "cls"))


def test_words_are_the_means_of_their_pieces(marked: Reader) -> None:
    words = words_of(marked, TEXTS)
    assert [list(one) for one in words.spelt] == [text.split() for text in TEXTS]
    found = np.full((marked.num_layers, words.starts[-1], marked.width), np.nan, np.float32)
    for rows, vectors in word_vectors(marked, TEXTS):
        found[:, rows] = vectors
    row = 0
    for text in TEXTS:
        pieces = marked.tokenizer.encode_all([text])[0]
        own = states(marked, text)[:, 1:-2]
        firsts = [*np.flatnonzero(marked.tokenizer.starts_word[pieces]), len(pieces)]
        for start, end in pairwise(firsts):
            np.testing.assert_allclose(found[:, row], own[:, start:end].mean(axis=1), atol=2e-5)
            row += 1
    assert row == words.starts[-1]


def test_a_text_that_the_model_cannot_read_is_refused(reader: Reader) -> None:
    with pytest.raises(BadInput, match="text number 2 of 2 has 0 tokens"):
        list(sentence_vectors(reader, ["open", " "]))
    with pytest.raises(BadInput, match="wanted 1 to 4 for tiny"):
        list(sentence_vectors(replace(reader, max_tokens=4), TEXTS))
    with pytest.raises(BadInput, match="no texts"):
        list(sentence_vectors(reader, []))


def test_vectors_are_computed_once_for_one_model_texts_and_pooling(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    store = Store(tmp_path, done.append)
    first = store.sentences(reader, TEXTS)
    np.testing.assert_array_equal(first.layer(1), all_vectors(reader, TEXTS)[1])
    assert sum(done) == len(TEXTS)
    for other in (
        store.sentences(reader, TEXTS, "max"),
        store.sentences(reader, TEXTS[:2]),
        store.sentences(replace(reader, sha256="another"), TEXTS),
        store.words(reader, TEXTS)[1],
    ):
        assert other.path != first.path

    def fail(*_: object) -> object:
        raise AssertionError("computed again")

    monkeypatch.setattr(store_module, "_write", fail)
    assert store.sentences(reader, TEXTS) == first
    assert len(list(tmp_path.rglob("*.npy"))) == 5
    with pytest.raises(BadInput, match=r"layers 0 \(the embedding\) to 2"):
        first.layer(3)


def test_nothing_stays_of_vectors_that_could_not_be_finished(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="0 tokens"):
        Store(tmp_path).sentences(reader, [*TEXTS, ""])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_damaged_file_is_refused(reader: Reader, tmp_path: Path) -> None:
    kept = Store(tmp_path).sentences(reader, TEXTS)
    kept.path.write_bytes(kept.path.read_bytes()[:200])
    with pytest.raises(BadInput, match="delete the file"):
        Store(tmp_path).sentences(reader, TEXTS)
