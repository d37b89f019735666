"""Scoring as the shared tasks score: exact match and edit distance, in all and by part of speech and feature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import BadInput
from workbench.inflection.rows import Row, Table, atoms


@dataclass(frozen=True, slots=True)
class Score:
    """Of `n` rows: the share written exactly, and the mean number of characters to put right."""

    n: int
    exact_match: float
    edit_distance: float


def edit_distance(first: str, second: str) -> int:
    """The fewest characters inserted, deleted or replaced (Levenshtein)."""
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def score(gold: Sequence[str], given: Sequence[str]) -> Score:
    pairs = list(zip(gold, given, strict=True))
    right = sum(one == other for one, other in pairs)
    distance = sum(edit_distance(one, other) for one, other in pairs)
    return Score(len(pairs), right / len(pairs), distance / len(pairs))


def by_group(rows: Sequence[Row]) -> dict[str, list[int]]:
    """The rows of each part of speech (the first feature, `pos=V`) and each further atom (`PST`), largest first."""
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        first, *others = atoms(row)
        for name in {f"pos={first}", *others}:
            groups.setdefault(name, []).append(number)
    ordered = sorted(groups.items(), key=lambda group: (not group[0].startswith("pos="), -len(group[1]), group[0]))
    return dict(ordered)


def macro_average(scores: Iterable[Score]) -> Score:
    """The plain mean over languages, each counting alike."""
    found = list(scores)
    return Score(
        sum(one.n for one in found),
        sum(one.exact_match for one in found) / len(found),
        sum(one.edit_distance for one in found) / len(found),
    )


def forms_of(submission: Table, gold: Table) -> list[str]:
    """The submission's forms, in the order of the gold rows, which must be its own.

    Raises: BadInput at file:line where a row is missing or another one stands in its place, or forms are lacking.
    """
    for table in (submission, gold):
        if table.covered:
            raise BadInput(f"{table.path}: a covered file (lemma, features); to be scored it must have forms")
    _same_rows(submission.path, submission.rows, gold.path, gold.rows)
    return [row.form or "" for row in submission.rows]


def _same_rows(path: Path, rows: Sequence[Row], gold_path: Path, gold: Sequence[Row]) -> None:
    for number, (one, other) in enumerate(zip(rows, gold, strict=False), 1):
        if (one.lemma, one.features) != (other.lemma, other.features):
            raise BadInput(
                f"{path}: row {number} is of {one.lemma!r} {one.features}, that of {gold_path} of {other.lemma!r} "
                f"{other.features}; a submission has the test's rows in the test's order"
            )
    if len(rows) != len(gold):
        raise BadInput(f"{path}: {len(rows)} rows; {gold_path} has {len(gold)}")
