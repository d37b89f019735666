"""Pieces added to a tokenizer: old text is cut as before, new text is cut coarser."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import config
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.tokenizer import fertility
from workbench.tokenizer.expand import Characters, extend
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train

ENGLISH, WELSH, MALAYALAM = Lang("eng", "Latn"), Lang("cym", "Latn"), Lang("mal", "Mlym")
NOUNS = ["cat", "dog", "old house", "river", "teacher", "window", "garden", "mountain", "question", "bicycle"]
TEXTS = [
    f"the {noun} {verb} over there, {number} times"
    for noun in NOUNS
    for verb in ("sees", "opens", "was", "runs", "follows", "carries")
    for number in range(10)
]
NEW = ["ഈ ഫീൽഡ് പൂരിപ്പിക്കേണ്ടതുണ്ട്", "മലയാളം ഫീൽഡ് the മല", "പൂരിപ്പിക്കേണ്ടതുണ്ട് മലയാളം", "ഈ മല 3"] * 5


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "base.model"
    return train({ENGLISH: TEXTS}, config.Tokenizer(vocab_size=310, sample_bytes=10_000), path, seed=0)


@pytest.fixture(scope="module")
def extended(base: Tokenizer) -> Tokenizer:
    return _extend(base, MALAYALAM, NEW)


def _extend(base: Tokenizer, lang: Lang, texts: list[str], characters: Characters = "unseen") -> Tokenizer:
    return extend(base, {lang: texts}, 60, characters=characters, alpha=0.3, sample_bytes=10_000, seed=0)


def test_old_pieces_keep_their_ids_and_new_ones_stand_behind_them(base: Tokenizer, extended: Tokenizer) -> None:
    assert 0 < extended.vocab.size - base.vocab.size <= 60
    assert extended.pieces[: base.vocab.size] == base.pieces
    known = {character for piece in base.pieces for character in piece}
    assert all(set(piece) - known for piece in extended.pieces[base.vocab.size :])


@given(st.text(st.sampled_from("abcdehinorstuvw ,0123456789ABCäßпривет"), max_size=60))
def test_text_that_the_old_vocabulary_knows_is_cut_as_before(base: Tokenizer, extended: Tokenizer, text: str) -> None:
    assert np.array_equal(base.encode(text), extended.encode(text))


@given(st.text(max_size=40))
def test_any_text_still_comes_back(extended: Tokenizer, text: str) -> None:
    from workbench.tokenizer.processor import normalize

    assert extended.decode(extended.encode(text)) == normalize(text)


def test_the_new_script_is_cut_coarser_and_no_longer_into_bytes(base: Tokenizer, extended: Tokenizer) -> None:
    before, after = (fertility.report(one, {MALAYALAM: NEW})[0] for one in (base, extended))
    assert before.byte_fallback_rate > 0.9
    assert after.byte_fallback_rate < 0.1
    assert after.pieces_per_word < before.pieces_per_word / 5


def test_the_same_texts_give_the_same_pieces(base: Tokenizer, extended: Tokenizer) -> None:
    assert _extend(base, MALAYALAM, NEW).sha256 == extended.sha256


def test_a_language_of_the_same_letters_has_nothing_unseen_and_any_piece_may_be_asked_for(base: Tokenizer) -> None:
    texts = ["the tad ci was over", "tad ci tad ci hen dog"] * 10
    with pytest.raises(BadInput, match=r"spells every character of cym-Latn.*\"any\""):
        _extend(base, WELSH, texts)
    found = _extend(base, WELSH, texts, "any")
    assert base.vocab.size < found.vocab.size
