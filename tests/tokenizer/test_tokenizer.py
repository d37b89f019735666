"""Training, special pieces, balance and fertility of the SentencePiece tokenizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import config
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.tokenizer import fertility, train
from workbench.tokenizer.processor import Tokenizer, normalize

ENG, TIR = Lang("eng", "Latn"), Lang("tir", "Ethi")
SYLLABLES = ["ka", "lo", "mi", "tun", "sar", "pe", "gri", "no", "wel", "zu"]


def sentences(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [
        " ".join("".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(rng.integers(4, 9)))
        for _ in range(count)
    ]


def settings(**changes: object) -> config.Tokenizer:
    return config.Tokenizer(**{"vocab_size": 512, "sample_bytes": 40_000, **changes})


TEXTS = {ENG: sentences(900, 0), TIR: ["ሰላም ዓለም", "ከመይ ኣለኻ"] * 5}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return train.train(TEXTS, settings(), tmp_path_factory.mktemp("tokenizer") / "spm.model", seed=0)


def test_training_twice_gives_the_same_bytes_and_another_seed_other_bytes(tmp_path: Path, tokenizer: Tokenizer) -> None:
    again = train.train(TEXTS, settings(), tmp_path / "again.model", seed=0)
    other = train.train(TEXTS, settings(), tmp_path / "other.model", seed=1)
    assert again.sha256 == tokenizer.sha256 == Tokenizer.load(tmp_path / "again.model").sha256
    assert other.sha256 != tokenizer.sha256


def test_every_setting_changes_the_model(tmp_path: Path, tokenizer: Tokenizer) -> None:
    for change in ({"vocab_size": 520}, {"alpha": 1.0}, {"sample_bytes": 20_000}):
        changed = train.train(TEXTS, settings(**change), tmp_path / "changed.model", seed=0)
        assert changed.sha256 != tokenizer.sha256, change


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_normalized_and_never_holds_a_special_id(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == normalize(text)
    assert ids.dtype == np.int32
    assert not np.any(ids < tokenizer.vocab.first_byte)


@pytest.mark.parametrize("literal", ["<mask>", "<pad>", "<unk>", "<s>", "</s>", "<0x41>"])
def test_a_special_piece_written_out_in_text_stays_text(tokenizer: Tokenizer, literal: str) -> None:
    ids = tokenizer.encode(f"kalo {literal} mitun")
    vocab = tokenizer.vocab
    assert not set(ids.tolist()) & {vocab.pad, vocab.unk, vocab.bos, vocab.eos, vocab.mask}
    assert tokenizer.decode(ids) == f"kalo {literal} mitun"


def test_starts_word_marks_exactly_one_piece_per_word(tokenizer: Tokenizer) -> None:
    text = sentences(1, 5)[0]
    assert tokenizer.starts_word[tokenizer.encode(text)].sum() == len(text.split())


def test_the_sample_is_shared_out_by_the_exponent_and_repeats_a_small_language() -> None:
    texts = {ENG: ["aaaa"] * 100, TIR: ["bbbb"]}  # 400 and 4 bytes: 4^.5 / (400^.5 + 4^.5) = 1 / 11
    sample = train.balanced_sample(texts, 0.5, 1100, seed=0)
    assert len(sample[ENG]) == 250
    assert len(sample[TIR]) == 25


def test_a_language_without_text_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="tir-Ethi has no text"):
        train.train({**TEXTS, TIR: ["  "]}, settings(), tmp_path / "spm.model", seed=0)


def test_too_many_pieces_for_the_text_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"tokenizer\.vocab_size: 6000"):
        train.train({ENG: ["kalo mitun"]}, settings(vocab_size=6000), tmp_path / "spm.model", seed=0)
    assert not list(tmp_path.iterdir())


def test_a_garbage_model_file_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "spm.model"
    path.write_bytes(b"not a model")
    with pytest.raises(BadInput, match=r"spm\.model.*delete the file"):
        Tokenizer.load(path)
    with pytest.raises(BadInput, match="no such tokenizer"):
        Tokenizer.load(tmp_path / "absent.model")


def test_fertility_counts_words_pieces_and_bytes(tokenizer: Tokenizer) -> None:
    texts = {ENG: ["kalo mitun", "sar"], TIR: ["漢字"]}
    english, tigrinya = fertility.report(tokenizer, texts)
    num_pieces = sum(len(tokenizer.encode(text)) for text in texts[ENG])
    assert english.lang == "eng-Latn"
    assert (english.num_words, english.num_pieces) == (3, num_pieces)
    assert english.pieces_per_word == num_pieces / 3
    assert english.pieces_per_byte == num_pieces / 13
    assert english.byte_fallback_rate == english.unknown_rate == 0.0
    assert tigrinya.byte_fallback_rate == pytest.approx(6 / 7)  # the space sign, then three bytes for each character
    with pytest.raises(BadInput, match="fertility of eng-Latn"):
        fertility.report(tokenizer, {ENG: ["  "]})
