"""Scores, alignments, floors and made-up rows, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import config
from workbench.errors import BadInput
from workbench.inflection.align import align, common_stretches
from workbench.inflection.baseline import Rules
from workbench.inflection.hallucinate import hallucinate, places
from workbench.inflection.rows import Row, Table
from workbench.inflection.score import Score, by_group, edit_distance, forms_of, macro_average, misspelt, score


def row(lemma: str, form: str, features: str = "V;PST", lang: str = "xxx") -> Row:
    return Row(lang, lemma, features, form)


def table(name: str, *rows: Row, lines: tuple[int, ...] = (1, 2)) -> Table:
    return Table(Path(name), rows, lines, (1, 2))


def test_exact_match_and_edit_distance_by_hand() -> None:
    assert edit_distance("kitten", "sitting") == 3
    assert score(["ging", "Häusern"], ["ging", "Hausen"]) == Score(2, 0.5, 1.0)  # ä to a, and the r that is missing


def test_an_average_over_languages_counts_each_alike() -> None:
    assert macro_average([Score(900, 1.0, 0.0), Score(100, 0.5, 1.0)]) == Score(1000, 0.75, 0.5)


def test_groups_are_parts_of_speech_first_then_features() -> None:
    found = by_group([row("a", "b", "V;PST"), row("a", "b", "N;PL"), row("a", "b", "V;PRS")])
    assert found == {"pos=V": [0, 2], "pos=N": [1], "PL": [1], "PRS": [2], "PST": [0]}


def test_a_submission_of_other_rows_is_refused() -> None:
    gold = table("gold", row("a", "b"), row("c", "d"), lines=(1, 3))
    assert forms_of(table("mine", row("a", "x"), row("c", "y")), gold) == ["x", "y"]
    with pytest.raises(BadInput, match=r"^mine:2: 'e' V;PST, but gold:3 has 'c' V;PST; a submission has"):
        forms_of(table("mine", row("a", "x"), row("e", "y")), gold)
    with pytest.raises(BadInput, match="mine: 1 rows; gold has 2"):
        forms_of(table("mine", row("a", "x")), gold)


def test_lemmas_that_look_alike_are_told_apart_by_their_unicode_form() -> None:
    composed, taken_apart, mixed = "ü\u0101", "u\u0308a\u0304", "üa\u0304"
    for one, other, says in [
        (taken_apart, composed, r"\(the same letters, in Unicode's NFD and NFC: write lemmas as the test does\)"),
        (composed, taken_apart, "in Unicode's NFC and NFD"),
        (mixed, composed, "in Unicode's mixed writing and NFC"),
    ]:
        with pytest.raises(BadInput, match=says):
            forms_of(table("mine", row(one, "x")), table("gold", row(other, "x")))


def test_forms_that_only_their_writing_makes_wrong_are_counted_and_stay_wrong() -> None:
    gold = ["ä", "a\u0308", "b", "b", "b", "b"]
    given = ["a\u0308", "a\u0308", "b ", "\xa0b", "c", ""]
    assert misspelt(gold, given) == 3  # the second is right as it stands
    assert score(gold, given).exact_match == 1 / 6


WORD = st.text("abcä", max_size=7)


@given(WORD, WORD)
def test_an_alignment_holds_every_character_of_both_in_order_and_costs_what_editing_costs(one: str, other: str) -> None:
    links = align(one, other, substitution=1.0)
    assert [link.lemma for link in links if link.lemma is not None] == list(range(len(one)))
    assert [link.form for link in links if link.form is not None] == list(range(len(other)))
    cost = sum(link.lemma is None or link.form is None or one[link.lemma] != other[link.form] for link in links)
    assert cost == edit_distance(one, other)


def test_a_stem_is_aligned_in_one_piece() -> None:
    assert common_stretches("aba", "xabaxx", 3) == [(0, 1, 3)]
    assert common_stretches("gehen", "gegangen", 2) == [(0, 0, 2), (3, 6, 2)]


def test_rules_take_the_longest_match_and_the_most_frequent_change() -> None:
    rules = Rules([row("walk", "walked"), row("talk", "talked"), row("bake", "baked"), row("try", "tried")])
    assert not rules.backwards
    assert rules.inflect("stalk", "V;PST") == "stalked"  # `alk` adds ed
    assert rules.inflect("make", "V;PST") == "maked"  # `ake` adds d
    assert rules.inflect("cry", "V;PST") == "cried"  # `ry` to ried
    assert rules.inflect("walk", "V;PRS") == "walk"  # features never seen


def test_a_prefix_is_put_before_any_stem() -> None:
    participles = [row("spielen", "gespielt"), row("fragen", "gefragt"), row("machen", "gemacht")]
    others = [row("machen", "machendes", "V.PTCP"), row("fragen", "fragendes", "V.PTCP")]
    rules = Rules(participles + others)
    assert not rules.backwards  # 6 characters before the stem, 9 behind it
    assert rules.inflect("lachen", "V;PST") == "gelacht"


def test_words_are_read_backwards_where_training_changes_the_front() -> None:
    rules = Rules([row("soma", "anasoma"), row("penda", "anapenda"), row("kata", "anakata")])
    assert rules.backwards
    assert rules.inflect("cheka", "V;PST") == "anacheka"


def test_made_up_rows_keep_features_and_affixes_and_change_the_stem_alike() -> None:
    # of a long stretch the ends stay: `spiele` may change from p to l
    assert places("spielen", "gespielet", 3) == [(1, 3), (2, 4), (3, 5), (4, 6)]
    settings = config.Hallucinate(kind="stems", rows=20, rate=1.0)
    made = hallucinate([row("spielen", "gespielet"), row("schreiben", "geschreibet")], settings, seed=0)
    assert len(made) == 20
    assert {one.features for one in made} == {"V;PST"}
    for one in made:
        assert one.form is not None
        assert one.lemma.endswith("en")
        assert one.form == f"ge{one.lemma[:-1]}t"
    assert made == hallucinate([row("spielen", "gespielet"), row("schreiben", "geschreibet")], settings, seed=0)
    assert made != hallucinate([row("spielen", "gespielet"), row("schreiben", "geschreibet")], settings, seed=1)


def test_a_table_without_stems_cannot_be_hallucinated_from() -> None:
    with pytest.raises(BadInput, match="min_stem"):
        hallucinate([row("go", "went")], config.Hallucinate(kind="stems"), seed=0)


@pytest.mark.data
def test_the_rules_write_as_many_japanese_forms_right_as_in_the_frozen_rows(data_root: Path) -> None:
    from workbench.inflection import rows as files

    rules = Rules(files.read(data_root / "sigmorphon2023" / "jap.trn").rows)
    test = files.read(data_root / "sigmorphon2023" / "jap.tst").rows
    found = score([one.form or "" for one in test], [rules.inflect(one.lemma, one.features) for one in test])
    assert found.exact_match == 0.918
