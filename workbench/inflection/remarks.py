"""What a person should know of files and models before believing a result, and what no check can refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from unicodedata import is_normalized, normalize

from workbench.errors import BadInput
from workbench.inflection.alphabet import Alphabet
from workbench.inflection.rows import Row, Table, atoms
from workbench.languages import nfc

MORE_LEMMAS = 1.5  # times the forms; in tables in order, and in random samples of 20 rows of them, 1.02 is the most
FEWEST_ROWS = 20
WRITINGS: tuple[tuple[Literal["NFC", "NFD"], str], ...] = (("NFC", "NFD"), ("NFD", "NFC"))


def of_columns(table: Table) -> list[str]:
    """That lemmas and forms may have changed places: a lemma stands in many rows, one for each form."""
    lemmas, forms = {row.lemma for row in table.rows}, {row.form for row in table.rows}
    if table.covered or len(table.rows) < FEWEST_ROWS or len(lemmas) < MORE_LEMMAS * len(forms):
        return []
    return [
        f"{table.path}: {len(lemmas)} different lemmas, but {len(forms)} different forms: are lemma and form swapped? "
        f"The first column is read as the lemma, e.g. {table.rows[0].lemma!r}, with the form {table.rows[0].form!r}"
    ]


def of_dev(training: Sequence[Row], dev: Sequence[Row]) -> list[str]:
    """Lemmas of dev that are trained on, and languages that have no say in which weights are kept."""
    said = []
    lemmas, known = ({(row.lang, nfc(row.lemma)) for row in rows} for rows in (dev, training))
    if seen := len(lemmas & known):
        said.append(
            f"--dev: {seen} of {len(lemmas)} dev lemmas were trained on; what dev says of these is not said of new "
            "words (`workbench inflect split` parts lemmas)"
        )
    langs = {row.lang for row in dev}
    if without := sorted({row.lang for row in training} - langs):
        said.append(
            f"--dev: no rows of {', '.join(without)}; the weights kept are chosen on {', '.join(sorted(langs))} alone"
        )
    return said


def of_question(table: Table, languages: Sequence[str], alphabet: Alphabet) -> list[str]:
    """What a model is asked that it was not trained on.

    Raises: BadInput where a model of several languages has not read this one.
    """
    said = []
    if table.lang not in languages:
        named = f"{table.path}: language {table.lang!r}, by the file's name; the model"
        if len(languages) > 1:
            raise BadInput(f"{named} knows {', '.join(languages)}; name the file by one of them")
        said.append(f"{named} is of {languages[0]!r}")
    unknown = {atom for row in table.rows for atom in atoms(row)} - set(alphabet.atoms)
    if unknown:
        count = sum(not unknown.isdisjoint(atoms(row)) for row in table.rows)
        said.append(
            f"{table.path}: {count} of {len(table.rows)} rows have features that no training row had, and that are "
            f"read as one unknown feature: {', '.join(sorted(unknown)[:10])}{' …' if len(unknown) > 10 else ''}"
        )
    return said + _of_writing(table, alphabet)


def _of_writing(table: Table, alphabet: Alphabet) -> list[str]:
    """That the file is written in another Unicode form: characters are unknown as they stand, and known in that form.

    Unknown characters alone are no fault, for the model copies them.
    """
    known = set(alphabet.characters)
    lemmas = {row.lemma for row in table.rows}
    for form, other in WRITINGS:
        if any(set(normalize(form, lemma)) - known < set(lemma) - known for lemma in lemmas):
            count = sum(not is_normalized(form, lemma) for lemma in lemmas)
            return [
                f"{table.path}: {count} of {len(lemmas)} lemmas are in Unicode's {other}, and the model was trained on "
                f"{form}: characters that it would know in {form} are only copied; convert the file"
            ]
    return []
