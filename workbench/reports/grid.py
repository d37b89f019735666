"""The numbers of one table, cell by cell and seed by seed, in printed units; and what is computed from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

from workbench import languages
from workbench.errors import BadInput
from workbench.reports.collect import Cell, Results
from workbench.reports.spec import Row, TableSpec
from workbench.seeds import stream

CLEAR = 2.0  # a difference is called clear if it has one sign in every seed and exceeds this many sd over seeds
MAX_EXACT = 16  # pairs up to which all 2^n sign flips are counted
RANDOM_FLIPS = 99_999


@dataclass(frozen=True, slots=True)
class Grid:
    """row label -> language tag -> seed -> value; a cell declared absent has no entry, every other is complete."""

    spec: TableSpec
    seeds: tuple[int, ...]
    higher_is_better: bool
    values: Mapping[str, Mapping[str, Mapping[int, float]]]
    items: Mapping[str, Mapping[str, int]]

    def row(self, name: str) -> Row:
        return next(row for row in self.spec.rows if row.name == name)

    def columns_of(self, name: str) -> tuple[str, ...]:
        """The row's languages among those of the mean."""
        return tuple(tag for tag in self.spec.columns if tag in self.values[name])

    def over_columns(self, name: str) -> list[float]:
        """The row's mean over languages, one value a seed."""
        tags = self.columns_of(name)
        return [fmean(self.values[name][tag][s] for tag in tags) for s in self.values[name][tags[0]]]

    def shared(self, name: str, other: str) -> tuple[str, ...]:
        """The languages of the mean that both rows have.

        Raises: BadInput if there is none: nothing can be compared.
        """
        tags = tuple(tag for tag in self.columns_of(name) if tag in self.values[other])
        if not tags:
            raise BadInput(f"table {self.spec.name!r}: {name!r} and {other!r} share no language; do not compare them")
        return tags

    def difference(self, name: str, other: str, tag: str) -> list[float]:
        """`name` minus `other`, paired by seed; a deterministic floor's one value meets every seed."""
        left, right = self.values[name][tag], self.values[other][tag]
        seeds = sorted(set(left) | set(right))
        return [_at(left, seed) - _at(right, seed) for seed in seeds]

    def improvement(self, name: str, other: str, tag: str) -> list[float]:
        """`difference` with its sign turned so that more is better."""
        sign = 1.0 if self.higher_is_better else -1.0
        return [sign * value for value in self.difference(name, other, tag)]

    def mean_difference(self, name: str, other: str) -> list[float]:
        """The difference averaged over the languages both rows have, one value a seed."""
        return column_means([self.difference(name, other, tag) for tag in self.shared(name, other)])

    def best(self, names: Sequence[str], tags: Sequence[str]) -> str:
        """The row with the best mean over `tags` and seeds; the first of equals."""
        sign = 1.0 if self.higher_is_better else -1.0

        def level(name: str) -> float:
            have = [tag for tag in tags if tag in self.values[name]]
            return sign * fmean(fmean(self.values[name][tag].values()) for tag in have) if have else -math.inf

        return max(names, key=level)


def fill(spec: TableSpec, results: Results) -> Grid:
    """Look up every cell of the table.

    Raises: BadInput for a cell that is neither there nor declared absent, one that is both, or rows whose direction
        differs.
    """
    absent = {(a.row, tag) for a in spec.absent for tag in a.columns}
    values: dict[str, dict[str, dict[int, float]]] = {}
    items: dict[str, dict[str, int]] = {}
    directions: dict[bool, str] = {}
    for row in spec.rows:
        values[row.name], items[row.name] = {}, {}
        for tag in (*spec.columns, *spec.aside):
            setting = spec.setting if row.setting is None else row.setting
            cell = cell_of(spec.task, row.metric or spec.metric, spec.split, setting, row, tag)
            if (row.name, tag) in absent:
                if cell in results.cells:
                    raise BadInput(
                        f"table {spec.name!r}: {row.name!r} is declared absent for {tag}, yet has a row: {cell}"
                    )
                continue
            by_seed = results.by_seed(cell)
            values[row.name][tag] = {seed: r.value * spec.scale for seed, r in by_seed.items()}
            items[row.name][tag] = min(r.n for r in by_seed.values())
            directions |= {r.higher_is_better: row.name for r in by_seed.values()}
        if len({tuple(by_seed) for by_seed in values[row.name].values()}) > 1:
            raise BadInput(f"table {spec.name!r}: {row.name!r} has other seeds in one language than in another")
        if not any(tag in values[row.name] for tag in spec.columns):
            raise BadInput(f"table {spec.name!r}: every cell of {row.name!r} is declared absent; leave the row out")
    if len(directions) > 1:
        raise BadInput(
            f"table {spec.name!r}: higher is better in {directions[True]!r}, but not in {directions[False]!r}"
        )
    return Grid(spec, results.seeds, next(iter(directions)), values, items)


def cell_of(task: str, metric: str, split: str, setting: str, row: Row, tag: str, layer: int | None = None) -> Cell:
    """The cell that `row` and a column stand for; `{code}` and `{layer}` in the setting are filled in.

    What stands behind the column's language is the beginning of its setting.
    """
    lang, _, variety = tag.partition(" ")
    filled = f"{variety} {setting}".strip().replace("{code}", languages.parse(lang).code)
    if layer is not None:
        filled = filled.replace("{layer}", str(layer))
    return Cell(row.variant, task, lang, split, metric, filled)


def spread(values: Sequence[float]) -> float | None:
    """The sample's standard deviation (n - 1); None for a single value, which has none."""
    return stdev(values) if len(values) > 1 else None


def column_means(rows: Sequence[Sequence[float]]) -> list[float]:
    return [fmean(column) for column in zip(*rows, strict=True)]


def is_clear(differences: Sequence[float]) -> bool:
    """Same sign in every seed, and a mean beyond `CLEAR` standard deviations over seeds. One seed is never clear."""
    sd = spread(differences)
    if sd is None:
        return False
    one_sign = all(d > 0 for d in differences) or all(d < 0 for d in differences)
    return one_sign and abs(fmean(differences)) > CLEAR * sd


def sign_flip(differences: Sequence[float]) -> float:
    """Two-sided p of a paired sign-flip test that the mean is zero; never below `smallest_p`.

    Source: Fisher 1935, The Design of Experiments, section 21; scipy.stats.permutation_test, kind "samples".
    Random: exact (every flip) up to `MAX_EXACT` pairs, above that random flips from a fixed stream.
    """
    from scipy.stats import permutation_test

    if len(differences) < 2:
        return 1.0
    test = permutation_test(
        (np.asarray(differences, np.float64), np.zeros(len(differences))),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf if len(differences) <= MAX_EXACT else RANDOM_FLIPS,
        rng=stream(0, "sign-flip"),
    )
    return float(test.pvalue)


def smallest_p(num_pairs: int) -> float:
    return min(1.0, 2.0 / 2**num_pairs) if num_pairs <= MAX_EXACT else 2.0 / (RANDOM_FLIPS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Family-wise adjusted p-values. Source: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def _at(by_seed: Mapping[int, float], seed: int) -> float:
    return next(iter(by_seed.values())) if len(by_seed) == 1 else by_seed[seed]
