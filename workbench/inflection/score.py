"""Scoring as the shared tasks score: exact match and edit distance, in all and by part of speech and feature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from unicodedata import is_normalized

from workbench.errors import BadInput
from workbench.inflection.rows import Row, Table, atoms
from workbench.languages import nfc


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


def misspelt(gold: Sequence[str], given: Sequence[str]) -> int:
    """How many more would be right in NFC and without spaces around, of which the task's score knows nothing."""
    pairs = zip(gold, given, strict=True)
    return sum(one != other and nfc(one).strip() == nfc(other).strip() for one, other in pairs)


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

    Raises: BadInput at file:line where another row stands in a row's place; where rows or forms are lacking.
    """
    for table in (submission, gold):
        if table.covered:
            raise BadInput(f"{table.path}: a covered file (lemma, features); to be scored it must have forms")
    _same_rows(submission, gold)
    return [row.form or "" for row in submission.rows]


def _same_rows(submission: Table, gold: Table) -> None:
    for number, (one, other) in enumerate(zip(submission.rows, gold.rows, strict=False)):
        if (one.lemma, one.features) != (other.lemma, other.features):
            found, wanted = f"{one.lemma!r} {one.features}", f"{other.lemma!r} {other.features}"
            raise BadInput(
                f"{submission.place(number)}: {found}, but {gold.place(number)} has {wanted}"
                f"{_hidden(one.lemma, other.lemma)}; a submission has the test's rows in the test's order"
            )
    if len(submission.rows) != len(gold.rows):
        raise BadInput(f"{submission.path}: {len(submission.rows)} rows; {gold.path} has {len(gold.rows)}")


def _hidden(one: str, other: str) -> str:
    """What two lemmas differ by that look alike."""
    if one == other or nfc(one) != nfc(other):
        return ""
    return f" (the same letters, in Unicode's {_writing(one)} and {_writing(other)}: write lemmas as the test does)"


def _writing(text: str) -> str:
    return next((form for form in ("NFC", "NFD") if is_normalized(form, text)), "mixed writing")
