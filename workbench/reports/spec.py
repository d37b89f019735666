"""What a study's tables, figures and sentences show: the schema of its table.toml, and its strict reader."""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from workbench import languages
from workbench.config import Part
from workbench.errors import BadInput
from workbench.reports.collect import is_floor

SPEC_FILE = "table.toml"


def _known(tag: str) -> str:
    try:
        languages.parse(tag)
    except BadInput as error:
        raise ValueError(str(error)) from error
    return tag


def _known_column(name: str) -> str:
    _known(name.partition(" ")[0])
    return name


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Text = Annotated[str, Field(min_length=1)]
Tag = Annotated[str, AfterValidator(_known)]
Column = Annotated[str, AfterValidator(_known_column)]


class Row(Part):
    """One row: a variant (`floor:…` for a model-free one), under the name printed for it.

    `setting` and `metric` replace the table's where the row was measured otherwise; a replaced metric gets a footnote.
    """

    variant: Text
    label: str = ""
    setting: str | None = None
    metric: str | None = None
    ceiling: bool = Field(default=False, description="has what the others lack: never bold, never 'best'")

    @property
    def name(self) -> str:
        return self.label or self.variant

    @property
    def floor(self) -> bool:
        return is_floor(self.variant)


class Absent(Part):
    """Cells that cannot exist, and why: printed as an en dash. Any other hole fails."""

    row: Text
    columns: tuple[str, ...] = Field(min_length=1)
    why: Text


class Compare(Part):
    """A difference column: each row minus `reference`, averaged over the languages both have, with an exact test."""

    reference: Text
    over: Literal["seeds", "languages"] = Field(description="what the sign-flip test takes as its pairs")
    rows: tuple[str, ...] = Field(
        default=(), description="empty: all but the reference (and, unless it is one, the floors)"
    )
    head: str = Field(default="", description="printed after Δ where the reference's label is too long")


class Shown(Part):
    """What the cells of a table are. `{code}` in a setting is the column's ISO 639-3 code."""

    name: Name
    title: Text
    caption: Text
    task: Text
    metric: Text
    split: Text = "test"
    setting: str = ""
    unit: Text
    scale: float = 1.0
    digits: int = Field(default=2, ge=0, le=6)
    rows: tuple[Row, ...] = Field(min_length=1)
    absent: tuple[Absent, ...] = ()


class TableSpec(Shown):
    """One table; values are printed times `scale`."""

    columns: tuple[Column, ...] = Field(
        min_length=1,
        description="languages, in order; the mean is over these. 'heb-Hebr unvocalized': its rows of that setting",
    )
    aside: tuple[Tag, ...] = Field(default=(), description="languages shown but outside the mean (the pivot)")
    mean: bool = True
    best: bool = True
    compare: tuple[Compare, ...] = ()

    @model_validator(mode="after")
    def _names(self) -> Self:
        names, tags = [row.name for row in self.rows], [*self.columns, *self.aside]
        _distinct(names, "row labels (give a label to a variant used twice)")
        _distinct(tags, "columns")
        for absent in self.absent:
            _among(absent.row, names, "absent.row")
            for tag in absent.columns:
                _among(tag, tags, "absent.columns")
        for compare in self.compare:
            for name in (compare.reference, *compare.rows):
                _among(name, names, "compare")
        return self


class Group(Part):
    """Languages that are told together."""

    name: Text
    columns: tuple[Tag, ...] = Field(min_length=1)


