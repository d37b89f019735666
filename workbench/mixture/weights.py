"""How much of a run each language gets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import assert_never

from workbench import config
from workbench.errors import BadInput


def shares(
    counts: Mapping[str, int],
    mixture: config.Unstaged,
    num_examples: int,
    *,
    pivot: str | None = None,
    pivot_share: float | None = None,
) -> dict[str, float]:
    """Shares that sum to one; `counts` are the examples each language has, in the unit of `num_examples`.

    With `pivot_share` the pivot gets that and the others share the rest by the mixture.

    Raises: BadInput for a language without examples, a cap on epochs that the run cannot keep, or explicit weights that
        do not name exactly these languages.
    """
    for lang, count in counts.items():
        if count < 1:
            raise BadInput(f"mixture: {lang} has no training examples; give it text or leave it out")
    if pivot_share is not None:
        if pivot is None or pivot not in counts:
            raise BadInput(f"mixture: pivot_share is set but the pivot {pivot!r} is not among {sorted(counts)}")
        others = {lang: count for lang, count in counts.items() if lang != pivot}
        if bool(others) != (pivot_share < 1.0):
            raise BadInput(f"mixture: pivot_share {pivot_share} leaves {1 - pivot_share:g} for {sorted(others)}")
        rest = shares(others, mixture, round((1 - pivot_share) * num_examples)) if others else {}
        return {lang: pivot_share if lang == pivot else rest[lang] * (1 - pivot_share) for lang in counts}
    match mixture:
        case config.ExponentMixture(alpha=alpha):
            weights = {lang: count**alpha for lang, count in counts.items()}
        case config.UniMaxMixture(max_epochs=max_epochs):
            weights = _unimax(counts, max_epochs, num_examples)
        case config.ExplicitMixture(weights=given):
            weights = _explicit(counts, given)
        case _:
            assert_never(mixture)
    total = sum(weights.values())
    return {lang: weight / total for lang, weight in weights.items()}


def _explicit(counts: Mapping[str, int], given: Mapping[str, float]) -> dict[str, float]:
    if unknown := sorted(set(given) - set(counts)):
        raise BadInput(f"mixture.weights: {unknown} are not among the run's languages {sorted(counts)}; leave them out")
    if missing := sorted(set(counts) - set(given)):
        raise BadInput(
            f"mixture.weights: {missing} have none; give each a weight, or leave the language out of the run"
        )
    return {lang: given[lang] for lang in counts}


def _unimax(counts: Mapping[str, int], max_epochs: float, budget: int) -> dict[str, float]:
    """Source: Chung et al. 2023, algorithm 1 (arXiv 2304.09151).

    Differs: a budget that not even `max_epochs` of every language can fill is an error here, where the paper normalizes
    and the cap breaks silently.
    """
    if (most := max_epochs * sum(counts.values())) < budget:
        raise BadInput(
            f"mixture.max_epochs: {max_epochs:g} epochs of all languages are {most:.0f} examples, the run wants "
            f"{budget}; raise max_epochs, train for fewer steps or add text"
        )
    left = float(budget)
    weights = {}
    for rank, lang in enumerate(sorted(counts, key=lambda lang: counts[lang])):
        weights[lang] = min(left / (len(counts) - rank), counts[lang] * max_epochs)
        left -= weights[lang]
    return {lang: weights[lang] for lang in counts}


def allot(shares: Mapping[str, float], num_examples: int) -> dict[str, int]:
    """Whole numbers of examples that sum to `num_examples`, by largest remainder over the whole run, none of them zero.

    Raises: BadInput where shares do not sum to one, one is not positive, or the run is shorter than the list.
    """
    if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-6):
        raise BadInput(f"mixture: shares must sum to 1, got {sum(shares.values()):.6f} from {dict(shares)}")
    for lang, share in shares.items():
        if not share > 0.0:
            raise BadInput(f"mixture: {lang} has share {share} and would never be seen; leave it out or raise it")
    if num_examples < len(shares):
        raise BadInput(
            f"mixture: a run of {num_examples} rows cannot hold each of {len(shares)} languages once; train longer"
        )
    quotas = {lang: share * num_examples for lang, share in shares.items()}
    counts = {lang: max(1, math.floor(quota)) for lang, quota in quotas.items()}
    while (missing := num_examples - sum(counts.values())) != 0:
        step = 1 if missing > 0 else -1
        movable = [lang for lang in counts if counts[lang] + step >= 1]
        movable.sort(key=lambda lang: step * (counts[lang] - quotas[lang]))
        for lang in movable[: abs(missing)]:
            counts[lang] += step
    return counts
