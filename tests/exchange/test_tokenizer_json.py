"""tokenizer.json gives the ids that SentencePiece gives, for any text."""

from __future__ import annotations

import re
import sys
import unicodedata

import numpy as np
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from workbench.exchange import tokenizer_json
from workbench.exchange.verify import HARD, tied
from workbench.tokenizer.processor import Tokenizer, normalize


@pytest.fixture(scope="module")
def built(tokenizer: Tokenizer) -> tokenizers.Tokenizer:
    found = tokenizer_json.build(tokenizer)
    again = tokenizers.Tokenizer.from_str(found.to_str())  # as from the file
    again.encode_special_tokens = True
    return again


def ids(built: tokenizers.Tokenizer, text: str) -> list[int]:
    return built.encode(text, add_special_tokens=False).ids


def test_real_lines_and_hard_ones_have_the_same_ids(
    tokenizer: Tokenizer, built: tokenizers.Tokenizer, lines: list[str]
) -> None:
    for text in [*lines, *HARD, *(unicodedata.normalize("NFD", line) for line in lines)]:
        assert ids(built, text) == tokenizer.encode(text).tolist(), text


# The library's Unicode tables are of version 9 or so: two marks younger than that on one letter keep their order.
OLD = st.characters(exclude_categories=["Cs", "Cn"], max_codepoint=0x052F)


@given(text=st.text(OLD | st.sampled_from("\0\t \u2581<>s/0x41mask\u3000é")))
def test_any_text_has_the_same_ids_and_comes_back_the_same(
    tokenizer: Tokenizer, built: tokenizers.Tokenizer, text: str
) -> None:
    ours, theirs = tokenizer.encode(text).tolist(), ids(built, text)
    assert ours == theirs or tied(tokenizer.scores(), ours, theirs)
    assert built.decode(ids(built, text)) == tokenizer.decode(tokenizer.encode(text))


def test_text_that_spells_a_special_piece_or_a_byte_stays_text(
    tokenizer: Tokenizer, built: tokenizers.Tokenizer
) -> None:
    vocab = tokenizer.vocab
    for literal in tokenizer_json.cuts(tokenizer):
        found = ids(built, f"a{literal}b {literal}")
        assert found == tokenizer.encode(f"a{literal}b {literal}").tolist(), literal
        assert min(found) >= vocab.first_byte
    built.encode_special_tokens = False
    assert vocab.mask in ids(built, "<mask>")  # as is the custom elsewhere
    built.encode_special_tokens = True


def test_a_literal_is_cut_where_no_piece_of_text_reaches_across(tokenizer: Tokenizer) -> None:
    text = [piece for piece, is_text in zip(tokenizer.pieces, tokenizer.is_text(), strict=True) if is_text]
    places = tokenizer_json.cuts(tokenizer)
    assert len(places) == 261 + 4
    for literal, place in places.items():
        assert place
        assert not any(literal[place - 1 : place + 1] in piece for piece in text)


def test_what_counts_as_space_is_what_python_and_our_normalizer_take_for_space() -> None:
    every = {character for character in map(chr, range(sys.maxunicode + 1)) if not normalize(character)}
    pattern = tokenizer_json.SPACE
    written = re.sub(r"\\x\{([0-9a-f]+)\}", lambda found: f"\\U{int(found[1], 16):08x}", pattern)
    spelt = re.compile(written)
    assert {character for character in map(chr, range(sys.maxunicode + 1)) if spelt.fullmatch(character)} == every


def test_special_pieces_go_around_a_text_as_asked_and_a_mask_does_not_start_a_word(tokenizer: Tokenizer) -> None:
    vocab = tokenizer.vocab
    built = tokenizer_json.build(tokenizer, prefix=[vocab.bos], suffix=[vocab.eos])
    text = tokenizer.encode("The cat").tolist()
    assert built.encode("The cat").ids == [vocab.bos, *text, vocab.eos]
    pair = built.encode("The cat", "The cat")
    assert pair.ids == [vocab.bos, *text, vocab.eos] * 2
    assert pair.type_ids == [0] * (len(text) + 2) + [1] * (len(text) + 2)
    plain = tokenizer_json.build(tokenizer)
    assert plain.encode("").ids == []
    around = plain.encode("The <mask>.")
    assert around.ids == [*tokenizer.encode("The").tolist(), vocab.mask, tokenizer.pieces.index(".")]


def test_only_cuts_of_equal_probability_are_tied() -> None:
    scores = np.array([-8.44017, -7.35861, -5.41824, -5.41825])
    assert tied(scores, [0, 1, 2], [1, 2, 0])
    assert tied(scores, [], [])
    assert not tied(scores, [0, 1, 2], [0, 1, 3])
    assert not tied(scores, [0, 1], [0, 1, 2])
