"""English forms analysed, and their lemma's translation put in the same cell."""

from __future__ import annotations

import pytest

from workbench.records import Inflection, Lang, Lexicon, Translation
from workbench.synth.english import PAST, PAST_PARTICIPLE, PLURAL, PRESENT_PARTICIPLE, THIRD, Reading, analyse
from workbench.synth.inflected import Cells, extended

ENGLISH, FAROESE = Lang("eng", "Latn"), Lang("fao", "Latn")


@pytest.mark.parametrize(
    ("form", "lemma", "features"),
    [
        ("dogs", "dog", PLURAL),
        ("Cities", "city", PLURAL),
        ("churches", "church", PLURAL),
        ("children", "child", PLURAL),
        ("leaves", "leaf", PLURAL),
        ("walks", "walk", THIRD),
        ("goes", "go", THIRD),
        ("tries", "try", THIRD),
        ("walked", "walk", PAST),
        ("stopped", "stop", PAST),
        ("loved", "love", PAST),
        ("carried", "carry", PAST_PARTICIPLE),
        ("went", "go", PAST),
        ("written", "write", PAST_PARTICIPLE),
        ("running", "run", PRESENT_PARTICIPLE),
        ("making", "make", PRESENT_PARTICIPLE),
        ("lying", "lie", PRESENT_PARTICIPLE),
        ("bigger", "big", ("ADJ", "CMPR")),
        ("happiest", "happy", ("ADJ", "SPRL")),
    ],
)
def test_regular_and_irregular_forms_have_their_lemma_among_their_readings(
    form: str, lemma: str, features: tuple[str, ...]
) -> None:
    assert Reading(lemma, features) in analyse(form)


@pytest.mark.parametrize("word", ["this", "is", "nothing", "glass", "bus", "the", "café", "under", "hundred", "x1"])
def test_words_that_only_look_like_forms_have_no_reading(word: str) -> None:
    assert analyse(word) == ()


def cell(lemma: str, form: str, features: str) -> Inflection:
    return Inflection(FAROESE, lemma, form, tuple(features.split(";")))


TABLE = [
    cell("hundur", "hundar", "N;INDF;NOM;PL"),
    cell("hundur", "hundarnir", "N;DEF;NOM;PL"),
    cell("hundur", "hundum", "N;INDF;DAT;PL"),
    cell("hundur", "hundur", "N;INDF;NOM;SG"),
    cell("ganga", "gekk", "V;IND;PST;3;SG"),
    cell("ganga", "gingu", "V;IND;PST;3;PL"),
    cell("ganga", "gongur", "V;IND;PRS;3;SG"),
    cell("ganga", "gingin", "V.PTCP;PST"),
]


def test_the_plainest_cell_that_says_what_is_wanted_is_taken() -> None:
    cells = Cells(TABLE)
    assert cells.listed("hundur", PLURAL) == "hundar"  # neither definite nor dative
    assert cells.listed("ganga", PAST) == "gekk"
    assert cells.listed("ganga", PAST_PARTICIPLE) == "gingin"
    assert cells.listed("ganga", THIRD) == "gongur"
    assert cells.listed("ganga", PLURAL) is None
    assert cells.bundle(PLURAL) == ("N", "INDF", "NOM", "PL")


def lexicon(entries: dict[str, list[str]]) -> Lexicon:
    return Lexicon(ENGLISH, FAROESE, {k: tuple(map(Translation, v)) for k, v in entries.items()}, "made here")


WORDS = {"Dogs": 3, "cats": 2, "walked": 5, "dog": 7, "seas": 1, "quarks": 1}
GIVEN = {"dog": ["hundur", "rakki"], "cat": ["ketta"], "walk": ["gongutúrur", "ganga"], "sea": ["hav"], "seas": ["høv"]}


def test_forms_are_inflected_by_the_table_and_what_is_listed_stays() -> None:
    made, routes = extended(lexicon(GIVEN), WORDS, TABLE, "inflected")
    found = {key: [one.word for one in options] for key, options in made.entries.items()}
    assert found["dogs"] == ["hundar"]  # `rakki` has no cell here
    assert found["walked"] == ["gekk"]  # the verb's translation alone has a past
    assert found["cats"] == ["ketta"]  # not listed: the lemma
    assert found["seas"] == ["høv"]
    assert "quarks" not in found
    assert dict(routes.words) == {"listed": 8, "lemma": 2, "plain": 8, "unknown": 1}
    assert dict(routes.types) == {"listed": 2, "lemma": 1, "plain": 2, "unknown": 1}


def test_a_model_of_inflection_is_asked_in_the_language_s_own_features_where_nothing_is_listed() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def inflect(lemma: str, features: tuple[str, ...]) -> str | None:
        asked.append((lemma, features))
        return f"{lemma}r" if lemma == "ketta" else None

    made, routes = extended(lexicon(GIVEN), WORDS, TABLE, "inflected", inflect)
    assert made.entries["cats"][0].word == "kettar"
    assert ("ketta", ("N", "INDF", "NOM", "PL")) in asked
    assert routes.words["model"] == 2


def test_the_control_covers_the_same_words_by_their_lemma() -> None:
    plain, routes = extended(lexicon(GIVEN), WORDS, TABLE, "lemma")
    made, _ = extended(lexicon(GIVEN), WORDS, TABLE, "inflected")
    assert set(plain.entries) == set(made.entries)
    assert [one.word for one in plain.entries["dogs"]] == ["hundur", "rakki"]
    assert dict(routes.words) == {"lemma": 10, "plain": 8, "unknown": 1}
    assert extended(lexicon(GIVEN), WORDS, TABLE, "none")[0] == lexicon(GIVEN)
