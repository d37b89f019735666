"""Bilingual lexicon induction: which word's vector lies nearest, with and without a map between the two spaces.

Sources: orthogonal Procrustes: Schönemann 1966 (doi 10.1007/BF02289451), for embeddings Smith et al. 2017 (arXiv
1702.03859); refinement on mutual neighbours and the measure P@k: Conneau et al. 2018, sections 2.2 and 3.1 (arXiv
1710.04087).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.neighbours import Measure, mutual_nearest, neighbours, unit

Map = Literal["none", "procrustes", "refined"]
MAPS: tuple[Map, ...] = get_args(Map)
REFINEMENTS = 5  # rounds, as MUSE's n_refinement


@dataclass(frozen=True, slots=True)
class WordTranslation:
    """Precision at 1, 5 and 10: is one of a word's translations among its nearest candidates?

    Shapes: hits [N, 3] bool, one row per query word
    """

    map: Map
    measure: Measure
    hits: np.ndarray
    num_candidates: int

    @property
    def precision(self) -> tuple[float, float, float]:
        one, five, ten = self.hits.mean(axis=0)
        return float(one), float(five), float(ten)


def word_translation(
    source: np.ndarray,
    target: np.ndarray,
    train: Sequence[tuple[int, int]],
    test: Mapping[int, Sequence[int]],
    map: Map = "procrustes",
    measure: Measure = "csls",
) -> WordTranslation:
    """Translate the words of `test` (source row -> rows of its translations), learning the map from `train` pairs.

    Every target word is a candidate. Vectors are centred and scaled to length 1 first.

    Shapes: source [N, D], target [M, D]
    Raises: BadInput where a test word is also a training word (its translation would be known), or there is nothing to
        learn from or to test.
    """
    return word_translations(source, target, train, test, [map], [measure])[0]


def word_translations(
    source: np.ndarray,
    target: np.ndarray,
    train: Sequence[tuple[int, int]],
    test: Mapping[int, Sequence[int]],
    maps: Sequence[Map],
    measures: Sequence[Measure],
) -> list[WordTranslation]:
    """`word_translation` by every map, and for each by every measure; a map is learnt once."""
    if both := sorted({pair[0] for pair in train} & set(test)):
        raise BadInput(f"word translation: {len(both)} words are in both train and test, such as row {both[0]}")
    if not test or not all(test.values()):
        raise BadInput("word translation: wanted test words with at least one translation each")
    here, there = _prepared(source), _prepared(target)
    words, k = sorted(test), min(10, len(there))
    found = []
    for map in maps:
        mapped = _mapped(here, there, train, map)
        for measure in measures:
            # how crowded a place is, is a property of the whole vocabulary, not of the words that are asked
            index = neighbours(mapped[words], there, k, measure, vocabulary=mapped).index
            right = np.array([np.isin(index[row], list(test[word])) for row, word in enumerate(words)])
            hits = np.stack([right[:, :cut].any(axis=1) for cut in (1, 5, 10)], axis=1)
            found.append(WordTranslation(map, measure, hits, len(there)))
    return found


def _mapped(here: np.ndarray, there: np.ndarray, train: Sequence[tuple[int, int]], map: Map) -> np.ndarray:
    match map:
        case "none":
            return here
        case "procrustes":
            moved: np.ndarray = here @ procrustes(*_pairs(here, there, train))
            return moved
        case "refined":
            moved = here @ refined(here, there, train)
            return moved
        case _:
            assert_never(map)


def procrustes(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The rotation (or reflection) W that brings `source @ W` nearest to `target` in squared distance.

    Shapes: source, target [N, D], row by row a pair -> [D, D] float64, orthogonal
    """
    left, _, right = np.linalg.svd(source.astype(np.float64).T @ target.astype(np.float64))
    rotation: np.ndarray = left @ right
    return rotation


def refined(source: np.ndarray, target: np.ndarray, train: Sequence[tuple[int, int]]) -> np.ndarray:
    """Procrustes again and again, each time from the words that are each other's nearest by CSLS under the last map.

    Shapes: source [N, D], target [M, D] -> [D, D]
    """
    rotation = procrustes(*_pairs(source, target, train))
    for _ in range(REFINEMENTS):
        found = mutual_nearest(unit((source @ rotation).astype(np.float32)), unit(target.astype(np.float32)))
        if len(found) < source.shape[1]:  # too few to determine a rotation
            break
        rotation = procrustes(source[found[:, 0]], target[found[:, 1]])
    return rotation


def _prepared(vectors: np.ndarray) -> np.ndarray:
    centred = vectors - vectors.mean(axis=0)
    return unit(centred)


def _pairs(source: np.ndarray, target: np.ndarray, train: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    if not len(train):
        raise BadInput("word translation: a map needs training pairs; give some, or use map 'none'")
    rows = np.array(train)
    return source[rows[:, 0]], target[rows[:, 1]]
