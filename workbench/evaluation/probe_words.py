"""Probes of words: lexicon induction from word lists, and which word stands for which in parallel sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from workbench.evaluation.neighbours import Measure
from workbench.evaluation.probe_rows import Row, interval
from workbench.evaluation.word_alignment import Links, Method, align, round_trip
from workbench.evaluation.word_translation import MAPS, Map, WordTranslation, word_translations
from workbench.records import Lang, Lexicon
from workbench.seeds import stream

NUM_TRAIN, NUM_TEST = 5000, 1500  # source words, as MUSE has it; fewer where the lexicon is smaller
TEST_SHARE = 0.25
WORD_MEASURES: tuple[Measure, ...] = ("cosine", "csls")
ALIGNMENTS: tuple[Method, ...] = ("mutual", "matching")
_EDGES = regex.compile(r"^[\p{P}\p{S}]+|[\p{P}\p{S}]+$")


@dataclass(frozen=True, slots=True)
class WordList:
    """A lexicon's words as two lists of texts to embed, and which rows translate which.

    Source words of `train` and `test` are disjoint, and so are the rows of their translations: no translation that
    the map was fitted to is asked for.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    train: tuple[tuple[int, int], ...]
    test: Mapping[int, tuple[int, ...]]
    origin: str


def word_list(lexicon: Lexicon, num_train: int = NUM_TRAIN, num_test: int = NUM_TEST, seed: int = 0) -> WordList | None:
    """The single words of a lexicon, split at random; None where they are too few to say anything (fewer than 40).

    Random: which words are tested, from (seed, language, number of words).
    """
    entries = {
        source: tuple(dict.fromkeys(t.word for t in translations if " " not in t.word and t.word.strip()))
        for source, translations in lexicon.entries.items()
        if " " not in source
    }
    words = [source for source, found in entries.items() if found]
    order = stream(seed, "word-list", lexicon.target.tag, len(words)).permutation(len(words))
    tested = [words[i] for i in order[: min(num_test, int(len(words) * TEST_SHARE))]]
    learnt = [words[i] for i in order[len(tested) : len(tested) + num_train]]
    asked = {word for source in tested for word in entries[source]}
    pairs = [(source, word) for source in learnt for word in entries[source][:1] if word not in asked]
    if len(tested) < 10 or len(pairs) < 30:
        return None
    rows = {word: row for row, word in enumerate(dict.fromkeys(w for s in (*learnt, *tested) for w in entries[s]))}
    source_rows = {word: row for row, word in enumerate((*learnt, *tested))}
    return WordList(
        source=tuple(source_rows),
        target=tuple(rows),
        train=tuple((source_rows[source], rows[word]) for source, word in pairs),
        test={source_rows[source]: tuple(rows[word] for word in entries[source]) for source in tested},
        origin=lexicon.origin,
    )


def translation(
    pivot: Lang,
    lang: Lang,
    source: np.ndarray,
    target: np.ndarray,
    words: WordList,
    layer: int,
    floor: WordTranslation | None = None,
    maps: Sequence[Map] = MAPS,
    measures: Sequence[Measure] = WORD_MEASURES,
) -> list[Row]:
    """Precision at 1, 5, 10 of the tested words, by every map and measure; every target word is a candidate.

    Shapes: source, target: the vectors of `words.source` and `words.target`
    """
    rows = []
    for found in word_translations(source, target, words.train, words.test, maps, measures):
        rows += _precisions(pivot, lang, found, f"{found.map} {found.measure}", words, layer, floor)
    return rows


def spelling(words: WordList) -> WordTranslation:
    """The floor: the target word that is spelt most alike, by cosine of TF-IDF over characters 1- to 3-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True)
    vectorizer.fit([*words.source, *words.target])
    rows = sorted(words.test)
    likeness = (
        vectorizer.transform([words.source[row] for row in rows]) @ vectorizer.transform(words.target).T
    ).toarray()
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :10]
    right = np.array([np.isin(nearest[place], words.test[row]) for place, row in enumerate(rows)])
    hits = np.stack([right[:, :cut].any(axis=1) for cut in (1, 5, 10)], axis=1)
    return WordTranslation("none", "cosine", hits, len(words.target))


def spelling_rows(pivot: Lang, lang: Lang, words: WordList, floor: WordTranslation) -> list[Row]:
    """The floor's own rows."""
    return _precisions(pivot, lang, floor, "char-ngram", words, None, None)


