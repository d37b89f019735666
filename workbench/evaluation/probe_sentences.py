"""Probes of sentences that are translations of each other: retrieval, and how alike two languages' spaces are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.evaluation import floors, geometry, pairwise
from workbench.evaluation.alignment import Retrieval
from workbench.evaluation.pairwise import METHODS, Method
from workbench.evaluation.probe_rows import Row, interval
from workbench.records import Lang, Lexicon
from workbench.seeds import stream

SHUFFLES = 5  # of the control of CKA and RSA: their mean is the row's chance


def retrieval_floors(
    pivot: Lang, lang: Lang, here: Sequence[str], there: Sequence[str], lexicon: Lexicon | None
) -> list[Row]:
    """Retrieval without a model: character trigrams, and where there is a lexicon its glosses; both directions."""
    return [_row(pivot, lang, found) for found in floors.retrieval(here, there, lexicon)]


def retrieval(
    pivot: Lang,
    lang: Lang,
    here: np.ndarray,
    there: np.ndarray,
    layer: int,
    without_model: Sequence[Row] = (),
    methods: Sequence[Method] = METHODS,
) -> list[Row]:
    """Both languages' sentences at one layer; `without_model` are the rows of `retrieval_floors`.

    Shapes: here, there [N, D]
    """
    rows = [_row(pivot, lang, found) for found in pairwise.retrieval(here, there, layer, methods)]
    under = [(row.direction, row.method, row.value) for row in without_model]
    return [
        replace(row, floors={name: value for direction, name, value in under if direction == row.direction})
        for row in rows
    ]


def similarity(pivot: Lang, lang: Lang, here: np.ndarray, there: np.ndarray, layer: int) -> list[Row]:
    """CKA and RSA of two languages over the same sentences, and what shuffled sentences give.

    Shapes: here, there [N, D]
    Random: the shuffles, from N.
    """
    orders = [stream(0, "similarity", len(here), number).permutation(len(here)) for number in range(SHUFFLES)]
    rows = []
    for metric, measure in (("linear_cka", geometry.linear_cka), ("rsa", geometry.rsa)):
        control = float(np.mean([measure(here, there[order]) for order in orders]))
        rows.append(
            Row(
                "similarity", metric, "", pivot.tag, lang.tag, "", layer, measure(here, there), len(here),
                chance=control, chance_by="shuffling",
            )
        )  # fmt: skip
    return rows


def _row(pivot: Lang, lang: Lang, found: Retrieval) -> Row:
    over = interval(found.correct)
    return Row(
        probe="retrieval",
        metric="accuracy",
        method=found.method,
        pivot=pivot.tag,
        lang=lang.tag,
        direction=found.direction,
        layer=found.layer,
        value=over.value,
        n=found.n,
        candidates=found.n,
        low=over.low,
        high=over.high,
        chance=found.chance,
        chance_by="counting",
    )
