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
from workbench.inflection.score import Score, by_group, edit_distance, forms_of, macro_average, score


def row(lemma: str, form: str, features: str = "V;PST", lang: str = "xxx") -> Row:
    return Row(lang, lemma, features, form)


def test_exact_match_and_edit_distance_by_hand() -> None:
    assert edit_distance("kitten", "sitting") == 3
    assert score(["ging", "Häusern"], ["ging", "Hausen"]) == Score(2, 0.5, 1.0)  # ä to a, and the r that is missing


def test_an_average_over_languages_counts_each_alike() -> None:
    assert macro_average([Score(900, 1.0, 0.0), Score(100, 0.5, 1.0)]) == Score(1000, 0.75, 0.5)


def test_groups_are_parts_of_speech_first_then_features() -> None:
    found = by_group([row("a", "b", "V;PST"), row("a", "b", "N;PL"), row("a", "b", "V;PRS")])
    assert found == {"pos=V": [0, 2], "pos=N": [1], "PL": [1], "PRS": [2], "PST": [0]}


def test_a_submission_of_other_rows_is_refused() -> None:
    gold = Table(Path("gold"), (row("a", "b"), row("c", "d")), (1, 2))
    assert forms_of(Table(Path("mine"), (row("a", "x"), row("c", "y")), (1, 2)), gold) == ["x", "y"]
    with pytest.raises(BadInput, match="mine: row 2"):
        forms_of(Table(Path("mine"), (row("a", "x"), row("e", "y")), (1, 2)), gold)
    with pytest.raises(BadInput, match="mine: 1 rows; gold has 2"):
        forms_of(Table(Path("mine"), (row("a", "x"),), (1, 2)), gold)


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
def test_the_rules_reach_what_the_official_ones_reach(data_root: Path) -> None:
    from workbench.inflection import rows as files

    folder = data_root / "sigmorphon2023"
    for lang, official in {"nav": 35.8, "heb": 30.9}.items():
        rules = Rules(files.read(folder / f"{lang}.trn").rows)
        test = files.read(folder / f"{lang}.tst").rows
        found = score([one.form or "" for one in test], [rules.inflect(one.lemma, one.features) for one in test])
        assert abs(100 * found.exact_match - official) < 1.0
