"""Probes of a space itself: its shape, whether it tells languages apart, and whether it groups by language or meaning.

With vectors of several languages for the same meanings.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation import geometry
from workbench.evaluation.probe_rows import Row, interval
from workbench.records import Lang
from workbench.seeds import stream

HUB_NEIGHBOURS = 10


def shape(lang: Lang, vectors: np.ndarray, layer: int) -> list[Row]:
    """Mean cosine, isotropy, and hubness (of the sentences among themselves) of one language.

    Shapes: vectors [N, D]
    """
    k = min(HUB_NEIGHBOURS, len(vectors) - 1)
    values = {
        "mean_cosine": geometry.mean_cosine(vectors),
        "iso_score": geometry.iso_score(vectors),
        f"hubness_{k}": geometry.hubness(vectors, k=k),
    }
    return [
        Row("space", name, "", "", lang.tag, "", layer, value, len(vectors), higher_is_better=name == "iso_score")
        for name, value in values.items()
    ]


def language(vectors: Mapping[Lang, np.ndarray], layer: int, seed: int = 0) -> list[Row]:
    """Can a linear classifier tell the language of sentences it has not seen in any language: as is, and centred?

    A neutral space is at chance. Centring takes off each language's mean.

    Shapes: vectors, each [N, D], row n of one meaning
    """
    stacked, tags, meanings = _stacked(vectors)
    rows = []
    for method, points in (("as-is", stacked), ("centred", geometry.centred_by_language(stacked, tags))):
        found = interval(geometry.language_probe(points, tags, meanings, seed))
        rows.append(
            Row(
                "language", "accuracy", method, *_both(vectors), "", layer, found.value, found.n, len(vectors),
                found.low, found.high, 1.0 / len(vectors), "counting", higher_is_better=False,
            )
        )  # fmt: skip
    return rows


def grouping(vectors: Mapping[Lang, np.ndarray], layer: int, seed: int = 0) -> list[Row]:
    """Do sentences group by meaning or by language? Silhouette and V-measure, as is and centred by language.

    Shapes: vectors, each [N, D], row n of one meaning
    Random: k-means and the shuffled labels of the control, from (seed, N).
    """
    stacked, tags, meanings = _stacked(vectors)
    order = stream(seed, "grouping-control", len(stacked)).permutation(len(stacked))
    rows = []
    for method, points in (("as-is", stacked), ("centred", geometry.centred_by_language(stacked, tags))):
        for by, labels in (("meaning", meanings), ("language", tags)):
            found = geometry.grouping(points, labels, seed)
            control = geometry.grouping(points, [labels[i] for i in order], seed)
            for metric in ("silhouette", "v_measure"):
                rows.append(
                    Row(
                        "grouping", f"{metric}_by_{by}", method, *_both(vectors), "", layer,
                        getattr(found, metric), len(stacked), len(set(labels)),
                        chance=getattr(control, metric), chance_by="shuffling",
                        higher_is_better=by == "meaning",
                    )
                )  # fmt: skip
    return rows


def _both(vectors: Mapping[Lang, np.ndarray]) -> tuple[str, str]:
    """The two languages, where there are two; else the number is of all of them."""
    here, there, *others = (lang.tag for lang in vectors)
    return ("", "") if others else (here, there)


def _stacked(vectors: Mapping[Lang, np.ndarray]) -> tuple[np.ndarray, list[str], list[str]]:
    """All vectors [L * N, D], with each one's language tag and meaning."""
    sizes = {len(one) for one in vectors.values()}
    if len(vectors) < 2 or len(sizes) != 1:
        raise BadInput(f"wanted two or more languages with the same meanings, got {[len(v) for v in vectors.values()]}")
    n = sizes.pop()
    tags = [lang.tag for lang in vectors for _ in range(n)]
    return np.concatenate(list(vectors.values())), tags, [str(number) for _ in vectors for number in range(n)]
