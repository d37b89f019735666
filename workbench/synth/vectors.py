"""Word vectors from given text: co-occurrence in a window, positive PMI, the leading singular vectors. No neural model.

Source: Levy, Goldberg & Dagan 2015, sections 3 and 5 (Q15-1016): PPMI with smoothed contexts (exponent 0.75), and
singular vectors weighted by the square root of their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from workbench.errors import BadInput
from workbench.languages import words
from workbench.seeds import stream

SMOOTHING = 0.75


@dataclass(frozen=True, slots=True)
class Vectors:
    """Unit rows of `matrix` by lower-cased word; `rarity` weights a word in the mean of a context.

    Shapes: matrix [V, D], rarity [V]
    """

    row_of: Mapping[str, int]
    matrix: np.ndarray
    rarity: np.ndarray

    def mean(self, found: Iterable[str]) -> np.ndarray | None:
        """The weighted mean of the words that have a vector; None where none has.

        Source: Arora, Liang & Ma 2017, smooth inverse frequency: a / (a + p(w)), a = 0.001.
        """
        rows = [row for row in (self.row_of.get(word.lower()) for word in found) if row is not None]
        if not rows:
            return None
        total: np.ndarray = (self.matrix[rows] * self.rarity[rows, None]).sum(axis=0)
        length = float(np.linalg.norm(total))
        return total / length if length > 0 else None


def train(
    texts: Iterable[str], *, dims: int = 50, window: int = 5, max_words: int = 5000, min_count: int = 3
) -> Vectors:
    """Vectors of the `max_words` most frequent words that occur `min_count` times.

    Raises: BadInput where fewer words than two do.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    sentences = [[word.lower() for word in words(text)] for text in texts]
    counts = Counter(word for sentence in sentences for word in sentence)
    kept = sorted((w for w, n in counts.items() if n >= min_count), key=lambda w: (-counts[w], w))[:max_words]
    if len(kept) < 3:
        raise BadInput(
            f"word vectors: {len(kept)} words occur {min_count} times in the {len(sentences)} texts; give more text, "
            "or choose senses uniformly"
        )
    row_of = {word: row for row, word in enumerate(kept)}
    pairs = _pairs(sentences, row_of, window)
    size = len(kept)
    both, times = np.unique(np.concatenate([pairs, pairs % size * size + pairs // size]), return_counts=True)
    left, right = both // size, both % size
    of_word = np.bincount(left, times, size)
    of_context = of_word**SMOOTHING
    expected = of_word[left] * of_context[right] / of_context.sum()
    pmi = np.maximum(np.log(times / expected), 0.0)
    dims = min(dims, size - 1)
    start = stream(0, "word-vectors").standard_normal(size)
    basis, values, _ = svds(csr_array((pmi, (left, right)), shape=(size, size)), k=dims, v0=start)
    matrix = basis * np.sqrt(values)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    frequency = np.array([counts[word] for word in kept]) / max(1, counts.total())
    unit = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 1e-9)
    return Vectors(row_of, unit, 1e-3 / (1e-3 + frequency))


def _pairs(sentences: list[list[str]], row_of: Mapping[str, int], window: int) -> np.ndarray:
    """A code for every two words with vectors that stand at most `window` words apart in a sentence."""
    gap = [-1] * window  # between sentences, so that no window reaches across
    flat = np.array([row for s in sentences for row in [*(row_of.get(word, -1) for word in s), *gap]], np.int64)
    size = len(row_of)
    found = []
    for apart in range(1, window + 1):
        left, right = flat[:-apart], flat[apart:]
        good = (left >= 0) & (right >= 0)
        found.append(left[good] * size + right[good])
    return np.concatenate(found)
