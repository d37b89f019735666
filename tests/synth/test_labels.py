"""Tagged sentences through a lexicon, and labels made anew by a teacher."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.config import Synth
from workbench.errors import BadInput
from workbench.records import Lang, Lexicon, Pair, Translation
from workbench.sources.tagged import Tagged, orphans
from workbench.synth.pseudo_labels import relabel, relabel_tagged, translate_tagged

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")


def lexicon(entries: dict[str, list[str]]) -> Lexicon:
    return Lexicon(ENGLISH, WELSH, {k: tuple(map(Translation, v)) for k, v in entries.items()}, "made here")


def tagged(tokens: str, tags: str) -> Tagged:
    return Tagged("t", tokens, tuple(tokens.split()), tuple(tags.split()), ENGLISH, "slots", "alarm")


def test_a_translation_of_several_words_goes_on_with_the_inside_of_its_span() -> None:
    given = lexicon({"wake": ["deffro"], "nine": ["naw o'r gloch"], "am": ["y bore"], "me": ["fi"]})
    (done,) = translate_tagged([tagged("wake me at nine am", "O O O B-time I-time")], given, Synth(), seed=0)
    assert done.tokens == ("deffro", "fi", "at", "naw", "o'r", "gloch", "y", "bore")
    assert done.tags == ("O", "O", "O", "B-time", "I-time", "I-time", "I-time", "I-time")
    assert (done.id, done.lang, done.label, done.text) == ("t>cym-Latn", WELSH, "alarm", " ".join(done.tokens))


def test_a_phrase_is_matched_within_a_span_and_not_across_its_edge() -> None:
    given = lexicon({"new york": ["Efrog Newydd"], "in new": ["x"], "new": ["newydd"]})
    (done,) = translate_tagged([tagged("in new york", "O B-city I-city")], given, Synth(), seed=0)
    assert (done.tokens, done.tags) == (("in", "Efrog", "Newydd"), ("O", "B-city", "I-city"))
    (done,) = translate_tagged([tagged("in new york", "O B-x B-city")], given, Synth(), seed=0)
    assert (done.tokens, done.tags) == (("in", "newydd", "york"), ("O", "B-x", "B-city"))


def test_the_published_rule_finds_single_tokens_as_they_are_written() -> None:
    given = lexicon({"new york": ["Efrog Newydd"], "new": ["newydd"]})
    (done,) = translate_tagged([tagged("New new york", "O O O")], given, Synth(rule="wang2022"), seed=0)
    assert done.tokens == ("New", "newydd", "york")


def test_sentences_of_which_nothing_was_replaced_are_left_out_as_pivot_examples() -> None:
    assert translate_tagged([tagged("in york", "O B-city")], lexicon({"new": ["x"]}), Synth(), seed=0) == []


SPANS = st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(1, 3)), min_size=1, max_size=6)
ENTRIES = st.dictionaries(
    st.lists(st.sampled_from(["u", "v", "w"]), min_size=1, max_size=3).map(" ".join),
    st.lists(st.sampled_from(["p", "p q", "p q r"]), min_size=1, max_size=2),
    min_size=1,
    max_size=8,
)


def spans(tags: Sequence[str]) -> list[str]:
    """The kinds of the spans, in order."""
    return [tag[2:] for tag in tags if tag.startswith("B-")]


@given(SPANS, ENTRIES, st.integers(0, 3), st.sampled_from([0.5, 1.0]), st.data())
@settings(max_examples=100, deadline=None)
def test_valid_bio_stays_valid_and_spans_keep_their_kind_and_order(
    drawn: list[tuple[str, int]], entries: dict[str, list[str]], seed: int, rate: float, data: st.DataObject
) -> None:
    tags = [
        tag
        for kind, length in drawn
        for tag in (["O"] * length if not kind else [f"B-{kind}", *[f"I-{kind}"] * (length - 1)])
    ]
    tokens = data.draw(st.lists(st.sampled_from(["u", "v", "w", "z"]), min_size=len(tags), max_size=len(tags)))
    sentence = Tagged("t", " ".join(tokens), tuple(tokens), tuple(tags), ENGLISH, "slots")
    for done in translate_tagged([sentence], lexicon(entries), Synth(rate=rate), seed):
        assert len(done.tokens) == len(done.tags)
        assert orphans(done.tags) == 0
        assert spans(done.tags) == spans(tags)
        assert set(done.tags) <= set(tags) | {f"I-{kind}" for kind, _ in drawn}


def test_a_teacher_relabels_and_the_report_says_what_it_changed() -> None:
    pairs = [Pair(str(n), text, label, WELSH, "intent") for n, (text, label) in enumerate([("a", "x"), ("b", "x")])]
    made, agreement = relabel(pairs, lambda texts: ["x" if text == "a" else "y" for text in texts])
    assert [pair.target for pair in made] == ["x", "y"]
    assert (agreement.rate, agreement.changed) == (0.5, {("x", "y"): 1})
    with pytest.raises(BadInput, match="a label for each of 2"):
        relabel(pairs, lambda texts: ["x"])


def test_a_teacher_retags_token_by_token() -> None:
    sentence = tagged("a b c", "O B-x I-x")
    made, agreement = relabel_tagged([sentence], lambda found: [["O"] * len(one) for one in found])
    assert made[0].tags == ("O", "O", "O")
    assert (agreement.num, agreement.num_equal) == (3, 1)
    with pytest.raises(BadInput, match="every token"):
        relabel_tagged([sentence], lambda found: [["O"]])
