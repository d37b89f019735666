"""Probes of a space itself: its shape, whether it tells languages apart, and whether it groups by language or meaning.

With vectors of several languages for the same meanings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Literal, get_args

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation import geometry
from workbench.evaluation.probe_rows import Row, interval
from workbench.records import Lang
from workbench.seeds import stream

HUB_NEIGHBOURS = 10
MAX_LOTS = 10  # of the centred language probe: one alone says .09 to .22 where the mean of many is .18
ENOUGH_JUDGED = 2000  # sentences, in as many lots as that takes
Method = Literal["as-is", "centred"]
METHODS: tuple[Method, ...] = get_args(Method)


def shape(lang: Lang, vectors: np.ndarray, layer: int) -> list[Row]:
    """Mean cosine, isotropy, and hubness (of the sentences among themselves) of one language.

    The chance of isotropy is that of as many vectors drawn alike in all directions: few sentences are never isotropic.

    Shapes: vectors [N, D]
    """
    k = min(HUB_NEIGHBOURS, len(vectors) - 1)
    values = {
        "mean_cosine": geometry.mean_cosine(vectors),
        "iso_score": geometry.iso_score(vectors),
        f"hubness_{k}": geometry.hubness(vectors, k=k),
    }
    rows = [
        Row("space", name, "", "", lang.tag, "", layer, value, len(vectors), higher_is_better=name == "iso_score")
        for name, value in values.items()
    ]
    return [
        replace(row, chance=_round(*vectors.shape), chance_by="drawing") if row.metric == "iso_score" else row
        for row in rows
    ]


@cache
def _round(n: int, width: int) -> float:
    """The isotropy of n vectors drawn from a normal distribution. Random: (0, "isotropy", n, width)."""
    return geometry.iso_score(stream(0, "isotropy", n, width).standard_normal((n, width)))


def language(vectors: Mapping[Lang, np.ndarray], layer: int, seed: int = 0) -> list[Row]:
    """Can a linear classifier tell the language of sentences it has not seen in any language: as is, and centred?

    A neutral space is at chance. Centring takes off each language's mean, of the tested sentences too: a classifier
    that has learnt what is left of the trained half's mean then finds the opposite in the tested half, and is right
    less often than one in so many. So there chance is what it finds where the languages of each meaning are drawn by
    lot before centring, in the mean of several lots where one judges few sentences.

    Shapes: vectors, each [N, D], row n of one meaning
    Random: the halves as `geometry.language_probe` draws them; lot k from (seed + k, "languages-by-lot", L, N).
    """
    stacked, tags, meanings = _stacked(vectors)
    rows = []
    for method in METHODS:
        found = interval(geometry.language_probe(_points(stacked, tags, method), tags, meanings, seed))
        chance = 1.0 / len(vectors)
        if method == "centred":
            num_lots = max(1, min(MAX_LOTS, ENOUGH_JUDGED // found.n))
            lots = (_by_lot(tags, len(vectors), seed + k) for k in range(num_lots))
            rights = [geometry.language_probe(_points(stacked, lot, method), lot, meanings, seed) for lot in lots]
            chance = float(np.mean(rights))
        rows.append(
            Row(
                "language", "accuracy", method, *_both(vectors), "", layer, found.value, found.n, len(vectors),
                found.low, found.high, chance, "counting" if method == "as-is" else "shuffling",
                higher_is_better=False,
            )
        )  # fmt: skip
    return rows


def grouping(vectors: Mapping[Lang, np.ndarray], layer: int, seed: int = 0) -> list[Row]:
    """Do sentences group by meaning or by language? Silhouette and V-measure, as is and centred by language.

    Each row's chance is that of labels drawn by lot: meanings among all sentences; languages among those of a meaning,
    and before centring, which parts sentences of one language a little.

    Shapes: vectors, each [N, D], row n of one meaning
    Random: k-means from (seed, N), the lots from (seed, "grouping-control", N) and (seed, "languages-by-lot", L, N).
    """
    stacked, tags, meanings = _stacked(vectors)
    order = stream(seed, "grouping-control", len(stacked)).permutation(len(stacked))
    shuffled, lot = [meanings[i] for i in order], _by_lot(tags, len(vectors), seed)
    rows = []
    for method in METHODS:
        points = _points(stacked, tags, method)
        for by, labels, control_points, control_labels in (
            ("meaning", meanings, points, shuffled),
            ("language", tags, _points(stacked, lot, method), lot),
        ):
            found = geometry.grouping(points, labels, seed)
            control = geometry.grouping(control_points, control_labels, seed)
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


def _points(stacked: np.ndarray, tags: list[str], method: Method) -> np.ndarray:
    return stacked if method == "as-is" else geometry.centred_by_language(stacked, tags)


def _by_lot(tags: list[str], num_langs: int, seed: int) -> list[str]:
    """The languages of each meaning, drawn by lot among its sentences. Shapes: tags [L * N] -> [L * N]"""
    by_lang = np.array(tags).reshape(num_langs, -1)
    lot: list[str] = stream(seed, "languages-by-lot", *by_lang.shape).permuted(by_lang, axis=0).ravel().tolist()
    return lot


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
