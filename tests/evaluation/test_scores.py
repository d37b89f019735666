"""Scores against the field's own implementations, to the last digit, and MASSIVE's rules against cases by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score as seqeval_f1
from sklearn.metrics import accuracy_score, f1_score

from workbench.errors import BadInput
from workbench.evaluation.scores import Prediction, score
from workbench.evaluation.spans import conll_spans, spans, xsid_spans

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-a-b", "I-a-b"]
LABELS = ["x", "y", "z", "w"]
sentences = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=9), min_size=1, max_size=12
)
pairs_of_labels = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40)


def tagged(gold: list[str], said: list[str], label: str = "i", predicted: str = "i") -> Prediction:
    return Prediction("one", label, predicted, tuple(gold), tuple(said))


@settings(max_examples=40)
@given(sentences)
def test_entity_f1_is_seqevals_to_the_last_digit_whatever_the_tags(found: list[list[tuple[str, str]]]) -> None:
    gold, said = [[a for a, _ in one] for one in found], [[b for _, b in one] for one in found]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = seqeval_f1(gold, said)
    got = score("entity_f1", [tagged(a, b) for a, b in zip(gold, said, strict=True)], "bio").interval
    assert got.value == wanted
    assert got.low <= got.value <= got.high or wanted in (0.0, 1.0) or len(found) < 12


@settings(max_examples=40)
@given(pairs_of_labels)
def test_class_scores_are_scikit_learns_to_the_last_digit(found: list[tuple[str, str]]) -> None:
    gold, said = [a for a, _ in found], [b for _, b in found]
    predictions = [Prediction("one", a, b) for a, b in found]
    assert score("accuracy", predictions, "none").interval.value == accuracy_score(gold, said)
    for metric, average in (("macro_f1", "macro"), ("weighted_f1", "weighted")):
        wanted = f1_score(gold, said, average=average, zero_division=0)
        assert score(metric, predictions, "none").interval.value == pytest.approx(wanted, rel=0, abs=1e-15)  # type: ignore[arg-type]


def test_an_inside_tag_without_a_beginning_opens_a_span_as_in_conlleval() -> None:
    assert conll_spans(["I-PER", "I-PER", "O", "I-LOC", "I-PER"]) == {("PER", 0, 1), ("LOC", 3, 3), ("PER", 4, 4)}


def test_neighbours_of_one_massive_slot_are_one_span() -> None:
    assert spans(["X", "X", "Other", "Y", "X"], "merged") == {("X", 0, 1), ("Y", 3, 3), ("X", 4, 4)}


# Worked by hand, by the rules of alexa/massive: (gold, said, slot F1).
MASSIVE = [
    (["X", "X", "Z"], ["X", "X", "Y"], 0.5),  # one of two spans right on both sides
    (["X", "X", "Y", "Other", "Y"], ["X", "X", "Y", "Other", "Other"], 0.8),  # 2 right of 3 gold, 2 said
    (["X", "X", "Other", "Y", "Y"], ["X", "X", "X", "Y", "Y"], 0.5),  # too long is wrong
    (["X", "X", "Other", "Y", "Y"], ["X", "Other", "Other", "Y", "Y"], 0.5),  # too short is wrong
    (["X", "X", "Other", "X", "X", "Y", "Z"], ["X", "X", "Other", "X", "X", "Z", "Y"], 0.5),
]


@pytest.mark.parametrize(("gold", "said", "wanted"), MASSIVE)
def test_massive_slot_f1_by_hand(gold: list[str], said: list[str], wanted: float) -> None:
    assert score("slot_f1", [tagged(gold, said)], "merged").interval.value == pytest.approx(wanted, abs=1e-15)


def test_massive_exact_match_wants_the_intent_and_every_tag() -> None:
    found = [
        tagged(["X", "X"], ["X", "Y"], "A", "A"),
        tagged(["X", "X", "Y"], ["X", "X", "Y"], "B", "B"),
        tagged(["X"], ["X"], "D", "C"),
        tagged(["X", "Z"], ["X", "Y"], "E", "E"),
    ]
    assert score("exact_match", found, "merged").interval.value == 0.25
    assert score("intent_accuracy", found, "merged").interval.value == 0.75


def test_massive_scores_are_those_of_seqeval_on_merged_tags() -> None:
    rng = np.random.default_rng(0)
    names = np.array(["Other", "time", "date", "place"])
    gold = [list(names[rng.integers(4, size=rng.integers(1, 12))]) for _ in range(50)]
    said = [[tag if rng.random() < 0.8 else "time" for tag in one] for one in gold]

    def bio(labels: list[str]) -> list[str]:
        return ["O" if x == "Other" else ("I-" if i and labels[i - 1] == x else "B-") + x for i, x in enumerate(labels)]

    wanted = seqeval_f1([bio(one) for one in gold], [bio(one) for one in said])
    found = [tagged(a, b) for a, b in zip(gold, said, strict=True)]
    assert score("slot_f1", found, "merged").interval.value == wanted


def test_xsid_spans_begin_at_b_alone_and_go_on_over_any_inside_tag() -> None:
    assert xsid_spans(["I-a", "B-a", "I-b", "O", "O"]) == {("a", 1, 3)}


def test_xsid_cannot_tell_a_span_that_ends_at_the_last_word_from_one_before_it() -> None:
    assert xsid_spans(["O", "B-a", "I-a"]) == xsid_spans(["O", "B-a", "O"]) == {("a", 1, 2)}
    assert score("slot_f1", [tagged(["O", "B-a", "I-a"], ["O", "B-a", "O"])], "xsid").interval.value == 1.0


def test_tag_accuracy_counts_words_not_sentences() -> None:
    found = [tagged(["NOUN"], ["VERB"]), tagged(["NOUN", "ADJ", "ADP"], ["NOUN", "ADJ", "ADP"])]
    assert score("tag_accuracy", found, "plain").interval.value == 0.75


def test_f1_without_any_span_is_zero_and_its_interval_too() -> None:
    over = score("entity_f1", [tagged(["O"], ["O"])] * 5, "bio").interval
    assert (over.value, over.low, over.high) == (0.0, 0.0, 0.0)


def test_the_bootstrap_error_of_an_accuracy_is_the_binomial_one() -> None:
    found = [Prediction(str(n), "a", "a" if n % 4 else "b") for n in range(400)]
    over = score("accuracy", found, "none").interval
    assert (over.high - over.low) / (2 * 1.96) == pytest.approx((0.75 * 0.25 / 400) ** 0.5, rel=0.1)


def test_as_many_tags_as_words_are_wanted() -> None:
    with pytest.raises(BadInput, match="1 tags predicted for 2 words"):
        score("slot_f1", [tagged(["O", "O"], ["O"])], "bio")
    with pytest.raises(BadInput, match="no predictions"):
        score("accuracy", [], "none")