class Groups(Shown):
    """A table of many languages by group: means of each, the worst group, the gap to the best, the worst language."""

    digits: int = Field(default=1, ge=0, le=6)
    group: tuple[Group, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _names(self) -> Self:
        _distinct([row.name for row in self.rows], "row labels")
        _distinct([group.name for group in self.group], "group names")
        _distinct([tag for group in self.group for tag in group.columns], "languages of all groups")
        return self


class Scaling(Part):
    """A scaling law over variants that differ in size and tokens, and minima at equal training compute.

    The loss is the mean of `metric` over `columns`; the rest comes from the variants' `cost` rows. Makes the tables
    `<name>` and `<name>-equal-compute`.
    """

    name: Name
    title: Text
    caption: Text
    task: Text = "lm"
    metric: Text
    split: Text = "test"
    setting: str = ""
    serving: Text = Field(description="setting of the rows inference_flops_per_token")
    unit: Text
    columns: tuple[Tag, ...] = Field(min_length=1, description="languages; the loss is their mean")
    variants: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct_variants(self) -> Self:
        _distinct(self.variants, "variants")
        return self


class Bars(Part):
    """A panel per language, a bar per row of `table` with its seeds, the floors as lines."""

    kind: Literal["bars"]
    name: Name
    title: Text
    table: str


class Layers(Part):
    """A panel per language, a curve per row over the layers (`{layer}` in the setting), the floors as lines."""

    kind: Literal["layers"]
    name: Name
    title: Text
    task: Text
    metric: Text
    split: Text = "test"
    setting: str = Field(pattern=r"\{layer\}")
    layers: tuple[int, ...] = Field(min_length=2)
    columns: tuple[Tag, ...] = Field(min_length=1)
    unit: Text
    scale: float = 1.0
    chance: float | None = Field(default=None, description="drawn as a dotted line, in printed units")
    rows: tuple[Row, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rows(self) -> Self:
        _distinct([row.name for row in self.rows], "row labels")
        if without := [row.name for row in self.rows if row.floor and row.setting is None]:
            raise ValueError(f"a floor has no layers: give {without} a setting of its own")
        return self


class Isoflop(Part):
    """Two panels over a `scaling`: loss by training compute, a curve a size; loss by size, a curve a compute."""

    kind: Literal["isoflop"]
    name: Name
    title: Text
    scaling: str


class Gain(Part):
    """A sentence: is `row` better than `against`, by how much, where, where not."""

    kind: Literal["gain"]
    title: Text
    table: str
    row: str
    against: str


class Floors(Part):
    """A sentence per floor of `table`: where does it win? A floor `… (<variant>)` meets that variant's best row."""

    kind: Literal["floors"]
    title: Text
    table: str


class Forgetting(Part):
    """A sentence: what did adapting cost in `column` (the pivot), row by row, against `reference`."""

    kind: Literal["forgetting"]
    title: Text
    table: str
    reference: str
    column: str


class Spec(Part):
    """A study's table.toml."""

    study: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    table: tuple[TableSpec, ...] = Field(min_length=1)
    groups: tuple[Groups, ...] = ()
    scaling: tuple[Scaling, ...] = ()
    figure: tuple[Annotated[Bars | Layers | Isoflop, Field(discriminator="kind")], ...] = ()
    claim: tuple[Annotated[Gain | Floors | Forgetting, Field(discriminator="kind")], ...] = ()

    def named(self, name: str) -> TableSpec:
        return next(table for table in self.table if table.name == name)

    def law(self, name: str) -> Scaling:
        return next(law for law in self.scaling if law.name == name)

    @property
    def layer_figures(self) -> tuple[Layers, ...]:
        return tuple(figure for figure in self.figure if isinstance(figure, Layers))

    @property
    def variants(self) -> set[str]:
        """All that are shown, but the floors."""
        shown: list[Shown | Layers] = [*self.table, *self.groups, *self.layer_figures]
        rows = [row for one in shown for row in one.rows]
        return {row.variant for row in rows if not row.floor} | {name for law in self.scaling for name in law.variants}

    def languages(self, tasks: Collection[str]) -> list[str]:
        """All that these tasks are shown in, in order."""
        shown: list[TableSpec | Scaling | Layers] = [*self.table, *self.scaling, *self.layer_figures]
        found = [tag for one in shown if one.task in tasks for tag in one.columns]
        found += [tag for table in self.table if table.task in tasks for tag in table.aside]
        found += [tag for one in self.groups if one.task in tasks for group in one.group for tag in group.columns]
        return list(dict.fromkeys(found))

    @model_validator(mode="after")
    def _references(self) -> Self:
        tables = [table.name for table in self.table]
        laws = [law.name for law in self.scaling]
        _distinct(
            [*tables, *(one.name for one in self.groups), *laws, *(f"{law}-equal-compute" for law in laws)],
            "table names",
        )
        _distinct([figure.name for figure in self.figure], "figure names")
        for figure in self.figure:
            if isinstance(figure, Bars):
                _among(figure.table, tables, f"figure {figure.name}")
            elif isinstance(figure, Isoflop):
                _among(figure.scaling, laws, f"figure {figure.name}")
        for claim in self.claim:
            _among(claim.table, tables, f"claim {claim.title!r}")
            table = self.named(claim.table)
            rows = [row.name for row in table.rows]
            if isinstance(claim, Gain):
                _among(claim.row, rows, f"claim {claim.title!r}, row")
                _among(claim.against, rows, f"claim {claim.title!r}, against")
            elif isinstance(claim, Forgetting):
                _among(claim.reference, rows, f"claim {claim.title!r}, reference")
                _among(claim.column, [*table.columns, *table.aside], f"claim {claim.title!r}, column")
            elif {row.floor for row in table.rows if not row.ceiling} != {True, False}:
                raise ValueError(f"claim {claim.title!r}: table {claim.table!r} needs both arms and floor: rows")
        return self


def load(path: Path) -> Spec:
    """The spec in `path` (a table.toml, or the folder that holds one).

    Raises: BadInput with every problem: file, dotted path, what was wanted, what was got.
    """
    file = path / SPEC_FILE if path.is_dir() else path
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"{file}: no such file; it says which tables the study has") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: not valid TOML: {error}") from error
    try:
        return Spec.model_validate(raw)
    except ValidationError as error:
        lines = "\n".join(f"  {_explain(e['loc'], e['type'], e['msg'], e['input'])}" for e in error.errors())
        raise BadInput(f"{file}: {error.error_count()} problem(s)\n{lines}") from error


def over(spec: Spec, tasks: Collection[str], langs: Sequence[str], pivot: str) -> Spec:
    """The spec for a study that measures these tasks in `langs` and the pivot alone.

    Where that takes columns away, all of `langs` are shown; what is told by groups, or of a lost column, is left out.
    """
    known, raw = {*langs, pivot}, spec.model_dump()
    for shown in (*raw["table"], *raw["scaling"], *(one for one in raw["figure"] if one["kind"] == "layers")):
        if shown["task"] in tasks:
            _take_away(shown, known, langs)
    raw["groups"] = [
        one
        for one in raw["groups"]
        if one["task"] not in tasks or known.issuperset(tag for group in one["group"] for tag in group["columns"])
    ]
    columns = {table["name"]: (*table["columns"], *table["aside"]) for table in raw["table"]}
    raw["claim"] = [
        one for one in raw["claim"] if one["kind"] != "forgetting" or one["column"] in columns[one["table"]]
    ]
    return Spec.model_validate(raw)


def _take_away(shown: dict[str, Any], known: Collection[str], langs: Sequence[str]) -> None:
    kept = [tag for tag in shown["columns"] if tag in known]
    if len(kept) < len(shown["columns"]):
        shown["columns"] = [*kept, *(tag for tag in langs if tag not in kept)]
    if "aside" in shown:
        shown["aside"] = [tag for tag in shown["aside"] if tag in known and tag not in shown["columns"]]
        _keep_absent(shown)


def in_columns(spec: Spec, task: str, columns: Sequence[str]) -> Spec:
    """The spec with these columns, and no others, in every table of the task."""
    raw = spec.model_dump()
    for shown in raw["table"]:
        if shown["task"] == task:
            shown |= {"columns": tuple(columns), "aside": ()}
            _keep_absent(shown)
    return Spec.model_validate(raw)


def _keep_absent(shown: dict[str, Any]) -> None:
    """What is declared absent, of the columns that are still shown."""
    for absent in shown["absent"]:
        absent["columns"] = tuple(tag for tag in absent["columns"] if tag in (*shown["columns"], *shown["aside"]))
    shown["absent"] = tuple(absent for absent in shown["absent"] if absent["columns"])


def _explain(loc: tuple[int | str, ...], kind: str, message: str, got: object) -> str:
    where = ".".join(map(str, loc)) or "spec"
    message = message.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        models: tuple[type[Part], ...] = (
            Spec, TableSpec, Row, Absent, Compare, Group, Groups, Scaling, Bars, Layers, Isoflop, Gain, Floors,
            Forgetting,
        )  # fmt: skip
        known = sorted({name for model in models for name in model.model_fields})
        near = difflib.get_close_matches(str(loc[-1]), known, n=1)
        return f"{where}: unknown key" + (f"; did you mean {near[0]!r}?" if near else "")
    shown = f", got {got!r}" if isinstance(got, str | int | float | bool) else ""
    return f"{where}: {message[:1].lower()}{message[1:]}{shown}"


def _distinct(names: Iterable[str], what: str) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"{what} must be distinct, got twice: {twice}")


def _among(name: str, known: Iterable[str], where: str) -> None:
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        raise ValueError(f"{where}: {name!r} is none of {names}" + (f"; did you mean {near[0]!r}?" if near else ""))
