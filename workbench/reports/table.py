"""Tables: a pure function of a spec and result rows. Built, written beside the study, and checked byte for byte."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal, assert_never

from workbench import naming
from workbench.errors import BadInput
from workbench.files import write_text
from workbench.reports import collect, grid, spec
from workbench.reports.collect import Results
from workbench.reports.grid import Grid
from workbench.reports.spec import Compare, Spec, TableSpec

RESULTS_FILE = "results.jsonl"
FOLDER = "tables"
MARKS = "†‡§¶"
_OPEN = re.compile(r"^<!-- table:(\S+) -->$", re.MULTILINE)
_BLOCK = re.compile(r"^<!-- table:(?P<name>\S+) -->\n(?:(?!<!-- table:).)*?^<!-- /table -->$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Value:
    """A printed number: mean and sd over seeds (None for one seed), in printed units."""

    mean: float
    sd: float | None
    seeds: int
    items: int | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """Row minus reference, averaged over `languages`; p of the sign-flip test, Holm-adjusted within the column."""

    mean: float
    sd: float | None
    p: float
    languages: int


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    mark: str
    kind: Literal["arm", "floor"]
    ceiling: bool
    seeds: int
    cells: tuple[Value | None, ...]
    mean: Value | None
    differences: tuple[Difference | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that is printed, before any format; None is a cell that does not exist by design."""

    study: str
    spec: TableSpec
    higher_is_better: bool
    tags: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]


def build(table: TableSpec, results: Results) -> Table:
    """Raises: BadInput for any hole that the spec does not declare (`grid.fill`)."""
    numbers = grid.fill(table, results)
    tags = (*table.columns, *table.aside)
    compared = [_compare(numbers, compare) for compare in table.compare]
    marks = dict(zip(sorted({row.metric for row in table.rows if row.metric}), MARKS, strict=False))
    lines = []
    for row in table.rows:
        cells = [_value(numbers, row.name, tag) for tag in tags]
        over = numbers.over_columns(row.name)
        whole = numbers.columns_of(row.name) == table.columns
        mean = Value(fmean(over), grid.spread(over), len(over)) if table.mean and whole else None
        kind: Literal["arm", "floor"] = "floor" if row.floor else "arm"
        differences = tuple(column.get(row.name) for column in compared)
        mark = marks[row.metric] if row.metric else ""
        lines.append(Line(row.name, mark, kind, row.ceiling, len(over), tuple(cells), mean, differences))
    lines = _embolden(lines, table, numbers.higher_is_better) if table.best else lines
    notes = _notes(table, numbers, marks, lines)
    return Table(results.study, table, numbers.higher_is_better, tags, tuple(lines), tuple(notes))


def files(tables: Spec, results: Results) -> dict[str, str]:
    """File name -> text of every table in every format, each with a final newline."""
    from workbench.reports import group_table, plain, render, scaling_table

    if tables.study != results.study:
        raise BadInput(f"table.toml is of study {tables.study!r}, the results are of {results.study!r}")
    made = {}
    for table in (build(t, results) for t in tables.table):
        made[f"{table.spec.name}.md"] = render.markdown(table)
        made[f"{table.spec.name}.tex"] = render.latex(table)
        made[f"{table.spec.name}.csv"] = render.csv(table)
    for groups in tables.groups:
        made |= plain.formats(group_table.made(groups, results))
    for law in tables.scaling:
        for found in scaling_table.tables(law, results):
            made |= plain.formats(found)
    return made


def write(study_dir: Path, readmes: Sequence[Path] = ()) -> list[Path]:
    """Write the tables of a study beside its frozen results, and its blocks in `readmes`; return what was written."""
    made = _rebuild(study_dir)
    paths = []
    for name, text in made.items():
        write_text(study_dir / FOLDER / name, text)
        paths.append(study_dir / FOLDER / name)
    for readme in readmes:
        old = readme.read_text("utf-8")
        new = _fill_blocks(old, spec.load(study_dir).study, made, readme)
        if new != old:
            write_text(readme, new)
            paths.append(readme)
    return paths


def check(study_dir: Path, readmes: Sequence[Path] = ()) -> list[Path]:
    """Rebuild every table and compare it with the committed bytes; return the files that were compared.

    A README shows a table between `<!-- table:STUDY/NAME -->` and `<!-- /table -->`.

    Raises: BadInput with the difference, for a table that differs, is not there, or that no spec names any more.
    """
    made = _rebuild(study_dir)
    folder = study_dir / FOLDER
    found = (
        {p.name: p for p in sorted(folder.iterdir()) if p.suffix in {".md", ".tex", ".csv"}} if folder.is_dir() else {}
    )
    problems = [f"{folder / name}: not there" for name in made if name not in found]
    problems += [f"{path}: no table of the spec has this name" for name, path in found.items() if name not in made]
    for name, path in found.items():
        if name in made and path.read_bytes() != made[name].encode():
            problems.append(_difference(path.read_text("utf-8"), made[name], path))
    for readme in readmes:
        old = readme.read_text("utf-8")
        if (new := _fill_blocks(old, spec.load(study_dir).study, made, readme)) != old:
            problems.append(_difference(old, new, readme))
    if problems:
        raise BadInput(
            "\n".join([f"{study_dir}: tables differ from a rebuild; `workbench table` writes them", *problems])
        )
    return [folder / name for name in made] + list(readmes)


def _rebuild(study_dir: Path) -> dict[str, str]:
    return files(spec.load(study_dir), collect.gather(collect.read(study_dir / RESULTS_FILE)))


