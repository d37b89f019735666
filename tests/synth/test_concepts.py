"""Concepts: which pivot words, and which word of a language has which."""

from __future__ import annotations

import pytest

from workbench.errors import BadInput
from workbench.records import Lang, Lexicon, Translation
from workbench.synth.concepts import shared

ENGLISH, WELSH, BASQUE = Lang("eng", "Latn"), Lang("cym", "Latn"), Lang("eus", "Latn")


def lexicon(target: Lang, **entries: list[str]) -> Lexicon:
    listed = {key.replace("_", " "): tuple(map(Translation, words)) for key, words in entries.items()}
    return Lexicon(ENGLISH, target, listed, "test")


TEXTS = ["The dog sees the house.", "A dog, a dog!", "house"]
BOTH = [
    lexicon(WELSH, dog=["ci"], house=["tŷ", "annedd hir"], cat=["cath"], the_dog=["y ci"]),
    lexicon(BASQUE, Dog=["txakur", "Ci"], house=["etxe"], sees=["ci"]),
]


def test_shared_words_come_first_then_the_frequent_and_words_never_read_not_at_all() -> None:
    found = shared(BOTH, TEXTS, 10)
    assert found.names == ("dog", "house", "sees")  # dog and house in both lexicons, dog three times in the text
    assert shared(BOTH, TEXTS, 1).names == ("dog",)


def test_a_word_has_the_first_of_its_concepts_and_phrases_have_none() -> None:
    words = shared(BOTH, TEXTS, 10).words
    assert words[ENGLISH] == {"dog": 1, "house": 2, "sees": 3}
    assert words[WELSH] == {"ci": 1, "tŷ": 2}
    assert words[BASQUE] == {"txakur": 1, "ci": 1, "etxe": 2}  # ci also translates sees, which stands later


def test_nothing_shared_with_the_text_or_two_pivots_are_refused() -> None:
    with pytest.raises(BadInput, match="no word of the pivot's text"):
        shared(BOTH, ["elephants"], 5)
    with pytest.raises(BadInput, match="one pivot"):
        shared([BOTH[0], Lexicon(WELSH, BASQUE, {}, "x")], TEXTS, 5)
