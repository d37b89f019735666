"""Floors of labelled tasks: what a few counts and a lexicon reach, without any model. Nothing here needs jax.

A sentence's label comes from a linear or a Bayesian classifier over its characters and words, a word's tag from a
dictionary of the words seen in training. Both learn from what the fine-tuned model learns from: English, or English and
English put through a lexicon. `translate-test` turns it round: English training, test sentences glossed into English.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, assert_never

from workbench.evaluation.floors import MAX_PHRASE, glossed
from workbench.evaluation.scores import Prediction
from workbench.languages import word_spans
from workbench.records import Lexicon, Translation
from workbench.synth.match import PhraseIndex
from workbench.tasks.task import Example, Task

Method = Literal["naive-bayes", "char-ngram-svm"]
Classify = Callable[[Sequence[str]], Sequence[str]]
Tag = Callable[[Sequence[str]], tuple[str, ...]]


def majority(task: Task, train: Sequence[Example], test: Sequence[Example]) -> list[Prediction]:
    """Always the commonest label; every word outside of spans, or with the commonest tag."""
    label = _commonest(Counter(one.label for one in train)) if task.kind != "tag" else ""
    tag = "" if task.kind == "classify" else Dictionary(task, train).unseen
    return _predictions(test, lambda texts: [label] * len(texts), lambda words: (tag,) * len(words))


def read_by(task: Task, classify: Classify, train: Sequence[Example], test: Sequence[Example]) -> list[Prediction]:
    """A classifier that is there, and a dictionary of the tags in `train`."""
    return _predictions(test, classify, Dictionary(task, train).tags)


def trained(task: Task, method: Method, train: Sequence[Example], test: Sequence[Example]) -> list[Prediction]:
    """A classifier and a dictionary of tags, both learnt from `train`."""
    return read_by(task, classifier(method, train) if task.kind != "tag" else no_label, train, test)


def translate_test(
    task: Task, classify: Classify, train: Sequence[Example], test: Sequence[Example], lexicon: Lexicon
) -> list[Prediction]:
    """`test`, glossed word by word into English through `lexicon` (English -> its language), read by English's own."""
    back = inverted(lexicon)
    index = PhraseIndex(back, MAX_PHRASE)
    dictionary = Dictionary(task, train, back)
    by_text = (lambda texts: classify([glossed(text, index) for text in texts])) if task.kind != "tag" else no_label
    return _predictions(test, by_text, dictionary.tags)


def classifier(method: Method, train: Sequence[Example]) -> Classify:
    """Text -> label, learnt from examples.

    `naive-bayes` looks at which words and which character 4-grams of words are there, not how often; `char-ngram-svm`
    is `floors.IntentFloor`'s: a linear support vector machine over TF-IDF of character 2- to 4-grams.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    match method:
        case "naive-bayes":
            model = make_pipeline(CountVectorizer(analyzer=_words_and_fourgrams, binary=True), MultinomialNB(alpha=0.5))
        case "char-ngram-svm":
            features = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
            model = make_pipeline(features, LinearSVC(C=0.5, random_state=0))
        case _:
            assert_never(method)
    model.fit([one.text for one in train], [one.label for one in train])
    return lambda texts: [str(label) for label in model.predict(list(texts))]


class Dictionary:
    """A tag for every word: the commonest it has in training; unseen ones are outside, or have the commonest of all.

    With `back` (foreign -> English), a word has the tags of the English words that it is a translation of.
    """

    def __init__(self, task: Task, train: Sequence[Example], back: Lexicon | None = None) -> None:
        self.counts: dict[str, Counter[str]] = {}
        everything: Counter[str] = Counter()
        for one in train:
            for word, tag in zip(one.words, one.tags, strict=True):
                self.counts.setdefault(word.lower(), Counter())[tag] += 1
                everything[tag] += 1
        self.unseen = task.outside or (_commonest(everything) if everything else "")
        self.back: Mapping[str, tuple[Translation, ...]] = {}
        if back is not None:
            self.back = {word.lower(): found for word, found in back.entries.items()}

    def tags(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._tag(word.lower()) for word in words)

    def _tag(self, word: str) -> str:
        found: Counter[str] = Counter()
        for translation in self.back.get(word, ()):
            found += self.counts.get(translation.word.lower(), Counter())
        found = found or self.counts.get(word, Counter())
        return _commonest(found) if found else self.unseen


def inverted(lexicon: Lexicon) -> Lexicon:
    """The lexicon from its target to its source."""
    entries: dict[str, list[Translation]] = {}
    for word, translations in lexicon.entries.items():
        for translation in translations:
            entries.setdefault(translation.word, []).append(Translation(word, translation.pos, translation.weight))
    whole = {word: tuple(found) for word, found in entries.items()}
    return Lexicon(lexicon.target, lexicon.source, whole, lexicon.origin, lexicon.licence)


def _predictions(test: Sequence[Example], classify: Classify, tag: Tag) -> list[Prediction]:
    labels = classify([one.text for one in test])
    return [
        Prediction(one.id, one.label, label, one.tags, tag(one.words) if one.words else (), one.variety)
        for one, label in zip(test, labels, strict=True)
    ]


def no_label(texts: Sequence[str]) -> list[str]:
    """For tasks that have tags alone."""
    return [""] * len(texts)


def _commonest(counts: Mapping[str, int]) -> str:
    """Of equally common ones the first in the alphabet."""
    return min(counts, key=lambda name: (-counts[name], name))


def _words_and_fourgrams(text: str) -> Iterable[str]:
    for start, end in word_spans(text):
        word = text[start:end].lower()
        yield f"={word}"
        padded = f" {word} "
        for place in range(len(padded) - 3):
            yield padded[place : place + 4]
