"""What a model must beat, of the same training rows and of no model."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.inflection.baseline import Rules
from workbench.inflection.nonneural import NonNeural
from workbench.inflection.rows import Row
from workbench.inflection.score import Score, macro_average, score

TITLES = {
    "copy-lemma": "the lemma itself",
    "rules": "prefix and suffix rules",
    "nonneural": "non-neural baseline",
}


def floors(training: Sequence[Row], asked: Sequence[Row]) -> dict[str, list[str]]:
    """Floor (a key of `TITLES`) -> the forms that it writes for `asked`.

    `training` has rows of the same language, with forms; where it has none, there is the lemma alone.
    """
    found = {"copy-lemma": [row.lemma for row in asked]}
    if training:
        rules, nonneural = Rules(training), NonNeural(training)
        found["rules"] = [rules.inflect(row.lemma, row.features) for row in asked]
        found["nonneural"] = [nonneural.inflect(row.lemma, row.features) for row in asked]
    return found


def mean_scores(training: Sequence[Row], asked: Sequence[Row]) -> dict[str, Score]:
    """Floor -> its score on `asked`, the mean of their languages, each trained on its own rows."""
    scores: dict[str, list[Score]] = {}
    for lang in dict.fromkeys(row.lang for row in asked):
        own = [row for row in asked if row.lang == lang]
        for name, forms in floors([row for row in training if row.lang == lang], own).items():
            scores.setdefault(name, []).append(score([row.form or "" for row in own], forms))
    return {name: macro_average(several) for name, several in scores.items()}
