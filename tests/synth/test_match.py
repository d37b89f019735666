"""Finding entries in text and putting translations in place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.languages import word_spans, words
from workbench.records import Lang, Lexicon, Translation
from workbench.synth.match import PhraseIndex, carry_case, shape, substitute
from workbench.synth.rules import Rule

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")


def lexicon(entries: dict[str, list[str]], target: Lang = WELSH) -> Lexicon:
    made = {key: tuple(Translation(word) for word in given) for key, given in entries.items()}
    return Lexicon(ENGLISH, target, made, "made here")


def replaced(text: str, entries: dict[str, list[str]], max_phrase: int = 4, rate: float = 1.0) -> str:
    index = PhraseIndex(lexicon(entries), max_phrase)
    return substitute(text, index, rate, np.random.default_rng(0)).text


def test_punctuation_and_spaces_stay_as_they_are() -> None:
    assert replaced("The  dog, (a cat)!", {"dog": ["ci"], "cat": ["cath"]}) == "The  ci, (a cath)!"


def test_the_longest_phrase_wins() -> None:
    entries = {"ice": ["iâ"], "ice cream": ["hufen iâ"], "cream": ["hufen"]}
    assert replaced("ice cream, ice, cream", entries) == "hufen iâ, iâ, hufen"


def test_a_phrase_does_not_match_across_punctuation() -> None:
    assert replaced("ice, cream", {"ice cream": ["hufen iâ"]}) == "ice, cream"


def test_a_phrase_longer_than_allowed_is_left_out_and_counted() -> None:
    given = lexicon({"one two three": ["x"], "...": ["y"], "one": ["un"]})
    assert Rule(max_phrase=2).unusable(given) == 2
    index = PhraseIndex(given, max_phrase=2)
    assert substitute("one two three", index, 1.0, np.random.default_rng(0)).text == "un two three"


def test_casing_is_carried_over() -> None:
    entries = {"dog": ["ci"], "Wales": ["Cymru"], "house": ["tŷ bach"]}
    assert replaced("Dog DOG dog", entries) == "Ci CI ci"
    assert replaced("in Wales and WALES", entries) == "in Cymru and CYMRU"
    assert replaced("a House", entries) == "a Tŷ bach"


def test_a_listed_capital_is_kept_where_text_and_key_are_cased_alike() -> None:
    assert carry_case("Monday", "Monday", "dydd Llun", "cym") == "dydd Llun"
    assert replaced("on Monday", {"Monday": ["dydd Llun"]}) == "on dydd Llun"
    assert replaced("Monday it is", {"Monday": ["dydd Llun"]}) == "Dydd Llun it is"


def test_the_text_s_own_casing_is_looked_up_first() -> None:
    entries = {"Turkey": ["Twrci"], "turkey": ["tyrcwn"]}
    assert replaced("a turkey from Turkey", entries) == "a tyrcwn from Twrci"


def test_turkish_i_has_its_own_capital() -> None:
    index = PhraseIndex(lexicon({"job": ["iş"]}, Lang("tur", "Latn")), 4)
    assert substitute("Job JOB", index, 1.0, np.random.default_rng(0)).text == "İş İŞ"


@pytest.mark.parametrize(("word", "wanted"), [("İngilizce", "ingilizce"), ("Irmak", "ırmak"), ("Tuna", "tuna")])
def test_turkish_i_has_its_own_small_letter(word: str, wanted: str) -> None:
    assert carry_case("english", "English", word, "tur") == wanted
    assert carry_case("english", "English", "Irmak", "cym") == "irmak"


def test_georgian_is_never_title_cased() -> None:
    index = PhraseIndex(lexicon({"dog": ["ძაღლი"]}, Lang("kat", "Geor")), 4)
    assert substitute("Dog", index, 1.0, np.random.default_rng(0)).text == "ძაღლი"


def test_marks_and_apostrophes_do_not_cut_words() -> None:
    assert replaced("don't do", {"do": ["gwneud"], "don't": ["paid"]}) == "paid gwneud"


def test_punctuation_around_a_key_is_ignored_and_taken_off_its_translation() -> None:
    assert replaced("Cancel now", {"Cancel…": ["Canslo…"]}) == "Canslo now"


@pytest.mark.parametrize(
    ("text", "wanted"), [("dog", "lower"), ("Dog", "title"), ("DOG", "upper"), ("I", "title"), ("12", "uncased")]
)
def test_shape_of_a_word(text: str, wanted: str) -> None:
    assert shape(text) == wanted


def test_rate_zero_replaces_nothing_and_rate_half_about_half() -> None:
    text = " ".join(["dog"] * 1000)
    assert replaced(text, {"dog": ["ci"]}, rate=0.0) == text
    assert 400 < replaced(text, {"dog": ["ci"]}, rate=0.5).split().count("ci") < 600


def test_translations_are_drawn_uniformly_over_entries_so_duplicates_weigh() -> None:
    drawn = replaced(" ".join(["go"] * 3000), {"go": ["a", "a", "b"]}).split()
    assert drawn.count("a") / 3000 == pytest.approx(2 / 3, abs=0.04)


@given(st.text(max_size=60))
def test_without_matches_any_text_comes_back_unchanged(text: str) -> None:
    done = substitute(text, PhraseIndex(lexicon({"\u4e00\u4e01": ["x"]}), 4), 1.0, np.random.default_rng(0))
    assert done.text == text
    assert done.num_words == len(words(text))


@given(st.lists(st.sampled_from(["dog", "Cat", "the", "ice", "cream", ",", "ice cream"]), max_size=12))
def test_matches_never_overlap_and_count_the_words_replaced(tokens: list[str]) -> None:
    text = " ".join(tokens)
    index = PhraseIndex(lexicon({"dog": ["x"], "cat": ["y"], "ice cream": ["z"], "cream": ["w"]}), 4)
    done = substitute(text, index, 1.0, np.random.default_rng(0))
    covered = [word for m in done.matches for word in range(m.first, m.first + m.num_words)]
    assert covered == sorted(set(covered))
    assert done.num_replaced == len(covered) <= len(word_spans(text))
