"""Exact nearest neighbours among vectors, by the measures that cross-lingual retrieval uses.

On a CPU numpy's matrix product is what counts; the best of each row are found by looking at the maxima of its chunks
first, which reads the scores once (`experiments/benchmarks/probe.py` compares with faiss).

Sources: CSLS: Conneau et al. 2018, section 2.3 (arXiv 1710.04087); ratio margin: Artetxe & Schwenk 2019, section 3
(P19-1309).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import numpy as np

from workbench.errors import BadInput

Measure = Literal["cosine", "euclidean", "csls", "margin"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
NEIGHBOURHOOD = 10  # nearest others whose mean cosine says how crowded a vector's place is
BLOCK_SCORES = 1 << 24  # at a time: memory is 64 MiB, whatever the number of queries and (up to 1M) of candidates
MIN_BLOCK, MAX_BLOCK = 16, 1024  # queries at a time
CHUNK = 32  # scores of which only the largest is looked at first


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The k best candidates of every query, best first; of equal scores the lower index.

    Shapes: index [N, k] int32; score [N, k] float32, larger is nearer (Euclidean: minus the squared distance)
    """

    index: np.ndarray
    score: np.ndarray


def neighbours(
    queries: np.ndarray,
    candidates: np.ndarray,
    k: int,
    measure: Measure = "cosine",
    vocabulary: np.ndarray | None = None,
) -> Neighbours:
    """Search every candidate for every query; a zero vector has cosine 0 with all.

    `vocabulary` is all that the queries were drawn from: it says how crowded a candidate's place is, for CSLS and
    margin. Not given, it is the queries.

    Shapes: queries [N, D], candidates [M, D], vocabulary [W, D]
    Raises: BadInput for unequal widths, no vectors, more neighbours than candidates, or a value that is not finite.
    """
    _check(queries, candidates, k)
    here, there = np.asarray(queries, np.float32), np.asarray(candidates, np.float32)
    if measure == "euclidean":
        middle = there.mean(axis=0)  # moves no distance, and keeps them exact
        here, there = here - middle, there - middle
        per_query, per_candidate = np.zeros(len(here), np.float32), 0.5 * np.einsum("MD,MD->M", there, there)
    else:
        here, there = unit(here), unit(there)
        per_query, per_candidate = np.zeros(len(here), np.float32), np.zeros(len(there), np.float32)
    if measure in ("csls", "margin"):
        everything = here if vocabulary is None else unit(np.asarray(vocabulary, np.float32))
        per_query, per_candidate = crowding(here, there), crowding(there, everything)
    index, score = np.empty((len(here), k), np.int32), np.empty((len(here), k), np.float32)
    for rows, similarity in _blocks(here, there):
        match measure:
            case "cosine":
                pass
            case "euclidean":
                # half of minus the squared distance, without the query's own norm, which moves no rank
                similarity -= per_candidate
            case "csls":
                similarity *= 2.0
                similarity -= per_candidate
                similarity -= per_query[rows, None]
            case "margin":
                similarity = ratio(similarity, per_query[rows], per_candidate)
            case _:
                assert_never(measure)
        index[rows], score[rows] = best(similarity, k)
    if measure == "euclidean":
        score = 2.0 * score - np.einsum("ND,ND->N", here, here)[:, None]
    return Neighbours(index, score)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Each row scaled to length 1; a zero row stays zero.

    Shapes: [N, D] -> [N, D]
    """
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(length > 0, length, 1)
    return scaled


def crowding(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean cosine of each vector with its nearest `NEIGHBOURHOOD` others (all, if they are fewer); both of unit length.

    Shapes: vectors [N, D], others [M, D] -> [N] float32
    """
    k = min(NEIGHBOURHOOD, len(others))
    means = np.empty(len(vectors), np.float32)
    for rows, similarity in _blocks(vectors, others):
        means[rows] = best(similarity, k)[1].mean(axis=1)
    return means


