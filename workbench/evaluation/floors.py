"""Model-free floors: what no neural figure may be shown without. Nothing here needs jax."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
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
KEPT_COUNTS = 64  # lists of texts whose trigrams stay in memory: 2 MB for 2,000 sentences


def char_lm_bits(train: Sequence[str], documents: Sequence[Document]) -> list[DocumentBits]:
    """Bits of `documents` under a character 6-gram model of the texts `train`.

    It predicts every character from those before it, without a tokenizer: true bits per byte, which a masked model's
    are not. Compare arms within this row and within the model's, never one row's value with the other's.
    """
    texts = [normalize(document.text) for document in documents]
    bits = CharLM(map(normalize, train)).bits(texts)
    measured = zip(documents, texts, bits, strict=True)
    return [DocumentBits(document.id, float(value), len(text.encode())) for document, text, value in measured]


def retrieval(sources: Sequence[str], targets: Sequence[str], lexicon: Lexicon | None) -> list[Retrieval]:
    """Sentence retrieval from surfaces alone, by cosine of TF-IDF, in both directions; line n of both means the same.

    `char-trigram` compares the strings as they are. `lexicon-gloss`, where there is a lexicon, compares words, after
    each word or phrase of the sources that it knows has given way to all its translations; words it does not know
    stand for themselves.
    """
    found = _both_directions("char-trigram", _trigram_cosines(sources, targets))
    if lexicon is not None:
        index = PhraseIndex(lexicon, MAX_PHRASE)
        found += _both_directions("lexicon-gloss", _word_cosines([glossed(one, index) for one in sources], targets))
    return found


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


def _both_directions(method: str, similarity: np.ndarray) -> list[Retrieval]:
    return [
        Retrieval(method, "pivot>target", None, correct_by_similarity(similarity)),
        Retrieval(method, "target>pivot", None, correct_by_similarity(similarity.T)),
    ]


def _word_cosines(sources: Sequence[str], targets: Sequence[str]) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer=_lowered_words, sublinear_tf=True).fit_transform([*sources, *targets])
    cosines: np.ndarray = (vectors[: len(sources)] @ vectors[len(sources) :].T).toarray()
    return cosines


def _trigram_cosines(sources: Sequence[str], targets: Sequence[str]) -> np.ndarray:
    """What sklearn's TfidfVectorizer gives, fitted on both; a language met again with another is not counted again."""
    here, there = _trigrams(tuple(sources)), _trigrams(tuple(targets))
    names = np.union1d(here.names, there.names)
    columns = [np.searchsorted(names, one.names) for one in (here, there)]
    documents = np.zeros(len(names))
    for one, places in zip((here, there), columns, strict=True):
        documents[places] += np.bincount(one.counts.indices, minlength=len(places))
    idf = np.log((1 + len(sources) + len(targets)) / (1 + documents)) + 1
    weighted = []
    for one, places in zip((here, there), columns, strict=True):
        weights = (np.log(one.counts.data, dtype=np.float64) + 1) * idf[places][one.counts.indices]
        lengths = np.sqrt(np.add.reduceat(np.append(weights**2, 0.0), one.counts.indptr[:-1]))
        weights /= np.repeat(lengths, np.diff(one.counts.indptr))
        weighted.append(type(one.counts)((weights, one.counts.indices, one.counts.indptr), one.counts.shape))
    _, own, other = np.intersect1d(columns[0], columns[1], assume_unique=True, return_indices=True)
    cosines: np.ndarray = (weighted[0][:, own] @ weighted[1][:, other].T).toarray()
    return cosines


@dataclass(frozen=True, slots=True)
class _Trigrams:
    """Shapes: names [V], sorted; counts [N, V] sparse rows of uint16, one for each text"""

    names: np.ndarray
    counts: Any


@lru_cache(maxsize=KEPT_COUNTS)
def _trigrams(texts: tuple[str, ...]) -> _Trigrams:
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.uint16)
    counts = vectorizer.fit_transform(texts)
    return _Trigrams(vectorizer.get_feature_names_out().astype("U"), counts)


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
