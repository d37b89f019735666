"""Rows of probes: planted spaces give the planted answer, shuffled ones their control, and every row its floors."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.evaluation import probe_sentences, probe_space, probe_words
from workbench.evaluation.probe_rows import Row
from workbench.evaluation.word_alignment import align
from workbench.records import Lang, Lexicon, Translation

ENG, CYM, HYE = Lang("eng", "Latn"), Lang("cym", "Latn"), Lang("hye", "Armn")
RNG = np.random.default_rng(0)
HERE = ["the red cat sleeps", "a dog eats bread", "my house is small", "rain falls on the sea"]
THERE = ["qx qy qz", "qa qb qc", "qd qe qf", "qg qh qi"]
GLOSSES = {"cat": "qx", "dog": "qa", "house": "qd", "sea": "qg"}


def lexicon(entries: dict[str, str]) -> Lexicon:
    return Lexicon(ENG, CYM, {word: (Translation(other),) for word, other in entries.items()}, "by hand")


def test_every_retrieval_row_carries_n_chance_and_the_floors_of_its_direction() -> None:
    floors = probe_sentences.retrieval_floors(ENG, CYM, HERE, THERE, lexicon(GLOSSES))
    named = {(row.method, row.direction): row.value for row in floors}
    assert named["lexicon-gloss", "pivot>target"] == 1.0  # one gloss each
    assert named["char-trigram", "pivot>target"] == 0.25  # nothing in common: all tie
    space = RNG.standard_normal((4, 6))
    rows = probe_sentences.retrieval(ENG, CYM, space, space, 3, floors)
    assert len(rows) == 14
    for row in rows:
        assert (row.value, row.n, row.candidates, row.chance, row.layer) == (1.0, 4, 4, 0.25, 3)
        assert row.floors == {name: named[name, row.direction] for name in ("char-trigram", "lexicon-gloss")}
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.value <= row.high
    without = probe_sentences.retrieval_floors(ENG, CYM, HERE, THERE, None)
    assert {row.method for row in without} == {"char-trigram"}


def test_similarity_is_one_of_a_rotated_space_and_its_control_is_far_below() -> None:
    space = RNG.standard_normal((300, 12))
    turned = space @ np.linalg.qr(RNG.standard_normal((12, 12)))[0]
    for row in probe_sentences.similarity(ENG, CYM, space, turned, 0):
        assert row.value == pytest.approx(1.0, abs=1e-6)
        assert row.chance is not None
        assert row.chance < 0.1
        assert row.chance_by == "shuffling"


def test_the_shape_of_a_round_space_and_of_a_needle() -> None:
    round_space = RNG.standard_normal((400, 5))
    needle = round_space * np.array([1, 0.01, 0.01, 0.01, 0.01]) + np.array([9, 0, 0, 0, 0])
    values = {
        name: {row.metric: row.value for row in probe_space.shape(CYM, space, 1)}
        for name, space in (("round", round_space), ("needle", needle))
    }
    assert values["round"]["iso_score"] > 0.9
    assert values["needle"]["iso_score"] < 0.05
    assert abs(values["round"]["mean_cosine"]) < 0.02
    assert values["needle"]["mean_cosine"] > 0.98


def test_few_vectors_of_a_round_space_are_as_isotropic_as_the_chance_beside_them_says() -> None:
    space = np.random.default_rng(5).standard_normal((60, 256))
    (row,) = [row for row in probe_space.shape(CYM, space, 1) if row.metric == "iso_score"]
    assert row.chance_by == "drawing"
    assert row.chance == pytest.approx(row.value, abs=0.03)
    assert row.value < 0.3


def planted(offset: float) -> dict[Lang, np.ndarray]:
    """Three languages with the same 40 meanings, moved apart."""
    meanings = RNG.standard_normal((40, 6))
    return {
        lang: meanings + offset * direction + 0.05 * RNG.standard_normal((40, 6))
        for lang, direction in zip((ENG, CYM, HYE), np.eye(6), strict=False)
    }


def test_a_language_offset_shows_in_the_language_probe_and_is_gone_after_centring() -> None:
    as_is, centred = probe_space.language(planted(30.0), 2)
    assert (as_is.method, centred.method) == ("as-is", "centred")
    assert as_is.value == 1.0
    assert as_is.chance == pytest.approx(1 / 3)
    assert centred.low is not None
    assert centred.low < 0.45
    assert as_is.n == 3 * 20  # the other half of the meanings, in every language


@pytest.mark.parametrize(("num_langs", "n", "width"), [(2, 100, 128), (4, 60, 64)])
def test_a_space_without_languages_is_at_the_chance_that_stands_beside_it(num_langs: int, n: int, width: int) -> None:
    langs = (ENG, CYM, HYE, Lang("deu", "Latn"))[:num_langs]
    found: dict[str, list[float]] = {}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        neutral = {lang: rng.normal(size=(n, width)) for lang in langs}
        for row in (*probe_space.language(neutral, 2, seed), *probe_space.grouping(neutral, 2, seed)):
            if row.metric in ("accuracy", "silhouette_by_language"):
                assert row.chance is not None
                found.setdefault(f"{row.metric} {row.method}", []).append(row.value - row.chance)
    assert abs(np.mean(found["accuracy as-is"])) < 0.1
    assert abs(np.mean(found["accuracy centred"])) < 0.06
    assert abs(np.mean(found["silhouette_by_language as-is"])) < 0.004
    assert abs(np.mean(found["silhouette_by_language centred"])) < 0.004


def test_spaces_group_by_language_when_moved_apart_and_by_meaning_when_centred() -> None:
    found = {(row.method, row.metric): row for row in probe_space.grouping(planted(30.0), 2)}
    assert found["as-is", "v_measure_by_language"].value == pytest.approx(1.0)
    assert found["centred", "silhouette_by_meaning"].value > 0.5
    assert found["centred", "silhouette_by_language"].value < 0.05
    assert found["as-is", "silhouette_by_language"].value > 0.5
    for row in found.values():
        assert row.chance is not None
        assert row.chance < max(row.value, 0.9)


def words(n: int) -> Lexicon:
    return lexicon({f"w{number}": f"v{number}" for number in range(n)} | {"two words": "left out", "x": "two words"})


def test_a_word_list_has_no_word_in_both_halves_and_leaves_phrases_out() -> None:
    found = probe_words.word_list(words(200))
    assert found is not None
    assert not {row for row, _ in found.train} & set(found.test)
    assert not {row for _, row in found.train} & {row for rows in found.test.values() for row in rows}
    assert not any(" " in word for word in (*found.source, *found.target))
    assert len(found.test) == 50
    assert all(found.source[row][1:] == found.target[other[0]][1:] for row, other in found.test.items())
    assert probe_words.word_list(words(30)) is None


def test_a_translation_that_two_words_share_is_not_both_learnt_and_tested() -> None:
    shared = lexicon({f"w{number}": f"v{number // 2}" for number in range(300)})
    found = probe_words.word_list(shared)
    assert found is not None
    tested = {row for rows in found.test.values() for row in rows}
    assert not tested & {row for _, row in found.train}


def test_lexicon_induction_undoes_a_rotation_and_stands_beside_the_spelling_floor() -> None:
    found = probe_words.word_list(words(200))
    assert found is not None
    vectors = {f"{number}": RNG.standard_normal(12) for number in range(200)}
    turn = np.linalg.qr(RNG.standard_normal((12, 12)))[0]
    source = np.stack([vectors[word[1:]] for word in found.source])
    target = np.stack([vectors[word[1:]] @ turn for word in found.target])
    floor = probe_words.spelling(found)
    rows = {(row.method, row.metric): row for row in probe_words.translation(ENG, CYM, source, target, found, 1, floor)}
    assert rows["procrustes csls", "precision_at_1"].value == 1.0
    assert rows["none csls", "precision_at_1"].value < 0.2
    assert rows["refined cosine", "precision_at_10"].value == 1.0
    own = {row.metric: row.value for row in probe_words.spelling_rows(ENG, CYM, found, floor)}
    for row in rows.values():
        assert row.floors == {"char-ngram": own[row.metric]}
        assert row.n == 50
        assert row.candidates == 200
    assert rows["none csls", "precision_at_5"].chance == pytest.approx(5 / 200)


def test_lexicon_links_look_past_case_and_punctuation() -> None:
    links = probe_words.lexicon_links(["The", "Cat,", "sleeps"], ["«Qx»", "qy", "QX."], lexicon(GLOSSES))
    assert links == {(1, 0), (1, 2)}


def test_word_alignment_is_scored_against_the_lexicon_beside_the_diagonal_and_shuffled_words() -> None:
    sentences, links = [], []
    for _ in range(20):
        here = RNG.standard_normal((6, 8))
        sentences.append((here, here[::-1]))  # every word order reversed
        links.append(frozenset((i, 5 - i) for i in range(3)))
    for row in probe_words.alignment(ENG, CYM, sentences, links, 0):
        assert row.value == 1.0
        assert row.n == 60
        assert row.floors == {"diagonal": 0.0}
        assert row.chance is not None
        assert row.chance < 0.5
    assert align(*sentences[0], "mutual") >= links[0]


def test_words_return_from_a_true_translation_and_less_often_from_another() -> None:
    pairs = [(here, here + 0.01) for here in RNG.standard_normal((10, 7, 16))]
    (row,) = probe_words.round_trips(ENG, CYM, pairs, 0)
    assert row.value == 1.0
    assert row.n == 70
    assert row.chance is not None
    assert row.chance < 0.8


def test_a_row_becomes_json() -> None:
    row = Row("space", "iso_score", "", "", "cym-Latn", "", 0, 0.5, 10)
    assert row.to_json()["metric"] == "iso_score"
    assert row.to_json()["floors"] == {}
