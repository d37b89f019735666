"""Pseudo-monolingual text, the word list and the permuted control."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import Synth
from workbench.errors import BadInput
from workbench.records import Document, Lang, Lexicon, Translation
from workbench.synth.lexicon import permuted, pseudo_documents, synthesise, word_list_documents
from workbench.synth.rules import published_rule

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")


def lexicon(entries: dict[str, list[str]]) -> Lexicon:
    made = {key: tuple(Translation(word) for word in given) for key, given in entries.items()}
    return Lexicon(ENGLISH, WELSH, made, "made here")


ANIMALS = lexicon({"dog": ["ci"], "sees": ["gweld"], "the": ["y"], "cat": ["cath"], "ice cream": ["hufen iâ"]})


def sentences(*texts: str, source: str = "here") -> list[Document]:
    return [Document(f"s{number}", text, ENGLISH, source) for number, text in enumerate(texts)]


def test_the_published_rule_on_a_sentence_worked_by_hand() -> None:
    # Tokens at blanks, looked up exactly as written: "The" and "cat." are not found, three others are.
    done = published_rule("The dog  sees the cat. ice cream", ANIMALS, np.random.default_rng(0))
    assert done == "The ci gweld y cat. ice cream"


def test_the_published_rule_drops_a_sentence_with_two_replacements() -> None:
    assert published_rule("The dog sees a cat.", ANIMALS, np.random.default_rng(0)) is None


def test_the_published_procedure_keeps_order_and_stops_at_its_limit() -> None:
    given = sentences("the dog sees", "nothing", "the cat sees", "the dog dog dog")
    made = pseudo_documents(given, ANIMALS, Synth(rule="wang2022", sentences=2), seed=0)
    assert [document.text for document in made] == ["y ci gweld", "y cath gweld"]
    assert made[0].parents == ("s0", "made here")
    assert made[0].source == "pseudo:wang2022"


def test_our_default_finds_words_in_any_casing_beside_punctuation_and_phrases() -> None:
    (done,) = pseudo_documents(sentences("The dog sees the cat, ice cream."), ANIMALS, Synth(), seed=0)
    assert done.text == "Y ci gweld y cath, hufen iâ."
    assert (done.id, done.lang, done.parents) == ("s0>cym-Latn", WELSH, ("s0", "made here"))


def test_coverage_on_hand_counted_sentences() -> None:
    given = sentences("The dog sees the cat", "A bird sings", "the ice cream melts")
    report = synthesise(given, ANIMALS, Synth(min_replaced=3), seed=0).coverage
    assert (report.num_read, report.num_kept) == (3, 2)
    assert report.num_words == 12
    assert report.num_matched == 8  # five, none, three
    assert report.token_coverage == pytest.approx(8 / 12)
    # the dog sees cat a bird sings ice cream melts; of these the dog sees cat ice cream
    assert (report.num_types, report.num_matched_types) == (10, 6)
    assert report.replaced_rate == pytest.approx(8 / 9)
    assert report.mean_translations == 1.0


def test_a_minimum_share_drops_long_sentences_with_few_replacements() -> None:
    given = sentences("the dog sees nothing at all of interest here today", "the dog sees it")
    made = pseudo_documents(given, ANIMALS, Synth(min_replaced=3, min_rate=0.5), seed=0)
    assert [document.parents[0] for document in made] == ["s1"]


def test_a_large_source_does_not_crowd_out_a_small_one() -> None:
    many = [Document(f"m{n}", "the dog sees", ENGLISH, "large") for n in range(500)]
    few = [Document(f"f{n}", "the cat sees", ENGLISH, "small") for n in range(5)]
    made = pseudo_documents(many + few, ANIMALS, Synth(sentences=10), seed=0)
    assert sum(document.parents[0].startswith("f") for document in made) == 5


def test_a_sentence_s_text_depends_on_seed_and_id_alone() -> None:
    choices = lexicon({"go": [f"w{n}" for n in range(50)], "stop": ["a", "b"]})
    given = sentences("go go go stop", "go go stop", "go stop go go go")
    alone = pseudo_documents(given[1:2], choices, Synth(), seed=3)
    together = {d.id: d.text for d in pseudo_documents(given[::-1], choices, Synth(), seed=3)}
    assert together[alone[0].id] == alone[0].text
    assert pseudo_documents(given[1:2], choices, Synth(), seed=4)[0].text != alone[0].text


def test_sentences_without_matches_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(BadInput, match="none of 1 sentences"):
        pseudo_documents(sentences("nothing here"), ANIMALS, Synth(), seed=0)


def test_the_control_replaces_the_same_words_of_the_same_sentences() -> None:
    entries = {f"w{n}": [f"t{n}"] for n in range(40)}
    given = sentences(*(" ".join(f"w{(7 * n + k) % 60}" for k in range(9)) for n in range(30)))
    real = synthesise(given, lexicon(entries), Synth(rate=0.7), seed=1)
    control = synthesise(given, lexicon(entries), Synth(rate=0.7, permute_lexicon=True), seed=1)
    assert real.coverage == control.coverage
    for one, other in zip(real.documents, control.documents, strict=True):
        assert one.parents[0] == other.parents[0]
        assert [w[0] for w in one.text.split()] == [w[0] for w in other.text.split()]
        assert one.text != other.text
    assert "permuted" in control.documents[0].source + control.documents[0].parents[1]


LEXICONS = st.dictionaries(
    st.text("abc", min_size=1, max_size=4),
    st.lists(st.text("xyz ", min_size=1, max_size=5).filter(str.strip), min_size=1, max_size=3),
    min_size=1,
    max_size=25,
)


@given(LEXICONS, st.integers(0, 5))
def test_permuting_keeps_the_multiset_of_target_words_and_every_key_s_counts(
    entries: dict[str, list[str]], seed: int
) -> None:
    before, after = lexicon(entries), permuted(lexicon(entries), seed)
    assert list(after.entries) == list(before.entries)
    assert Counter(w for ws in before.entries.values() for w in ws) == Counter(
        w for ws in after.entries.values() for w in ws
    )
    for key, listed in before.entries.items():
        kinds = [len(word.word.split()) > 1 for word in listed]
        assert [len(word.word.split()) > 1 for word in after.entries[key]] == kinds


@given(st.integers(2, 30), st.integers(0, 20))
def test_permuting_distinct_words_leaves_none_in_place(size: int, seed: int) -> None:
    entries = {f"k{n}": [f"v{n}"] for n in range(size)}
    after = permuted(lexicon(entries), seed)
    assert all(after.entries[key][0].word != entries[key][0] for key in entries)


def test_the_word_list_is_the_lexicon_s_target_words_and_nothing_else() -> None:
    made = word_list_documents(ANIMALS, seed=0, num_words=60, words_per_line=4)
    seen = Counter(word for document in made for word in document.text.split())
    assert set(seen) == {"ci", "gweld", "y", "cath", "hufen", "iâ"}
    assert 60 <= sum(seen.values()) <= 65
    assert max(seen.values()) - min(seen.values()) <= 2  # whole passes
    assert made == word_list_documents(ANIMALS, seed=0, num_words=60, words_per_line=4)
    with pytest.raises(BadInput, match="no target words"):
        word_list_documents(lexicon({"dog": ["…"]}), seed=0, num_words=5)
