"""Exact nearest neighbours among vectors, by the measures that cross-lingual retrieval uses.

Sources: CSLS: Conneau et al. 2018, section 2.3 (arXiv 1710.04087); ratio margin: Artetxe & Schwenk 2019, section 3
(P19-1309).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, assert_never, get_args

import jax
import jax.numpy as jnp
import numpy as np

from workbench.errors import BadInput

Measure = Literal["cosine", "euclidean", "csls", "margin"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
NEIGHBOURHOOD = 10  # nearest others whose mean cosine says how crowded a vector's place is
BLOCK = 1024  # queries compared at a time: memory is BLOCK x candidates, whatever the number of queries


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The k best candidates of every query, best first; of equal scores the lower index.

    Shapes: index [N, k] int32; score [N, k] float32, larger is nearer (Euclidean: minus the squared distance)
    """

    index: np.ndarray
    score: np.ndarray


def neighbours(queries: np.ndarray, candidates: np.ndarray, k: int, measure: Measure = "cosine") -> Neighbours:
    """Search every candidate for every query; a zero vector has cosine 0 with all.

    Shapes: queries [N, D], candidates [M, D]
    Raises: BadInput for unequal widths, no vectors, more neighbours than candidates, or a value that is not finite.
    """
    _check(queries, candidates, k)
    here, there = np.asarray(queries, np.float32), np.asarray(candidates, np.float32)
    per_query, per_candidate = np.zeros(len(here), np.float32), np.zeros(len(there), np.float32)
    match measure:
        case "cosine":
            here, there = unit(here), unit(there)
        case "euclidean":
            # half of minus the squared distance, without the query's own norm, which moves no rank
            per_candidate = 0.5 * np.einsum("MD,MD->M", there, there)
        case "csls" | "margin":
            here, there = unit(here), unit(there)
            per_query, per_candidate = crowding(here, there), crowding(there, here)
        case _:
            assert_never(measure)
    found_index, found_score = [], []
    target, offsets = jnp.asarray(there), jnp.asarray(per_candidate)
    for start in range(0, len(here), BLOCK):
        block = here[start : start + BLOCK]
        crowd = per_query[start : start + BLOCK]
        filled = np.pad(block, ((0, BLOCK - len(block)), (0, 0))) if len(here) > BLOCK else block
        crowd = np.pad(crowd, (0, len(filled) - len(crowd)))
        score, index = _best(filled, crowd, target, offsets, k, measure)
        found_index.append(np.asarray(index)[: len(block)])
        found_score.append(np.asarray(score)[: len(block)])
    index, score = np.concatenate(found_index), np.concatenate(found_score)
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
    means = []
    target, zeros = jnp.asarray(others), jnp.zeros(len(others))
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        filled = np.pad(block, ((0, BLOCK - len(block)), (0, 0))) if len(vectors) > BLOCK else block
        score, _ = _best(filled, np.zeros(len(filled), np.float32), target, zeros, k, "cosine")
        means.append(np.asarray(score)[: len(block)].mean(axis=1))
    return np.concatenate(means)


@partial(jax.jit, static_argnames=("k", "measure"))
def _best(
    queries: jax.Array, crowd: jax.Array, candidates: jax.Array, offsets: jax.Array, k: int, measure: Measure
) -> tuple[jax.Array, jax.Array]:
    similarity = jnp.einsum("ND,MD->NM", queries, candidates, precision="highest")
    match measure:
        case "cosine":
            pass
        case "euclidean":
            similarity = similarity - offsets[None, :]
        case "csls":
            similarity = 2.0 * similarity - crowd[:, None] - offsets[None, :]
        case "margin":
            similarity = similarity / ((crowd[:, None] + offsets[None, :]) / 2.0)
        case _:
            assert_never(measure)
    return jax.lax.top_k(similarity, k)


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
