"""Which strings train, tune and test: near-duplicates never on two sides, small languages still with a test set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from workbench.languages import words
from workbench.seeds import derive

Split = Literal["train", "dev", "test"]

SIMILAR = 0.4  # Jaccard overlap of word bigrams from which two strings count as near-duplicates
TEST_SHARE, DEV_SHARE = 0.2, 0.1
MIN_TEST, MIN_DEV = 120, 40  # wanted in every language, as long as the shares below are not passed
MAX_TEST_SHARE, MAX_DEV_SHARE = 0.4, 0.12

_DIGITS = re.compile(r"\d+")


def shingles(text: str) -> frozenset[str]:
    """Word bigrams with the edges marked; case, numbers and punctuation (so also gaps) do not count."""
    found = ["^", *(_DIGITS.sub("0", word.lower()) for word in words(text)), "$"]
    return frozenset(f"{left} {right}" for left, right in pairwise(found))


def clusters(texts: Sequence[str]) -> list[int]:
    """The near-duplicate cluster of each text, numbered by its first member.

    Two texts whose shingles overlap by `SIMILAR` or more (Jaccard) are in one cluster, and so, by chains, are theirs.
    Exact, by a sparse matrix product: no hashing.
    """
    import numpy as np
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    matrix = _incidence(texts, {})
    rows, columns = _similar(matrix, matrix, SIMILAR)
    graph = coo_matrix((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(texts), len(texts)))
    _, labels = connected_components(graph, directed=False)
    first: dict[int, int] = {}
    return [first.setdefault(int(label), row) for row, label in enumerate(labels)]


def near_duplicates(texts: Sequence[str], kept: Sequence[str], similar: float = SIMILAR) -> list[bool]:
    """For each text whether some text of `kept` overlaps with it by `similar` or more (Jaccard of shingles)."""
    columns: dict[str, int] = {}
    others = _incidence(kept, columns)
    result: list[bool] = []
    for start in range(0, len(texts), 4096):
        chunk = _incidence(texts[start : start + 4096], columns)
        rows, _ = _similar(chunk, others, similar)
        near = set(rows.tolist())
        result += [row in near for row in range(chunk.shape[0])]
    return result


def _incidence(texts: Sequence[str], columns: dict[str, int]) -> Any:
    """Texts by shingles, 0/1; shingles met for the first time are added to `columns`."""
    import numpy as np
    from scipy.sparse import csr_matrix

    rows_of, columns_of = [], []
    for row, text in enumerate(texts):
        for shingle in shingles(text):
            rows_of.append(row)
            columns_of.append(columns.setdefault(shingle, len(columns)))
    shape = (len(texts), max(len(columns), 1))
    return csr_matrix((np.ones(len(rows_of), np.float32), (rows_of, columns_of)), shape=shape)


def _similar(left: Any, right: Any, similar: float) -> tuple[Any, Any]:
    """The (row of left, row of right) whose Jaccard overlap is `similar` or more."""
    import numpy as np

    left_sizes, right_sizes = np.asarray(left.sum(axis=1)).ravel(), np.asarray(right.sum(axis=1)).ravel()
    width = min(left.shape[1], right.shape[1])  # shingles that only one side has cannot be common
    common = (left[:, :width] @ right[:, :width].T).tocoo()
    near = common.data >= similar * (left_sizes[common.row] + right_sizes[common.col] - common.data)
    return common.row[near], common.col[near]


def assign(members: Mapping[str, Iterable[str]]) -> dict[str, Split]:
    """The split of every cluster, given the clusters that each language has.

    Languages with the fewest clusters choose first, so that they get a test set; the next divide what these leave. A
    cluster has one split in all languages.

    Random: order within a language by `seeds.derive(0, "split", cluster)`.
    """
    sizes = {lang: sorted(set(names)) for lang, names in members.items()}
    found: dict[str, Split] = {}
    for lang in sorted(sizes, key=lambda tag: (len(sizes[tag]), tag)):
        names = sizes[lang]
        total = len(names)
        wanted_test = max(TEST_SHARE * total, min(MIN_TEST, MAX_TEST_SHARE * total))
        wanted_dev = max(DEV_SHARE * total, min(MIN_DEV, MAX_DEV_SHARE * total))
        num_test = sum(found.get(name) == "test" for name in names)
        num_dev = sum(found.get(name) == "dev" for name in names)
        for name in sorted((name for name in names if name not in found), key=lambda name: derive(0, "split", name)):
            if num_test < wanted_test:
                found[name] = "test"
                num_test += 1
            elif num_dev < wanted_dev:
                found[name] = "dev"
                num_dev += 1
            else:
                found[name] = "train"
    return found


def chapter_split(book: int, chapter: int) -> Split:
    """Bibles are split by chapter: 3 % of the chapters test, 1.5 % dev.

    Random: `seeds.derive(0, "chapter", book, chapter)`.
    """
    draw = derive(0, "chapter", book, chapter) % 1000
    return "test" if draw < 30 else "dev" if draw < 45 else "train"
