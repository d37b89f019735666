"""Many languages in groups (by script, by family, seen or not): a line per group, a column per row of the study."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from workbench import naming
from workbench.reports import grid
from workbench.reports.collect import Results
from workbench.reports.plain import Plain
from workbench.reports.render import ABSENT
from workbench.reports.spec import Groups, TableSpec


def made(spec: Groups, results: Results) -> Plain:
    """Means over each group's languages, over all, the worst group, and how far it is from the best.

    Raises: BadInput for any hole that the spec does not declare.
    """
    tags = tuple(tag for group in spec.group for tag in group.columns)
    numbers = grid.fill(
        TableSpec(
            name=spec.name, title=spec.title, caption=spec.caption, task=spec.task, metric=spec.metric,
            split=spec.split, setting=spec.setting, unit=spec.unit, scale=spec.scale, columns=tags, rows=spec.rows,
            absent=spec.absent,
        ),
        results,
    )  # fmt: skip
    columns = [_column(spec, numbers, row.name) for row in spec.rows]
    names = [*(group.name for group in spec.group), "all", "worst group", "gap, best to worst group", "worst language"]
    sizes = [*(len(group.columns) for group in spec.group), len(tags)]
    counts = [*map(str, sizes), "", "", ""]
    heads = ("group", "languages", *(row.name for row in spec.rows))
    lines = [
        (name, count, *(column[place][0] for column in columns))
        for place, (name, count) in enumerate(zip(names, counts, strict=True))
    ]
    data = [(line[0], line[1], *(column[place][1] for column in columns)) for place, line in enumerate(lines)]
    caption = f"{spec.caption} {_told(spec)}"
    return Plain(results.study, spec.name, spec.title, caption, heads, tuple(lines), tuple(data), heads)


def _column(spec: Groups, numbers: grid.Grid, name: str) -> list[tuple[str, float | str]]:
    """What is printed of one row of the study, and the same at full precision: the groups, then what ends the table."""
    found: list[tuple[str, float | str]] = []
    means: dict[str, list[float]] = {}
    for group in spec.group:
        there = [tag for tag in group.columns if tag in numbers.values[name]]
        if not there:
            found.append((ABSENT, ""))
            continue
        means[group.name] = _over(numbers, name, there)
        found.append((_cell(spec, means[group.name], len(there), len(group.columns)), fmean(means[group.name])))
    tags = [tag for group in spec.group for tag in group.columns]
    there = [tag for tag in tags if tag in numbers.values[name]]
    whole = _over(numbers, name, there)
    ordered = sorted(means, key=lambda group: _signed(numbers, means[group]))
    worst, best = means[ordered[0]], means[ordered[-1]]
    sign = 1.0 if numbers.higher_is_better else -1.0
    gap = [sign * (one - other) for one, other in zip(best, worst, strict=True)]
    last = min(there, key=lambda tag: _signed(numbers, list(numbers.values[name][tag].values())))
    end = list(numbers.values[name][last].values())
    return [
        *found,
        (_cell(spec, whole, len(there), len(tags)), fmean(whole)),
        (f"{ordered[0]} {_number(spec, worst)}", fmean(worst)),
        (_number(spec, gap), fmean(gap)),
        (f"{naming.names(tags)[last]} {_number(spec, end)}", fmean(end)),
    ]


def _over(numbers: grid.Grid, name: str, tags: Sequence[str]) -> list[float]:
    """The mean over languages, one value a seed."""
    values = numbers.values[name]
    return [fmean(values[tag][seed] for tag in tags) for seed in values[tags[0]]]


def _signed(numbers: grid.Grid, values: Sequence[float]) -> float:
    return fmean(values) if numbers.higher_is_better else -fmean(values)


def _cell(spec: Groups, values: Sequence[float], have: int, wanted: int) -> str:
    return _number(spec, values) + (f" ({have})" if have < wanted else "")


def _number(spec: Groups, values: Sequence[float]) -> str:
    spread = grid.spread(values)
    shown = f"{fmean(values):.{spec.digits}f}"
    return shown if spread is None else f"{shown} ± {spread:.{spec.digits}f}".replace(" 0.", " .")


def _told(spec: Groups) -> str:
    lacking = sum(len(one.columns) for one in spec.absent) > 0
    why = "; ".join(dict.fromkeys(one.why for one in spec.absent))
    part = f" In brackets: of how many languages, where a row lacks some ({why})." if lacking else ""
    return (
        f"In {spec.unit}; each language counts once in its group and once in all. Mean ± standard deviation over "
        f"seeds; worst and best groups are those of the means.{part}"
    )
