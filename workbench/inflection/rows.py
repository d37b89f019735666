"""Files of the SIGMORPHON shared tasks as they stand: nothing normalized, so that forms compare as the task compares.

Columns are told apart by looking at them: 2023 has `lemma, features, form`, the years before `lemma, form, features`;
a covered test has no forms, and in some years an empty column in their place.

Source: github.com/sigmorphon/2023InflectionST, README, "Data format".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.errors import BadInput
from workbench.files import atomic_open
from workbench.sources.lines import lines
from workbench.sources.sigmorphon import looks_like_features, name_in
from workbench.sources.unimorph import split_features

NEWEST = (1, 2)
ORDERS = {NEWEST: "lemma, features, form (2023)", (2, 1): "lemma, form, features (until 2022)"}


@dataclass(frozen=True, slots=True)
class Row:
    """`features` is the bundle as written; `form` is None in a covered test; `lang` is the file's own name for it."""

    lang: str
    lemma: str
    features: str
    form: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows and the line of each, and where its features and form stand (of a covered test: where the form is
    to be written)."""

    path: Path
    rows: tuple[Row, ...]
    lines: tuple[int, ...]
    order: tuple[int, int]

    @property
    def covered(self) -> bool:
        return self.rows[0].form is None

    @property
    def lang(self) -> str:
        return self.rows[0].lang

    def place(self, number: int) -> str:
        """`path:line` of a row."""
        return f"{self.path}:{self.lines[number]}"


def atoms(row: Row) -> tuple[str, ...]:
    """The atoms of the features, without brackets: what a model reads."""
    return tuple(atom for atom in split_features(row.features) if atom not in {"(", ")", ";", ","})


def read(path: Path, lang: str | None = None, *, submission: bool = False) -> Table:
    """All rows of a file, in order. The forms of a `submission` are what some model wrote: anything, also nothing.

    The language is the one that the file's name says, where none is given.

    Raises: BadInput at file:line for a number of columns that most rows do not have, an empty column, spaces around
        one, or features that are none; where features stand in another column, that is said.
    """
    lang = name_in(path) if lang is None else lang
    cut = [(number, line.split("\t")) for number, line in lines(path) if line.strip()]
    if not cut:
        raise BadInput(f"{path}: no rows; wanted lemma, features and form")
    covered, order = _columns(path, cut, submission=submission)
    free = order[1] if submission else None
    rows = []
    for number, fields in cut:
        if covered and order == (2, 1) and len(fields) == 3 and not fields[1]:  # lemma, nothing, features
            fields = [fields[0], fields[2]]
        _check(f"{path}:{number}", fields, 2 if covered else 3, anything=free)
        lemma, features, form = fields[0], fields[1 if covered else order[0]], None if covered else fields[order[1]]
        wrong = _wrong(lemma, features, None if submission else form)
        if wrong is not None:
            raise BadInput(
                f"{path}:{number}: {wrong}; wanted {'lemma, features' if covered else ORDERS[order]} as in the other "
                f"rows, got {fields}"
            )
        rows.append(Row(lang, lemma, features, form))
    return Table(path, tuple(rows), tuple(number for number, _ in cut), order)


def _columns(path: Path, cut: Sequence[tuple[int, list[str]]], *, submission: bool) -> tuple[bool, tuple[int, int]]:
    """Whether there are no forms, and where features and form stand, or are to be written; as most rows have it."""
    counts = Counter(len(fields) for _, fields in cut)
    empty_between = not submission and 2 * sum(len(fields) == 3 and not fields[1] for _, fields in cut) > len(cut)
    if counts[2] <= len(cut) / 2 and not empty_between:
        return False, _order(path, cut)
    if not any(looks_like_features(fields[-1]) for _, fields in cut):
        raise BadInput(
            f"{path}:{cut[0][0]}: no features (V;PST;…) in the last column of a file without forms; wanted lemma and "
            f"features, or {' or '.join(ORDERS.values())}; got {cut[0][1]}"
        )
    return True, (2, 1) if empty_between else (1, 2)


def _order(path: Path, cut: Sequence[tuple[int, list[str]]]) -> tuple[int, int]:
    """Where features and form stand: the column of the two that looks more like features, over the whole file."""
    whole = [fields for _, fields in cut if len(fields) == 3]
    scores = {order: sum(looks_like_features(fields[order[0]]) for fields in whole) for order in ORDERS}
    lemmas = sum(looks_like_features(fields[0]) for fields in whole)
    best = max(scores, key=lambda order: scores[order])
    if whole and lemmas > scores[best]:
        raise BadInput(f"{path}:{cut[0][0]}: features in the first column; wanted {' or '.join(ORDERS.values())}")
    if whole and not scores[best]:
        raise BadInput(
            f"{path}:{cut[0][0]}: no column looks like features (V;PST;…); wanted {' or '.join(ORDERS.values())}"
        )
    return best


def _check(place: str, fields: Sequence[str], wanted: int, anything: int | None) -> None:
    """That there are so many columns, and that each, but for the one of `anything`, is a word."""
    if len(fields) != wanted:
        columns = "lemma and features, no form" if wanted == 2 else "lemma, features and form"
        raise BadInput(f"{place}: wanted {wanted} columns ({columns}), got {len(fields)}: {fields}")
    for column, field in enumerate(fields):
        if column != anything and (not field or field != field.strip()):
            what = "an empty column" if not field.strip() else "spaces or \\r around a column"
            raise BadInput(f"{place}: {what}; got {list(fields)}")


def _wrong(lemma: str, features: str, form: str | None) -> str | None:
    """What is wrong with a row whose columns are words, if anything is."""
    if not looks_like_features(features):
        if form is not None and looks_like_features(form):
            return "form and features are swapped"
        if looks_like_features(lemma):
            return "features in the lemma's column"
    try:
        split_features(features)
    except ValueError as error:
        return f"features with {error}"
    return None


def write(path: Path, table: Table, forms: Iterable[str]) -> None:
    """A submission: the rows as they were read, with `forms` in place of theirs."""
    write_rows(path, (replace(row, form=form) for row, form in zip(table.rows, forms, strict=True)), table.order)


def write_rows(path: Path, rows: Iterable[Row], order: tuple[int, int]) -> None:
    """Rows with forms, a line each, in one of `ORDERS`."""
    with atomic_open(path) as file:
        for row in rows:
            fields = ["", "", ""]
            fields[0], fields[order[0]], fields[order[1]] = row.lemma, row.features, row.form or ""
            file.write(("\t".join(fields) + "\n").encode())
