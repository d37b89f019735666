"""Training, special pieces, balance and fertility of the SentencePiece tokenizer."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench import config
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.tokenizer import fertility, train
from workbench.tokenizer.processor import Tokenizer, ends_sentence, normalize
from workbench.vocab import Vocab

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
    changes = ({"vocab_size": 520}, {"alpha": 1.0}, {"sample_bytes": 20_000}, {"sentinels": 1}, {"clm": True})
    assert {name for change in changes for name in change} == set(config.Tokenizer.model_fields) - {
        "target_words"
    }  # that one says which texts
    for change in changes:
        changed = train.train(TEXTS, settings(**change), tmp_path / "changed.model", seed=0)
        assert changed.sha256 != tokenizer.sha256, change


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_normalized_and_never_holds_a_special_id(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == normalize(text)
    assert ids.dtype == np.int32
    assert not np.any(ids < tokenizer.vocab.first_byte)


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("denoiser") / "spm.model"
    texts = {ENG: [*TEXTS[ENG], "[CLM] <extra_id_0>"], TIR: TEXTS[TIR]}
    train.train(texts, settings(sentinels=3, clm=True), path, seed=0)
    return Tokenizer.load(path)


@pytest.mark.parametrize(
    "literal", ["<mask>", "<pad>", "<unk>", "<s>", "</s>", "<0x41>", "[CLM]", "<extra_id_0>", "<extra_id_9>"]
)
@pytest.mark.parametrize("which", ["tokenizer", "denoiser"])
def test_a_special_piece_written_out_in_text_stays_text(
    request: pytest.FixtureRequest, which: str, literal: str
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(which)
    ids = tokenizer.encode(f"kalo {literal} mitun")
    assert ids.min() >= tokenizer.vocab.first_byte
    assert tokenizer.decode(ids) == f"kalo {literal} mitun"


def test_clm_and_sentinels_stand_between_the_mask_and_the_bytes_and_only_where_asked_for(
    tokenizer: Tokenizer, denoiser: Tokenizer
) -> None:
    assert tokenizer.pieces[:7] == ("<pad>", "<unk>", "<s>", "</s>", "<mask>", "<0x00>", "<0x01>")
    assert tokenizer.vocab == Vocab(512)
    assert denoiser.pieces[4:10] == ("<mask>", "[CLM]", "<extra_id_0>", "<extra_id_1>", "<extra_id_2>", "<0x00>")
    assert denoiser.vocab == Vocab(512, has_clm=True, num_sentinels=3)
    assert denoiser.vocab.clm == 5
    assert [denoiser.vocab.sentinel(number) for number in range(3)] == [6, 7, 8]
    assert denoiser.vocab.first_byte == 9
    assert Vocab(512, num_sentinels=3).sentinel(0) == 5
    assert denoiser.decode([5, 6, *denoiser.encode("kalo")]) == "kalo"


def test_symbols_that_a_vocabulary_has_not_are_errors_that_name_the_setting() -> None:
    with pytest.raises(BadInput, match=r"tokenizer\.clm = true"):
        _ = Vocab(512).clm
    with pytest.raises(BadInput, match=r"tokenizer\.sentinels = 4 or more"):
        Vocab(512, num_sentinels=3).sentinel(3)
    with pytest.raises(ValidationError, match="vocab_size 400 with 101 sentinels leaves 299 pieces"):
        settings(vocab_size=400, sentinels=101)


@pytest.mark.parametrize(
    ("symbols", "reason"),
    [
        ({"control_symbols": ["<mask>", "<extra_id_0>", "<extra_id_2>"]}, "'<extra_id_1>': 6"),
        ({"user_defined_symbols": ["<mask>"]}, "'<mask>': 4"),  # text that spells it out would become it
    ],
)
def test_a_model_with_a_hole_in_its_sentinels_or_a_mask_that_text_can_become_is_not_ours(
    symbols: dict[str, list[str]], reason: str
) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS[ENG]),
        model_writer=model,
        vocab_size=400,
        byte_fallback=True,
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        minloglevel=2,
        **symbols,
    )
    with pytest.raises(BadInput, match=f"{reason}.*not trained by the workbench"):
        Tokenizer(model.getvalue())


def test_sentences_end_with_the_terminals_of_any_script_and_full_stops_only_before_a_new_word() -> None:
    pieces = [".", "▁end.", '!"', "?)", "।", "▁ሰላም።", "。」", "؟", "a", "▁", ",", "3.14", "<0x2E>"]
    assert ends_sentence(pieces).tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0, 0]


def test_ends_sentence_has_one_entry_a_piece(tokenizer: Tokenizer) -> None:
    assert tokenizer.ends_sentence.shape == tokenizer.starts_word.shape == (512,)


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
