"""Retrieval of translations between two languages, by every measure and in both directions, from few matrix products.

Sources: as `alignment` and `neighbours` give them; the values are theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never, get_args

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.alignment import Retrieval, halves, moved_by_others
from workbench.evaluation.neighbours import NEIGHBOURHOOD, ratio, unit

Method = Literal["paper", "held-out", "centred-cosine", "cosine", "euclidean", "csls", "margin"]
METHODS: tuple[Method, ...] = get_args(Method)
BLOCK = 64  # rows at a time: what is computed on the way stays in the processor's cache
TIE = 1e-9


def retrieval(
    pivot: np.ndarray, target: np.ndarray, layer: int, methods: Sequence[Method] = METHODS, seed: int = 0
) -> list[Retrieval]:
    """Does each of N sentences find its translation among N? Pivot to target and back, method by method.

    `paper` and `held-out` translate by a mean difference (all pairs', or the other half's as `moved_by_others` has it);
    `centred-cosine` takes off each language's mean; `cosine`, `euclidean`, `csls` and `margin` take the vectors as they
    are.

    Shapes: pivot, target [N, D], row by row translations
    Random: the halves, from (seed, N), as `alignment.retrieval` draws them.
    Raises: BadInput for unequal shapes, fewer than 2 pairs, or values that are not finite.
    """
    if pivot.shape != target.shape or pivot.ndim != 2 or len(pivot) < 2:
        raise BadInput(f"retrieval: wanted two equal shapes [N >= 2, D], got {pivot.shape} and {target.shape}")
    here, there = pivot.astype(np.float64), target.astype(np.float64)
    if not (np.isfinite(here).all() and np.isfinite(there).all()):
        raise BadInput("retrieval: a vector holds a value that is not finite")
    middle = (here.mean(axis=0) + there.mean(axis=0)) / 2
    here_moved, there_moved = here - middle, there - middle  # moves no distance, and keeps them exact
    found: list[Retrieval] = []
    dots = cosines = None
    for method in methods:
        match method:
            case "paper" | "euclidean":
                dots = here_moved @ there_moved.T if dots is None else dots
                shift = (there - here).mean(axis=0) if method == "paper" else np.zeros(here.shape[1])
                forth, back = _by_distance(dots, here_moved, there_moved, shift)
            case "held-out":
                forth, back = _by_others(here_moved, there_moved, seed)
            case "cosine" | "csls" | "margin":
                cosines = unit(here) @ unit(there).T if cosines is None else cosines
                forth, back = _by_cosine(cosines, method)
            case "centred-cosine":
                centred = unit(here - here.mean(axis=0)) @ unit(there - there.mean(axis=0)).T
                forth, back = _by_cosine(centred, "cosine")
            case _:
                assert_never(method)
        found.append(Retrieval(method, "pivot>target", layer, forth))
        found.append(Retrieval(method, "target>pivot", layer, back))
    return found


def _by_distance(
    dots: np.ndarray, here: np.ndarray, there: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """With x moved by v, x nearest to y by distance is largest x.y + v.y - y.y / 2; and y moved by -v likewise."""
    return _hits(dots, _half_squares(there) - there @ shift), _hits(dots.T, _half_squares(here) + here @ shift)


def _by_others(here: np.ndarray, there: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    forth, back = np.empty(len(here)), np.empty(len(here))
    for tested, fitted in halves(len(here), seed):
        for queries, candidates, found in ((here, there, forth), (there, here, back)):
            moved = moved_by_others(queries, candidates, tested, fitted)
            found[tested] = _hits(queries[tested] @ moved.T, _half_squares(moved), tested)
    return forth, back


def _half_squares(vectors: np.ndarray) -> np.ndarray:
    found: np.ndarray = 0.5 * np.einsum("ND,ND->N", vectors, vectors)
    return found


def _by_cosine(cosines: np.ndarray, method: Literal["cosine", "csls", "margin"]) -> tuple[np.ndarray, np.ndarray]:
    if method == "cosine":
        return _hits(cosines), _hits(cosines.T)
    crowd_here, crowd_there = _crowding(cosines), _crowding(np.ascontiguousarray(cosines.T))
    if method == "csls":
        return _hits(cosines, crowd_there / 2), _hits(cosines.T, crowd_here / 2)
    margin = ratio(cosines, crowd_here, crowd_there)
    return _hits(margin), _hits(margin.T)


def _crowding(cosines: np.ndarray) -> np.ndarray:
    """Mean of each row's largest `NEIGHBOURHOOD`."""
    k = min(NEIGHBOURHOOD, cosines.shape[1])
    means: np.ndarray = np.partition(cosines, -k, axis=1)[:, -k:].mean(axis=1)
    return means


def _hits(scores: np.ndarray, less: np.ndarray | None = None, own: np.ndarray | None = None) -> np.ndarray:
    """1 where the own candidate is the only maximum of its row of `scores - less`, 1/k where it is one of k, else 0.

    Shapes: scores [R, N], less [N], own [R] the number of each row's candidate, the row's where none are given -> [R]
    """
    row = np.arange(len(scores))
    own = row if own is None else own
    found = np.zeros(len(scores))
    score = scores[row, own] if less is None else scores[row, own] - less[own]
    for start in range(0, len(scores), BLOCK):
        here = slice(start, start + BLOCK)
        block = scores[here] if less is None else scores[here] - less
        best = block.max(axis=1)
        bound = best - TIE * np.maximum(1.0, np.abs(best))
        for place in np.flatnonzero(score[here] >= bound):
            found[start + place] = 1.0 / np.count_nonzero(block[place] >= bound[place])
    return found