def _precisions(
    pivot: Lang,
    lang: Lang,
    found: WordTranslation,
    method: str,
    words: WordList,
    layer: int | None,
    floor: WordTranslation | None,
) -> list[Row]:
    rows = []
    per_word = np.mean([len(right) for right in words.test.values()])
    for place, cut in enumerate((1, 5, 10)):
        over = interval(found.hits[:, place].astype(np.float64))
        rows.append(
            Row(
                "word-translation", f"precision_at_{cut}", method, pivot.tag, lang.tag, "pivot>target", layer,
                over.value, over.n, found.num_candidates, over.low, over.high,
                min(1.0, float(cut * per_word / found.num_candidates)), "counting",
                {} if floor is None else {"char-ngram": float(floor.hits[:, place].mean())},
            )
        )  # fmt: skip
    return rows


def lexicon_links(source: Sequence[str], target: Sequence[str], lexicon: Lexicon) -> Links:
    """Word pairs of two sentences that the lexicon has, whatever their case and the punctuation around them."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(target):
        places.setdefault(_bare(word), []).append(place)
    links = set()
    for place, word in enumerate(source):
        entries = lexicon.entries.get(_bare(word)) or lexicon.entries.get(_EDGES.sub("", word)) or ()
        for translation in entries:
            links |= {(place, there) for there in places.get(_bare(translation.word), ())}
    return frozenset(links)


def alignment(
    pivot: Lang,
    lang: Lang,
    sentences: Sequence[tuple[np.ndarray, np.ndarray]],
    links: Sequence[Links],
    layer: int,
) -> list[Row]:
    """How many of a lexicon's links does alignment by vectors find? No gold: agreement with a lexicon is all it says.

    Per source word that the lexicon links, whether one of its links was found. Words that a lexicon knows are the
    easy and frequent ones. The floor `diagonal` links each word with the one at the same relative place; `chance` is
    what shuffled target words give.

    Shapes: sentences, each ([W, D], [V, D])
    Random: the shuffles, from the number of each sentence.
    """
    rows = []
    sizes = [(len(here), len(there)) for here, there in sentences]
    along = np.concatenate([_found(_diagonal(*size), gold) for size, gold in zip(sizes, links, strict=True)])
    for method in ALIGNMENTS:
        scored, shuffled = [], []
        for number, ((here, there), gold) in enumerate(zip(sentences, links, strict=True)):
            if gold:
                scored.append(_found(align(here, there, method), gold))
                order = stream(0, "alignment-control", number).permutation(len(there))
                shuffled.append(_found(align(here, there[order], method), gold))
        if scored:
            over = interval(np.concatenate(scored))
            rows.append(
                Row(
                    "word-alignment", "lexicon_agreement", method, pivot.tag, lang.tag, "pivot>target", layer,
                    over.value, over.n, None, over.low, over.high, float(np.concatenate(shuffled).mean()), "shuffling",
                    {"diagonal": float(along.mean())},
                )
            )  # fmt: skip
    return rows


def round_trips(pivot: Lang, lang: Lang, sentences: Sequence[tuple[np.ndarray, np.ndarray]], layer: int) -> list[Row]:
    """Share of a sentence's words that come back to themselves by way of its translation. No gold is needed, and none
    is had: a word may return from a wrong one. `chance`: by way of another sentence's translation.

    Shapes: sentences, each ([W, D], [V, D])
    """
    returned = np.concatenate([round_trip(pair) for pair in sentences])
    others = [sentences[(number + 1) % len(sentences)][1] for number in range(len(sentences))]
    astray = np.concatenate([round_trip((here, other)) for (here, _), other in zip(sentences, others, strict=True)])
    over = interval(returned)
    return [
        Row(
            "round-trip", "returned", "", pivot.tag, lang.tag, "pivot>target", layer, over.value, over.n, None,
            over.low, over.high, float(astray.mean()), "shuffling",
        )
    ]  # fmt: skip


def _found(links: Links, gold: Links) -> np.ndarray:
    """1 for each source word with a gold link of which one was found. Shapes: -> [number of such words] float64"""
    return np.array([any((i, j) in links for k, j in gold if k == i) for i in sorted({i for i, _ in gold})], np.float64)


def _diagonal(num_source: int, num_target: int) -> Links:
    return frozenset((i, i * num_target // num_source) for i in range(num_source))


def _bare(word: str) -> str:
    return _EDGES.sub("", word).casefold()
