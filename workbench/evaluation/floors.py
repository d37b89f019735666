"""Model-free floors: what no neural figure may be shown without. Nothing here needs jax."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.alignment import Retrieval, correct_by_similarity
from workbench.evaluation.char_lm import CharLM
from workbench.evaluation.document_bits import DocumentBits
from workbench.languages import word_spans
from workbench.records import Document, Lexicon, Pair
from workbench.synth.match import PhraseIndex
from workbench.tokenizer.processor import normalize

MAX_PHRASE = 4


def char_lm_bits(train: Sequence[str], documents: Sequence[Document]) -> list[DocumentBits]:
    """Bits of `documents` under a character 6-gram model of the texts `train`.

    It predicts every character from those before it, without a tokenizer: true bits per byte, which a masked model's
    are not. Compare arms within this row and within the model's, never one row's value with the other's.
    """
    texts = [normalize(document.text) for document in documents]
    bits = CharLM(map(normalize, train)).bits(texts)
    measured = zip(documents, texts, bits, strict=True)
    return [DocumentBits(document.id, float(value), len(text.encode())) for document, text, value in measured]


def retrieval(pairs: Sequence[Pair], lexicon: Lexicon) -> list[Retrieval]:
    """Sentence retrieval from surfaces alone, by cosine of TF-IDF, in both directions.

    `char-trigram` compares the strings as they are. `lexicon-gloss` compares words, after each word or phrase of the
    pivot that the lexicon knows has given way to all its translations; words it does not know stand for themselves.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    sources, targets = [pair.source for pair in pairs], [pair.target for pair in pairs]
    trigrams = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True)
    by_words = TfidfVectorizer(analyzer=_lowered_words, sublinear_tf=True)
    index = PhraseIndex(lexicon, MAX_PHRASE)
    return [
        *_both_directions("char-trigram", trigrams, sources, targets),
        *_both_directions("lexicon-gloss", by_words, [glossed(source, index) for source in sources], targets),
    ]


def glossed(text: str, index: PhraseIndex) -> str:
    """The text's words, those that the index has replaced by all their translations."""
    spans = word_spans(text)
    glosses: list[str] = []
    position = 0
    for match in index.matches(text, spans):
        glosses += [text[start:end] for start, end in spans[position : match.first]]
        glosses += sorted({translation.word for _, translation in match.options})
        position = match.first + match.num_words
    return " ".join(glosses + [text[start:end] for start, end in spans[position:]])


def _lowered_words(text: str) -> list[str]:
    return [text[start:end].lower() for start, end in word_spans(text)]


def _both_directions(method: str, vectorizer: Any, sources: list[str], targets: list[str]) -> list[Retrieval]:
    vectors = vectorizer.fit_transform(sources + targets)
    similarity = (vectors[: len(sources)] @ vectors[len(sources) :].T).toarray()
    return [
        Retrieval(method, "pivot>target", None, correct_by_similarity(similarity)),
        Retrieval(method, "target>pivot", None, correct_by_similarity(similarity.T)),
    ]


class IntentFloor:
    """Linear support vector machine over character 2- to 4-grams (TF-IDF): the floor under every zero-shot classifier.

    Chosen over logistic regression on the same features because it is the higher floor and eight times cheaper: on
    MASSIVE, 4,000 English sentences with their lexicon translations, Welsh .549 against .513, Armenian .457 and .409.

    Raises: BadInput for fewer than two labels.
    """

    def __init__(self, train: Sequence[Pair]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.svm import LinearSVC

        labels = [pair.target for pair in train]
        if len(set(labels)) < 2:
            raise BadInput(f"intent floor: wanted sentences of at least two intents, got {sorted(set(labels))}")
        self.vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
        self.classifier = LinearSVC(C=0.5, random_state=0)
        self.classifier.fit(self.vectorizer.fit_transform([pair.source for pair in train]), labels)

    def correct(self, test: Sequence[Pair]) -> np.ndarray:
        """1 for every pair whose label is predicted, else 0.

        Shapes: -> [N] float64
        """
        predicted = self.classifier.predict(self.vectorizer.transform([pair.source for pair in test]))
        return (predicted == np.array([pair.target for pair in test])).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Guessing:
    """Accuracy without looking at a sentence: the commonest training label always, or any label alike."""

    majority: float
    chance: float


def guessing(train: Sequence[Pair], test: Sequence[Pair]) -> Guessing:
    """What `Guessing` says, on `test`; of equally common labels the first in the alphabet."""
    counts = Counter(pair.target for pair in train)
    commonest = min(counts, key=lambda label: (-counts[label], label))
    return Guessing(float(np.mean([pair.target == commonest for pair in test])), 1.0 / len(counts))
