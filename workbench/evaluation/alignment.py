"""Do sentences of one meaning lie together? Retrieval of translations by layer.

Source: Pires, Schlinger & Garrette 2019, "How multilingual is Multilingual BERT?", section 5
(https://aclanthology.org/P19-1493): translate a sentence's vector by the mean difference between the languages, take
the nearest of all target vectors. There the mean difference comes from the very pairs that are then tested, which
favours no candidate, for each is in it once; `held-out` fits it on others, which holds unrelated sentences
down by up to a tenth of chance (`moved_by_others` says why).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import numpy as np

from workbench.seeds import stream

Variant = Literal["paper", "held-out", "centred-cosine", "cosine"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Whether each of `n` sentences found its translation among the `n` candidates, and by what means.

    `correct` has one value per query: 1, 0, or 1/k where k candidates tie for nearest and the translation is one of
    them. `layer` 0 is the embedding; None where there is no model.
    """

    method: str
    direction: Literal["pivot>target", "target>pivot"]
    layer: int | None
    correct: np.ndarray  # [N] float64

    @property
    def n(self) -> int:
        return len(self.correct)

    @property
    def accuracy(self) -> float:
        return float(self.correct.mean())

    @property
    def chance(self) -> float:
        return 1.0 / self.n


def retrieval(pivot: np.ndarray, target: np.ndarray, seed: int) -> list[Retrieval]:
    """Every variant, layer and direction for N aligned sentences; every query has all N candidates.

    `paper`: translation by the mean difference of the tested pairs, Euclidean distance. `held-out`: the same, each half
    of the pairs tested with mean differences of the other half, as `moved_by_others` has them. `cosine`: no
    translation; `centred-cosine`: after taking off each language's mean, which like `paper` looks at the tested
    sentences (though not at which belongs to which).

    Shapes: pivot, target [L, N, D], sentence i of one a translation of sentence i of the other
    Random: the halves, from (seed, N).
    Raises: ValueError for unequal shapes or fewer than 2 pairs.
    """
    if pivot.shape != target.shape or pivot.ndim != 3 or pivot.shape[1] < 2:
        raise ValueError(f"wanted two equal shapes [L, N >= 2, D], got {pivot.shape} and {target.shape}")
    found: list[Retrieval] = []
    for layer in range(pivot.shape[0]):
        here, there = pivot[layer].astype(np.float64), target[layer].astype(np.float64)
        for variant in VARIANTS:
            found.append(Retrieval(variant, "pivot>target", layer, _correct(here, there, variant, seed)))
            found.append(Retrieval(variant, "target>pivot", layer, _correct(there, here, variant, seed)))
    return found


def _correct(queries: np.ndarray, candidates: np.ndarray, variant: Variant, seed: int) -> np.ndarray:
    match variant:
        case "paper":
            moved = queries + (candidates - queries).mean(axis=0)
            return correct_by_similarity(_nearness(moved, candidates))
        case "held-out":
            found = np.empty(len(queries))
            for tested, fitted in halves(len(queries), seed):
                moved = moved_by_others(queries, candidates, tested, fitted)
                found[tested] = correct_by_similarity(_nearness(queries[tested], moved), tested)
            return found
        case "centred-cosine":
            centred = _unit(queries - queries.mean(axis=0)), _unit(candidates - candidates.mean(axis=0))
            return correct_by_similarity(centred[0] @ centred[1].T)
        case "cosine":
            return correct_by_similarity(_unit(queries) @ _unit(candidates).T)
        case _:
            assert_never(variant)


def halves(number: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The numbers of those that are tested, and of those that the mean difference is fitted on.

    Random: (seed, "retrieval-halves", number).
    """
    first = np.zeros(number, bool)
    first[stream(seed, "retrieval-halves", number).permutation(number)[::2]] = True
    one, other = np.flatnonzero(first), np.flatnonzero(~first)
    return [(one, other), (other, one)]


def moved_by_others(queries: np.ndarray, candidates: np.ndarray, tested: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Candidates moved towards the queries by the mean difference of the fitted pairs but one.

    For a candidate of a fitted pair that one is its own: with its own difference in the mean it would be nearer to all
    queries than chance has it, and a tested one, the translation, never is. The others leave one out as well, so that
    all means are of as many. What is left: the fitted candidates are in each other's means and so lie further apart
    than the tested ones, so that the nearest of unrelated vectors is one of them too often, the less the more there
    are (of 8, 20 and 200 the translation is nearest .90, .92 and .97 times as often as chance has it).

    Shapes: queries, candidates [N, D], tested and fitted numbers of pairs, all N -> [N, D]
    """
    gaps = candidates[fitted] - queries[fitted]
    without = np.empty(len(candidates), np.int64)
    without[fitted], without[tested] = np.arange(len(fitted)), np.arange(len(tested)) % len(fitted)
    moved: np.ndarray = candidates - (gaps.sum(axis=0) - gaps[without]) / max(1, len(fitted) - 1)
    return moved


def correct_by_similarity(similarity: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """1 where the own candidate is its row's only maximum, 1/k where it is one of k, else 0.

    Shapes: similarity [R, N], own [R] the number of each row's candidate, the row's where none are given -> [R] float64
    """
    best = similarity.max(axis=1, keepdims=True)
    near = similarity >= best - 1e-9 * np.maximum(1.0, np.abs(best))
    row = np.arange(len(similarity))
    return np.where(near[row, row if own is None else own], 1.0 / near.sum(axis=1), 0.0)


def _nearness(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Minus the squared Euclidean distance."""
    return 2 * queries @ candidates.T - (queries**2).sum(axis=1)[:, None] - (candidates**2).sum(axis=1)[None, :]


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
