"""One vector per token from the company it keeps: made in a second from a small text, the same every time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse
from sklearn.utils.extmath import randomized_svd

DIMENSIONS = 100
WINDOW = 5
SMOOTHING = 0.75


def static_vectors(texts: Sequence[np.ndarray], size: int, dimensions: int = DIMENSIONS) -> np.ndarray:
    """Positive pointwise mutual information of tokens at most `WINDOW` apart, reduced by SVD; a row has length 1.

    A token that keeps no company (it is absent, or always alone) has the zero vector.

    Shapes: texts of [T] token ids below `size` -> [size, dimensions] float64
    Source: Levy, Goldberg & Dagan 2015 (Q15-1016): contexts to the power of .75, nearer ones counted more (their
        section 3.1), singular values to the power of .5 (3.3).
    """
    counts = _together(texts, size)
    if not counts.nnz:
        return np.zeros((size, dimensions))
    contexts = np.asarray(counts.sum(axis=0)).ravel() ** SMOOTHING
    tokens = np.asarray(counts.sum(axis=1)).ravel()
    here, there = counts.nonzero()
    expected = tokens[here] * contexts[there] / contexts.sum()
    information = np.maximum(np.log(np.asarray(counts[here, there]).ravel() / expected), 0.0)
    matrix = sparse.csr_matrix((information, (here, there)), shape=(size, size))
    dimensions_found = min(dimensions, size - 1)
    left, values, _ = randomized_svd(matrix, dimensions_found, random_state=0)
    vectors = np.zeros((size, dimensions))
    vectors[:, :dimensions_found] = left * np.sqrt(values)
    return unit(vectors)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; a row that is zero, to rounding, stays zero. Shapes: [N, D] -> [N, D]"""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-9)


def _together(texts: Sequence[np.ndarray], size: int) -> sparse.csr_matrix:
    """How often two tokens stand together, one at distance d counting 1 / d. Shapes: -> [size, size]"""
    ends = np.concatenate([np.zeros(0, np.int64), *(np.full(len(text), number) for number, text in enumerate(texts))])
    ids = np.concatenate([np.zeros(0, np.int64), *(np.asarray(text, np.int64) for text in texts)])
    total = sparse.csr_matrix((size, size))
    for distance in range(1, WINDOW + 1):
        same = ends[distance:] == ends[:-distance]
        pairs = (ids[distance:][same], ids[:-distance][same])
        total += sparse.coo_matrix((np.full(len(pairs[0]), 1.0 / distance), pairs), shape=(size, size)).tocsr()
    return (total + total.T).tocsr()
