from __future__ import annotations

from pathlib import Path

from workbench.evaluation import task_floors
from workbench.languages import parse
from workbench.records import Lexicon, Translation
from workbench.tasks.task import Example, Task

ENGLISH, WELSH = parse("eng-Latn"), parse("cym-Latn")
WORDS = {"open": "agor", "shut": "cau", "the": "y", "door": "drws", "window": "ffenest", "lamp": "lamp", "red": "coch"}
LEXICON = Lexicon(ENGLISH, WELSH, {e: (Translation(w),) for e, w in WORDS.items()}, "test")
CLASSIFY = Task("own", "classify", "none", ("accuracy",), Path(), "1", "", "")
JOINT = Task("own", "joint", "bio", ("exact_match",), Path(), "1", "", "")
TAG = Task("own", "tag", "plain", ("tag_accuracy",), Path(), "1", "", "")


def example(words: str, tags: str, label: str, lang: object = ENGLISH) -> Example:
    return Example(words, parse(str(lang)), words, label, tuple(words.split()), tuple(tags.split()))


TRAIN = [
    example(f"{verb} the {thing}", "O O B-thing", label)
    for verb, label in (("open", "Open"), ("shut", "Shut"))
    for thing in ("door", "window", "lamp")
] + [example("open the red door", "O O B-thing I-thing", "Open")]
TEST = [example("agor y ffenest", "O O B-thing", "Open", WELSH), example("cau y drws", "O O B-thing", "Shut", WELSH)]


def test_majority_says_the_commonest_label_and_no_span() -> None:
    (first, _) = task_floors.majority(JOINT, TRAIN, TEST)
    assert (first.predicted_label, first.predicted_tags) == ("Open", ("O", "O", "O"))
    words = [
        Example("x", ENGLISH, "a b", "", ("a", "b"), ("NOUN", "NOUN")),
        Example("y", ENGLISH, "c", "", ("c",), ("ADP",)),
    ]
    assert task_floors.majority(TAG, words, words)[0].predicted_tags == ("NOUN", "NOUN")
    assert (
        task_floors.majority(CLASSIFY, [Example("x", ENGLISH, "a", "L")], [Example("y", ENGLISH, "b", "M")])[0].tags
        == ()
    )


def test_translate_test_reads_glosses_and_the_tags_of_english_words() -> None:
    for method in ("naive-bayes", "char-ngram-svm"):
        classify = task_floors.classifier(method, TRAIN)  # type: ignore[arg-type]
        found = task_floors.translate_test(JOINT, classify, TRAIN, TEST, LEXICON)
        assert [one.predicted_label for one in found] == ["Open", "Shut"]
        assert [one.predicted_tags for one in found] == [("O", "O", "B-thing")] * 2


def test_a_word_has_its_commonest_tag_and_an_unseen_one_is_outside() -> None:
    dictionary = task_floors.Dictionary(JOINT, TRAIN)
    assert dictionary.tags(("Open", "door", "zebra")) == ("O", "B-thing", "O")
    assert (
        task_floors.Dictionary(TAG, [Example("x", ENGLISH, "a b", "", ("a", "b"), ("NOUN", "NOUN"))]).unseen == "NOUN"
    )


def test_naive_bayes_looks_at_presence_alone() -> None:
    train = [Example("1", ENGLISH, "red", "A"), Example("2", ENGLISH, "blue", "B")]
    classify = task_floors.classifier("naive-bayes", train)
    assert classify(["red blue blue blue red red red"]) == classify(["red blue"])


def test_an_inverted_lexicon_keeps_every_pair() -> None:
    two = Lexicon(
        ENGLISH, WELSH, {"lamp": (Translation("golau"), Translation("lamp")), "light": (Translation("golau"),)}, "x"
    )
    back = task_floors.inverted(two)
    assert (back.source, back.target) == (WELSH, ENGLISH)
    assert {word: [t.word for t in found] for word, found in back.entries.items()} == {
        "golau": ["lamp", "light"],
        "lamp": ["lamp"],
    }
