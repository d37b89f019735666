"""Which word of a sentence stands for which word of its translation, from their vectors alone.

Sources: Jalili Sabet et al. 2020, section 2.2 (2020.findings-emnlp.147); error rate: Och & Ney 2003, section 6.1
(J03-1002); round trips: Dufter et al. 2018 (arXiv 1801.06807), as in Glot500's evaluation (Imani et al. 2023,
2023.acl-long.61).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.neighbours import unit

Method = Literal["mutual", "matching"]
Links = frozenset[tuple[int, int]]


def align(source: np.ndarray, target: np.ndarray, method: Method = "mutual") -> Links:
    """Links between the words of two sentences: each other's nearest by cosine, or the best one-to-one matching.

    Shapes: source [N, D], target [M, D]
    Raises: BadInput for a sentence without words.
    """
    if not len(source) or not len(target):
        raise BadInput(f"word alignment: wanted words in both sentences, got {len(source)} and {len(target)}")
    similarity = unit(source) @ unit(target).T
    match method:
        case "mutual":
            forth, back = similarity.argmax(axis=1), similarity.argmax(axis=0)
            return frozenset((i, int(j)) for i, j in enumerate(forth) if back[j] == i)
        case "matching":
            from scipy.optimize import linear_sum_assignment

            rows, columns = linear_sum_assignment(-similarity)
            return frozenset((int(i), int(j)) for i, j in zip(rows, columns, strict=True))
        case _:
            assert_never(method)


def alignment_error_rate(found: Sequence[Links], sure: Sequence[Links], possible: Sequence[Links]) -> float:
    """One minus the agreement with sure and possible links over all sentences: 0 is best.

    Raises: BadInput for lists of unequal length, or no link at all.
    """
    if not len(found) == len(sure) == len(possible):
        raise BadInput(
            f"alignment error rate: wanted as many sentences each, got {len(found)}, {len(sure)}, {len(possible)}"
        )
    in_sure = sum(len(links & gold) for links, gold in zip(found, sure, strict=True))
    in_possible = sum(len(links & (gold | maybe)) for links, gold, maybe in zip(found, sure, possible, strict=True))
    total = sum(map(len, found)) + sum(map(len, sure))
    if not total:
        raise BadInput("alignment error rate: neither a found nor a sure link in any sentence")
    return 1.0 - (in_sure + in_possible) / total


def round_trip(sentence: Sequence[np.ndarray]) -> np.ndarray:
    """Follow each word of a sentence through its translations and back: does it return to where it set out?

    `sentence` holds the words of one sentence in each language of the route; the way back to the first is implied. A
    word goes to its nearest (cosine) at every step.

    Shapes: sentence, each [N_l, D] -> [N_0] float64, 1 where the word returns to itself
    Raises: BadInput for fewer than two languages or a sentence without words.
    """
    if len(sentence) < 2 or not all(len(words) for words in sentence):
        raise BadInput(f"round trip: wanted words in at least two languages, got {[len(w) for w in sentence]}")
    scaled = [unit(words) for words in sentence]
    at = np.arange(len(scaled[0]))
    for here, there in zip(scaled, [*scaled[1:], scaled[0]], strict=True):
        at = (here[at] @ there.T).argmax(axis=1)
    returned: np.ndarray = (at == np.arange(len(at))).astype(np.float64)
    return returned
