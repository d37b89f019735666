"""Files of the SIGMORPHON shared tasks as they stand: nothing normalized, so that forms compare as the task compares.

Columns are told apart by looking at them: 2023 has `lemma, features, form`, the years before `lemma, form, features`;
a covered test has no forms, and in some years an empty column in their place.

Source: github.com/sigmorphon/2023InflectionST, README, "Data format".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import BadInput
from workbench.files import atomic_open
from workbench.sources.lines import lines
from workbench.sources.sigmorphon import looks_like_features
from workbench.sources.unimorph import split_features

ORDERS = {(1, 2): "lemma, features, form (2023)", (2, 1): "lemma, form, features (until 2022)"}


@dataclass(frozen=True, slots=True)
class Row:
    """`features` is the bundle as written; `form` is None in a covered test; `lang` is the file's own name for it."""

    lang: str
    lemma: str
    features: str
    form: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, and where its features and form stand (of a covered test: where the form is to be written)."""

    path: Path
    rows: tuple[Row, ...]
    order: tuple[int, int]

    @property
    def covered(self) -> bool:
        return self.rows[0].form is None


def atoms(row: Row) -> tuple[str, ...]:
    """The atoms of the features, without brackets: what a model reads."""
    return tuple(atom for atom in split_features(row.features) if atom not in {"(", ")", ";", ","})


def language_of(path: Path) -> str:
    """The language that a file's name says: `tur` of `tur.trn`, `heb_unvoc` of `heb_unvoc.covered.tst`."""
    return path.name.split(".")[0]


def read(path: Path, lang: str | None = None, *, submission: bool = False) -> Table:
    """All rows of a file, in order. The forms of a `submission` are what some model wrote: anything, also nothing.

    Raises: BadInput at file:line for a wrong number of columns, an empty one, spaces around one, or features that are
        none; where features stand in the form's column, that is said.
    """
    lang = language_of(path) if lang is None else lang
    cut = [(number, line.split("\t")) for number, line in lines(path) if line.strip()]
    if not cut:
        raise BadInput(f"{path}: no rows; wanted lemma, features and form")
    covered, order = _columns(path, cut, submission=submission)
    if covered and order == (2, 1):  # lemma, nothing, features
        cut = [(number, [fields[0], fields[2]]) for number, fields in cut]
    rows = []
    for number, fields in cut:
        _check(f"{path}:{number}", fields, 2 if covered else 3, anything=order[1] if submission else None)
        lemma, features, form = fields[0], fields[1 if covered else order[0]], None if covered else fields[order[1]]
        try:
            split_features(features)
            free = submission or form is None or looks_like_features(features) or not looks_like_features(form)
            wrong = None if free else "swapped"
        except ValueError as error:
            wrong = str(error)
        if wrong is not None:
            swapped = wrong == "swapped" or (form is not None and looks_like_features(form))
            what = "form and features are swapped" if swapped else f"features with {wrong}"
            raise BadInput(f"{path}:{number}: {what}; wanted {ORDERS[order]} as in the other rows, got {fields}")
        rows.append(Row(lang, lemma, features, form))
    return Table(path, tuple(rows), order)


def _columns(path: Path, cut: Sequence[tuple[int, list[str]]], *, submission: bool) -> tuple[bool, tuple[int, int]]:
    """Whether there are no forms, and where features and form stand, or are to be written."""
    empty_between = not submission and all(len(fields) == 3 and not fields[1] for _, fields in cut)
    if len(cut[0][1]) != 2 and not empty_between:
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
        columns = "lemma and features" if wanted == 2 else "lemma, features and form"
        raise BadInput(
            f"{place}: wanted {wanted} columns ({columns}), as in the first row; got {len(fields)}: {fields}"
        )
    for column, field in enumerate(fields):
        if column != anything and (not field or field != field.strip()):
            what = "an empty column" if not field.strip() else "spaces or \\r around a column"
            raise BadInput(f"{place}: {what}; got {list(fields)}")


def write(path: Path, table: Table, forms: Iterable[str]) -> None:
    """A submission: the rows as they were read, with `forms` in place of theirs."""
    with atomic_open(path) as file:
        for row, form in zip(table.rows, forms, strict=True):
            fields = ["", "", ""]
            fields[0], fields[table.order[0]], fields[table.order[1]] = row.lemma, row.features, form
            file.write(("\t".join(fields) + "\n").encode())
