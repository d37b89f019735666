"""Result rows: read strictly, indexed by cell, frozen for a study's folder. A hole is an error that names itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, ValidationError, create_model

from workbench.errors import BadInput
from workbench.files import canonical_json, read_jsonl, write_text
from workbench.records import Result

FLOOR = "floor:"  # variants so named are model-free: one seed where deterministic, else every seed of the study

_HINTS = get_type_hints(Result)
_SCHEMA: dict[str, Any] = {f.name: (_HINTS[f.name], ... if f.default is MISSING else f.default) for f in fields(Result)}
_Row = create_model(
    "Row", __config__=ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True), **_SCHEMA
)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """What one number is about, all but the seed."""

    variant: str
    task: str
    lang: str
    split: str
    metric: str
    setting: str

    def __str__(self) -> str:
        setting = f" [{self.setting}]" if self.setting else ""
        return f"{self.variant!r}: {self.task}/{self.metric}{setting} for {self.lang}, {self.split}"


@dataclass(frozen=True, slots=True)
class Results:
    """The rows of one study over one data revision: cell -> seed -> row. `seeds` are those of the trained variants."""

    study: str
    data_revision: str
    seeds: tuple[int, ...]
    cells: Mapping[Cell, Mapping[int, Result]]

    def by_seed(self, cell: Cell) -> Mapping[int, Result]:
        """The rows of a cell, one a seed: every seed of the study, or for a floor also a single one.

        Raises: BadInput naming the cell, or its missing seeds; there is no other value for a hole.
        """
        found = self.cells.get(cell)
        if found is None:
            raise BadInput(f"results of {self.study!r}: no row for {cell}; {self._nearest(cell)}")
        if is_floor(cell.variant) and len(found) == 1:
            return found
        if missing := sorted(set(self.seeds) - set(found)):
            raise BadInput(f"results of {self.study!r}: {cell} lacks seed {_list(missing)} of {_list(self.seeds)}")
        return found

    def _nearest(self, cell: Cell) -> str:
        variants = sorted({c.variant for c in self.cells})
        if cell.variant not in variants:
            near = difflib.get_close_matches(cell.variant, variants, n=1, cutoff=0.5)
            return f"did you mean the variant {near[0]!r}?" if near else f"its variants are {_list(variants)}"
        same = [c for c in self.cells if c.variant == cell.variant]
        closest = max(sorted(same), key=lambda c: difflib.SequenceMatcher(None, str(c), str(cell)).ratio())
        return f"the nearest that this variant has is {closest}; run what is missing, or declare the cell absent"


def is_floor(variant: str) -> bool:
    return variant.startswith(FLOOR)


def read(path: Path) -> list[Result]:
    """The rows of a results.jsonl.

    Raises: BadInput naming file:line and every field that is missing, unknown, of a wrong type or not finite.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file; `workbench freeze` makes it from finished runs")
    rows = []
    for number, value in enumerate(read_jsonl(path), 1):
        try:
            rows.append(Result(**dict(_Row.model_validate(value))))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'row'}: {e['msg'][:1].lower()}{e['msg'][1:]}" for e in error.errors()
            )
            raise BadInput(f"{path}: row {number}: wanted a Result: {problems}") from error
    return rows


def gather(rows: Iterable[Result]) -> Results:
    """Index `rows`.

    Raises: BadInput for no rows, two rows for one cell and seed, rows of several studies or data revisions, and a
        metric whose unit or direction is not the same everywhere.
    """
    cells: dict[Cell, dict[int, Result]] = {}
    units: dict[tuple[str, str], Result] = {}
    first: Result | None = None
    for row in rows:
        first = first or row
        for what in ("study", "data_revision"):
            if getattr(row, what) != getattr(first, what):
                raise BadInput(
                    f"results mix {what} {getattr(first, what)!r} (run {first.run}) and {getattr(row, what)!r} "
                    f"(run {row.run}): numbers over different data cannot share a table; rerun the older one"
                )
        like = units.setdefault((row.task, row.metric), row)
        if (like.unit, like.higher_is_better) != (row.unit, row.higher_is_better):
            raise BadInput(
                f"{row.task}/{row.metric} is in {like.unit!r} (higher is better: {like.higher_is_better}) in run "
                f"{like.run}, but in {row.unit!r} ({row.higher_is_better}) in run {row.run}"
            )
        cell = Cell(row.variant, row.task, row.lang, row.split, row.metric, row.setting)
        seeds = cells.setdefault(cell, {})
        if row.seed in seeds:
            raise BadInput(f"two rows for {cell}, seed {row.seed}: runs {seeds[row.seed].run} and {row.run}")
        seeds[row.seed] = row
    if first is None:
        raise BadInput("no result rows: nothing has finished yet")
    trained = {s for c, by_seed in cells.items() if not is_floor(c.variant) for s in by_seed}
    every = {s for by_seed in cells.values() for s in by_seed}
    ordered = {c: dict(sorted(cells[c].items())) for c in sorted(cells)}
    return Results(first.study, first.data_revision, tuple(sorted(trained or every)), ordered)


def freeze(rows: Iterable[Result], *, variants: Sequence[str], seeds: Sequence[int], dest: Path) -> Results:
    """Write `rows` sorted, one canonical JSON line each, so that equal rows give equal bytes; nothing may be missing.

    Raises: BadInput, with every hole, unless each variant has the same cells for each seed (a floor: for each seed,
        or for one and the same seed throughout), and no row is of another variant or seed.
    """
    results = gather(rows)
    problems = []
    seeds_of: dict[str, set[int]] = {}
    for cell, by_seed in results.cells.items():
        seeds_of.setdefault(cell.variant, set()).update(by_seed)
    for variant in variants:
        if missing := sorted(set(seeds) - seeds_of.get(variant, set())):
            problems.append(f"variant {variant!r} has no row for seed {_list(missing)}")
    for variant, found in sorted(seeds_of.items()):
        if not is_floor(variant) and variant not in variants:
            problems.append(f"variant {variant!r} is not in the study")
        if extra := sorted(found - set(seeds)):
            problems.append(f"variant {variant!r} has rows for seed {_list(extra)}, which the study does not name")
        if is_floor(variant) and len(found) > 1 and (missing := sorted(set(seeds) - found)):
            problems.append(f"{variant!r} has several seeds but lacks {_list(missing)}")
    for cell, by_seed in results.cells.items():
        if missing := sorted((seeds_of[cell.variant] & set(seeds)) - set(by_seed)):
            problems.append(f"{cell} lacks seed {_list(missing)}")
    if problems:
        listed = "\n".join(f"  {p}" for p in problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise BadInput(f"not frozen: {len(problems)} hole(s) in the results; finish the runs first\n{listed}{more}")
    lines = [canonical_json(asdict(row)) for by_seed in results.cells.values() for row in by_seed.values()]
    write_text(dest, "\n".join(lines) + "\n")
    return results


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
