"""Scores of predictions, exactly as the field computes them, each with a bootstrap interval over its examples.

`tests/evaluation/test_scores.py` holds them against seqeval, scikit-learn and hand-worked cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation import stats
from workbench.evaluation.spans import spans
from workbench.sources.tagged import merged_bio
from workbench.tasks.task import Metric, Scheme

SEED = 0  # of the resampling: the same examples are resampled alike, whoever predicted them


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was right and what was said. Labels are "" and tags () where the task has none of them."""

    id: str
    label: str = ""
    predicted_label: str = ""
    tags: tuple[str, ...] = ()
    predicted_tags: tuple[str, ...] = ()
    variety: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    metric: Metric
    interval: stats.Interval


def score(metric: Metric, predictions: Sequence[Prediction], scheme: Scheme) -> Score:
    """One figure over all predictions, in [0, 1].

    Raises: BadInput for no predictions, or as many tags predicted as there are not.
    """
    if not predictions:
        raise BadInput(f"{metric}: no predictions to score")
    for one in predictions:
        if len(one.tags) != len(one.predicted_tags):
            raise BadInput(f"{one.id}: {len(one.predicted_tags)} tags predicted for {len(one.tags)} words")
    match metric:
        case "accuracy" | "intent_accuracy":
            return Score(metric, _mean([one.label == one.predicted_label for one in predictions]))
        case "exact_match":
            return Score(metric, _mean([_exact(one, scheme) for one in predictions]))
        case "tag_accuracy":
            right = [sum(map(str.__eq__, one.tags, one.predicted_tags)) for one in predictions]
            return Score(metric, stats.bootstrap_ratio(right, [len(one.tags) for one in predictions], SEED))
        case "entity_f1" | "slot_f1":
            return Score(metric, _span_f1(predictions, scheme))
        case "macro_f1" | "weighted_f1":
            return Score(metric, _class_f1(predictions, weighted=metric == "weighted_f1"))
        case _:
            assert_never(metric)


def _mean(right: Sequence[bool]) -> stats.Interval:
    return stats.bootstrap_mean(np.array(right, np.float64), SEED)


def _exact(one: Prediction, scheme: Scheme) -> bool:
    """Label and every tag right. Of merged labels the BIO sequence is compared, as published; it says no more."""
    if one.label != one.predicted_label:
        return False
    if scheme == "merged":
        return merged_bio(one.tags) == merged_bio(one.predicted_tags)
    if scheme == "xsid":  # its script compares the spans
        return spans(one.tags, scheme) == spans(one.predicted_tags, scheme)
    return one.tags == one.predicted_tags


def _span_f1(predictions: Sequence[Prediction], scheme: Scheme) -> stats.Interval:
    """Micro-averaged over types: every span counts once. 0 where nothing is right, as seqeval has it."""
    counts = np.zeros((3, len(predictions)))  # right, gold, predicted
    for number, one in enumerate(predictions):
        gold, said = spans(one.tags, scheme), spans(one.predicted_tags, scheme)
        counts[:, number] = len(gold & said), len(gold), len(said)
    right, gold_all, said_all = counts.sum(axis=1)
    value = _harmonic(right / said_all if said_all else 0.0, right / gold_all if gold_all else 0.0)
    draws = stats.resamples(len(predictions), SEED, stats.NUM_RESAMPLES)
    both = draws @ (counts[1] + counts[2])
    values = np.divide(2 * (draws @ counts[0]), both, out=np.zeros(len(both)), where=both > 0)
    low, high = np.quantile(values, [0.025, 0.975])
    return stats.Interval(value, float(low), float(high), len(predictions))


def _harmonic(precision: float, recall: float) -> float:
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _class_f1(predictions: Sequence[Prediction], *, weighted: bool) -> stats.Interval:
    """F1 of each label that is there or was said, averaged evenly or by how often it is there; 0 / 0 is 0.

    Source: scikit-learn's `f1_score(average="macro" | "weighted")`.
    """
    labels = sorted({one.label for one in predictions} | {one.predicted_label for one in predictions})
    number = {label: place for place, label in enumerate(labels)}
    gold, said = np.zeros((2, len(predictions), len(labels)))
    for place, one in enumerate(predictions):
        gold[place, number[one.label]] = 1.0
        said[place, number[one.predicted_label]] = 1.0
    value = _averaged((gold * said).sum(0)[None], gold.sum(0)[None], said.sum(0)[None], weighted)[0]
    draws = stats.resamples(len(predictions), SEED, stats.NUM_RESAMPLES)
    values = _averaged(draws @ (gold * said), draws @ gold, draws @ said, weighted)
    low, high = np.quantile(values, [0.025, 0.975])
    return stats.Interval(float(value), float(low), float(high), len(predictions))


def _averaged(right: np.ndarray, gold: np.ndarray, said: np.ndarray, weighted: bool) -> np.ndarray:  # [R, C] -> [R]
    there = gold + said
    each = np.divide(2.0 * right, there, out=np.zeros_like(right), where=there > 0)
    if weighted:
        return np.array([np.average(row, weights=weights) for row, weights in zip(each, gold, strict=True)])
    present = there > 0  # a resample may lack a label wholly
    return np.array([np.average(row[mask]) for row, mask in zip(each, present, strict=True)])