def mutual_nearest(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pairs that are each other's nearest by CSLS; of equally near ones the lower row.

    Shapes: first [N, D], second [M, D], both of unit length -> [P, 2] int64
    """
    crowd_first, crowd_second = crowding(first, second), crowding(second, first)
    forth = np.empty(len(first), np.int64)
    back, back_score = np.zeros(len(second), np.int64), np.full(len(second), -np.inf, np.float32)
    everything = np.arange(len(second))
    for rows, similarity in _blocks(first, second):
        similarity *= 2.0
        forth[rows] = (similarity - crowd_second).argmax(axis=1)
        similarity -= crowd_first[rows, None]
        nearest = similarity.argmax(axis=0)
        better = similarity[nearest, everything] > back_score
        back[better] = nearest[better] + rows.start
        back_score[better] = similarity[nearest, everything][better]
    mutual = np.flatnonzero(back[forth] == np.arange(len(first)))
    return np.stack([mutual, forth[mutual]], axis=1)


def ratio(cosines: np.ndarray, crowd_here: np.ndarray, crowd_there: np.ndarray) -> np.ndarray:
    """Cosine over the mean crowding of the two places; 0 where nothing is near either.

    Shapes: cosines [N, M], crowd_here [N], crowd_there [M] -> [N, M]
    """
    mean = (crowd_here[:, None] + crowd_there[None, :]) / 2
    return np.divide(cosines, mean, out=np.zeros_like(cosines), where=mean != 0)


def best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of the k largest of each row, largest first; of equal ones the lower column.

    Shapes: scores [N, M], k <= M -> [N, k] int64, [N, k]
    """
    n, m = scores.shape
    num_chunks = m // CHUNK
    sure = np.ones(n, bool)
    columns = np.broadcast_to(np.arange(m), (n, m))
    if num_chunks > 4 * k:
        # chunk c is the columns c, c + num_chunks, ...: the k best are in the k chunks with the largest maxima
        whole = num_chunks * CHUNK
        maxima = scores[:, :whole].reshape(n, CHUNK, num_chunks).max(axis=1)
        chosen, sure = _largest(maxima, k)
        inside = chosen[:, :, None] + num_chunks * np.arange(CHUNK)
        rest = np.broadcast_to(np.arange(whole, m), (n, m - whole))
        columns = np.concatenate([inside.reshape(n, -1), rest], axis=1)
    values = scores if columns.shape[1] == m else np.take_along_axis(scores, columns, axis=1)
    places, also_sure = _largest(values, k)
    index, score = np.take_along_axis(columns, places, axis=1), np.take_along_axis(values, places, axis=1)
    order = np.lexsort((index, -score), axis=-1)
    index, score = np.take_along_axis(index, order, axis=1), np.take_along_axis(score, order, axis=1)
    for row in np.flatnonzero(~(sure & also_sure)):  # equal scores around the k-th
        found = np.flatnonzero(scores[row] >= np.partition(scores[row], -k)[-k])
        index[row] = found[np.argsort(-scores[row, found], kind="stable")][:k]
        score[row] = scores[row, index[row]]
    return index, score


def _largest(values: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of each row's k largest, in no order [N, k]; false where others are as large as the k-th [N]."""
    bound = np.partition(values, -k, axis=1)[:, -k]
    among = values >= bound[:, None]
    sure = np.count_nonzero(among, axis=1) == k
    places = np.zeros((len(values), k), np.int64)
    places[sure] = np.nonzero(among[sure])[1].reshape(-1, k)
    return places, sure


def _blocks(queries: np.ndarray, candidates: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """The dot products of some queries with all candidates, block by block; a block may be written to."""
    size = min(MAX_BLOCK, max(MIN_BLOCK, BLOCK_SCORES // len(candidates)))
    for start in range(0, len(queries), size):
        rows = slice(start, min(start + size, len(queries)))
        yield rows, queries[rows] @ candidates.T


def _check(queries: np.ndarray, candidates: np.ndarray, k: int) -> None:
    if queries.ndim != 2 or candidates.ndim != 2 or queries.shape[1:] != candidates.shape[1:]:
        raise BadInput(
            f"neighbours: wanted vectors [N, D] and [M, D] of one width, got {queries.shape}, {candidates.shape}"
        )
    if not len(queries) or not 1 <= k <= len(candidates):
        raise BadInput(
            f"neighbours: wanted at least one query and {k} candidates, got {len(queries)} and {len(candidates)}"
        )
    for name, vectors in (("query", queries), ("candidate", candidates)):
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise BadInput(f"neighbours: {name} {int(np.argmin(finite))} holds a value that is not finite")
