"""Senses by weight and by context, induced entries, code-switched text, lexical pairs and prompts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.config import Synth
from workbench.errors import BadInput
from workbench.records import Document, Lang, Lexicon, Pair, Translation
from workbench.synth import bilex, induce, vectors
from workbench.synth.lexicon import pseudo_documents
from workbench.synth.match import Match
from workbench.synth.senses import ByContext, by_weight, counted_in

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")


def lexicon(entries: dict[str, list[str]]) -> Lexicon:
    return Lexicon(ENGLISH, WELSH, {k: tuple(map(Translation, v)) for k, v in entries.items()}, "made here")


def sentences(*texts: str) -> list[Document]:
    return [Document(f"s{number}", text, ENGLISH, "here") for number, text in enumerate(texts)]


def test_senses_by_weight_are_chosen_in_proportion_to_it() -> None:
    options = tuple(("k", Translation(word, "", weight)) for word, weight in (("a", 1.0), ("b", 3.0)))
    chosen = [by_weight(Match(0, 1, options), draw / 100, ()) for draw in range(100)]
    assert chosen == [0] * 25 + [1] * 75


def test_weights_count_in_a_text_of_the_target_language() -> None:
    given = counted_in(lexicon({"dog": ["ci", "ci bach", "gast"]}), ["Ci a chi bach.", "ci"])
    assert [one.weight for one in given.entries["dog"]] == [3.0, 2.0, 1.0]


MONEY = ["the bank lends money at interest", "money in the bank earns interest", "the bank lost money lending"]
RIVER = ["the river bank was muddy water", "water of the river wets the shore", "the shore of the muddy river"]


def test_senses_by_context_follow_the_other_words_that_have_the_same_translation() -> None:
    space = vectors.train([*MONEY, *RIVER] * 10, dims=8)
    given = lexicon({"bank": ["banc", "glan"], "money": ["arian"], "interest": ["banc"], "shore": ["glan"]})
    choose = ByContext(given, space)
    match = Match(1, 1, tuple(("bank", one) for one in given.entries["bank"]))
    for draw in (0.0, 0.99):
        assert choose(match, draw, ["the", "bank", "earns", "money"]) == 0
        assert choose(match, draw, ["muddy", "bank", "water", "river"]) == 1
        assert choose(match, draw, ["nowhere", "bank"]) == int(2 * draw)  # no word with a vector: uniform


def test_senses_by_context_in_pseudo_text() -> None:
    given = lexicon({"bank": ["banc", "glan"], "interest": ["banc"], "shore": ["glan"], "river": ["afon"]})
    choose = ByContext(given, vectors.train([*MONEY, *RIVER] * 10, dims=8))
    settings = Synth(min_replaced=1, senses="context")
    from workbench.synth.lexicon import synthesise

    made = synthesise(sentences("muddy river bank"), given, settings, 0, choose)
    assert made.documents[0].text == "muddy afon glan"


def test_vectors_need_text() -> None:
    with pytest.raises(BadInput, match="more text"):
        vectors.train(["a b"])


def test_words_that_translate_each_other_are_induced_and_the_given_entries_stay() -> None:
    nouns = {"dog": "ci", "cat": "cath", "horse": "ceffyl", "cow": "buwch", "bird": "aderyn"}
    verbs = {"sees": "gweld", "hears": "clywed", "feeds": "bwydo"}
    pairs = [
        Pair(f"{n}{v}{m}", f"the {n} {v} the {m}", f"{verbs[v]} y {nouns[n]} y {nouns[m]}", WELSH, "translation")
        for n in nouns
        for v in verbs
        for m in nouns
        if n != m
    ]
    found = induce.induce(pairs[:40], ENGLISH, licence="CC0-1.0")
    listed = {key: options[0].word for key, options in found.entries.items()}
    assert {key: listed.get(key) for key in verbs} == verbs
    assert {key: listed.get(key) for key in nouns} == nouns
    assert all(0 < options[0].weight <= 1 for options in found.entries.values())
    given = lexicon({"Dog": ["gast"]})
    both = induce.with_induced(given, found)
    assert [one.word for one in both.entries["Dog"]] == ["gast"]
    assert "dog" not in both.entries
    assert both.entries["cat"][0].word == "cath"
    assert both.origin == f"made here + {len(found.entries) - 1} entries induced from 40 translated sentences"
    assert induce.with_induced(replace(given, licence=""), found).licence == "unstated AND CC0-1.0"


def test_a_pair_seen_once_is_not_induced() -> None:
    pairs = [Pair("1", "dog", "ci", WELSH, "translation")]
    assert induce.induce(pairs, ENGLISH).entries == {}
    with pytest.raises(BadInput, match="no translated sentence"):
        induce.induce([], ENGLISH)


ANIMALS = lexicon({"dog": ["ci"], "sees": ["gweld"], "the": ["y"], "cat": ["cath", "gath"]})


def test_code_switched_text_is_pseudo_text_stopped_halfway() -> None:
    given = sentences(*["the dog sees the cat and the dog hears the cat"] * 30)
    synth = Synth(min_replaced=1, switch_rate=0.4)
    whole = [one.text.split() for one in pseudo_documents(given, ANIMALS, synth, seed=0)]
    made = bilex.code_switched(given, ANIMALS, synth, seed=0)
    assert 0.3 < made.coverage.num_replaced / made.coverage.num_matched < 0.5
    english = given[0].text.split()
    by_id = {one.parents[0]: one.text.split() for one in made.documents}
    for number, full in enumerate(whole):
        one = pseudo_documents(given[number : number + 1], ANIMALS, synth, seed=0)[0].text.split()
        if f"s{number}" in by_id:
            assert all(word in pair for word, *pair in zip(by_id[f"s{number}"], one, english, strict=True))
        assert len(full) == len(english)


def test_there_is_no_code_switched_text_by_the_published_rule() -> None:
    with pytest.raises(BadInput, match=r"synth\.rule: 'wang2022' replaces every word .* 'pseudo'"):
        bilex.code_switched(sentences("the dog"), ANIMALS, Synth(rule="wang2022"), seed=0)
    with pytest.raises(ValueError, match="switch_rate"):
        Synth(rule="wang2022", switch_rate=0.4)


def test_entries_are_pairs_and_pairs_are_running_text() -> None:
    given = lexicon({"dog": ["ci", "ci"], "cat": ["cath"]})
    assert [(pair.source, pair.target, pair.weight) for pair in bilex.pairs_of(given)] == [
        ("dog", "ci", 2.0),
        ("cat", "cath", 1.0),
    ]
    made = bilex.pair_documents(given, Synth(), seed=0, num_words=6, per_line=2)
    assert [sorted(one.text.split(", ")) for one in made] == [["cat = cath", "dog = ci"]] * 3
    control = bilex.pair_documents(given, Synth(permute_lexicon=True), seed=0, num_words=2, per_line=3)
    assert "dog = cath" in control[0].text


def test_prompts_gloss_each_word_once_before_the_sentence() -> None:
    pairs = [Pair("1", "The dog sees the dog", "x", WELSH, "translation"), Pair("2", "Nothing", "y", WELSH, "t")]
    made = bilex.prompted(pairs, ANIMALS, seed=0, most=2)
    assert [pair.source for pair in made] == ["the = y, dog = ci: The dog sees the dog", "Nothing"]
    assert made[0].target == "x"