def _fill_blocks(text: str, study: str, made: dict[str, str], readme: Path) -> str:
    def fill(match: re.Match[str]) -> str:
        owner, slash, name = match["name"].partition("/")
        if not slash:
            raise BadInput(f"{readme}: wanted <!-- table:STUDY/NAME -->, got {match['name']!r}")
        if owner != study:
            return match[0]
        if f"{name}.md" not in made:
            raise BadInput(
                f"{readme}: study {study!r} has no table {name!r}; it has {sorted({m.partition('.')[0] for m in made})}"
            )
        return f"<!-- table:{match['name']} -->\n{made[f'{name}.md']}<!-- /table -->"

    if len(_OPEN.findall(text)) != len(_BLOCK.findall(text)):
        raise BadInput(f"{readme}: a <!-- table:STUDY/NAME --> line has no <!-- /table --> after it")
    return _BLOCK.sub(fill, text)


def _difference(old: str, new: str, path: Path) -> str:
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{path} (committed)", "(rebuilt)", lineterm="", n=0
    )
    return "\n".join([*lines][:12])


def _value(numbers: Grid, name: str, tag: str) -> Value | None:
    by_seed = numbers.values[name].get(tag)
    if by_seed is None:
        return None
    values = list(by_seed.values())
    return Value(fmean(values), grid.spread(values), len(values), numbers.items[name][tag])


def _compare(numbers: Grid, compare: Compare) -> dict[str, Difference]:
    with_floors = numbers.row(compare.reference).floor
    rows = [r.name for r in numbers.spec.rows if r.name != compare.reference and (with_floors or not r.floor)]
    found: dict[str, tuple[list[float], float, int]] = {}
    for name in compare.rows or rows:
        tags = numbers.shared(name, compare.reference)
        match compare.over:
            case "seeds":
                pairs = numbers.mean_difference(name, compare.reference)
            case "languages":
                pairs = [fmean(numbers.difference(name, compare.reference, tag)) for tag in tags]
            case _:
                assert_never(compare.over)
        found[name] = (numbers.mean_difference(name, compare.reference), grid.sign_flip(pairs), len(tags))
    adjusted = grid.holm([p for _, p, _ in found.values()])
    return {
        name: Difference(fmean(by_seed), grid.spread(by_seed), p, count)
        for (name, (by_seed, _, count)), p in zip(found.items(), adjusted, strict=True)
    }


def _embolden(lines: list[Line], table: TableSpec, higher_is_better: bool) -> list[Line]:
    """Mark the best of each column; values that print alike share it. Ceilings have what others lack and stay out."""

    def mark(values: list[Value | None]) -> list[Value | None]:
        rivals = [v.mean for line, v in zip(lines, values, strict=True) if v is not None and not line.ceiling]
        if len(rivals) < 2:
            return values
        best = f"{(max if higher_is_better else min)(rivals):.{table.digits}f}"
        return [
            replace(v, best=True) if v is not None and not line.ceiling and f"{v.mean:.{table.digits}f}" == best else v
            for line, v in zip(lines, values, strict=True)
        ]

    columns = [mark(list(column)) for column in zip(*(line.cells for line in lines), strict=True)]
    means = mark([line.mean for line in lines])
    return [replace(line, cells=tuple(c[i] for c in columns), mean=means[i]) for i, line in enumerate(lines)]


def _notes(table: TableSpec, numbers: Grid, marks: dict[str, str], lines: Sequence[Line]) -> list[str]:
    several = sorted({line.seeds for line in lines if line.seeds > 1})
    over = f"Mean ± standard deviation over {several[-1]} seeds" if several else "One seed: no spread"
    notes = [f"{over}; in {table.unit}, {'higher' if numbers.higher_is_better else 'lower'} is better."]
    if several and any(line.seeds == 1 for line in lines):
        notes.append("A floor with 1 seed is deterministic.")
    if table.best:
        ceiling = any(line.ceiling for line in lines)
        notes.append("Bold: the best mean of its column" + (", ceilings left aside." if ceiling else "."))
    for compare in table.compare:
        count = len(numbers.seeds) if compare.over == "seeds" else len(table.columns)
        least, exact = grid.smallest_p(count), "exact " if count <= grid.MAX_EXACT else ""
        notes.append(
            f"Δ {compare.head or compare.reference}: the row minus {compare.reference}, averaged over languages, "
            f"± standard deviation over seeds; p: {exact}paired sign-flip test over {count} {compare.over}, "
            f"Holm-adjusted within the column (before that, no p below {least:.2g} is possible)."
        )
    names = naming.names((*table.columns, *table.aside))
    reasons: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for absent in table.absent:
        reasons.setdefault((absent.columns, absent.why), []).append(absent.row)
    for (columns, why), rows in reasons.items():
        where = ", ".join(names[tag] for tag in columns)
        notes.append(f"–: no {where} for {' and '.join(rows)}: {why}.")
    if short := [row.name for row in table.rows if numbers.columns_of(row.name) != table.columns]:
        has = ", ".join(f"{name} {len(numbers.columns_of(name))}" for name in short)
        compared = ", and its Δ is over the languages that both rows have" if table.compare else ""
        notes.append(f"A row that lacks a language has no mean{compared} ({has} of {len(table.columns)} languages).")
    for metric, mark in marks.items():
        notes.append(f"{mark} measured as {metric}, the other rows as {table.metric}.")
    counts = {
        tag: {numbers.items[r.name][tag] for r in table.rows if tag in numbers.items[r.name]}
        for tag in (*table.columns, *table.aside)
    }
    if all(len(found) == 1 for found in counts.values()):
        notes.append("Items scored: " + ", ".join(f"{names[tag]} {min(n):,}" for tag, n in counts.items()) + ".")
    return notes
