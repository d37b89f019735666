"""Tables of inflections cut into training, dev and test rows, without a lemma in two of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.errors import BadInput
from workbench.inflection.rows import Row
from workbench.languages import nfc
from workbench.seeds import derive

Part = Literal["trn", "dev", "tst"]  # the suffixes of SIGMORPHON 2023


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows of which no two ask for the same, and how many more there were: of the same form, and of another one."""

    rows: tuple[Row, ...]
    repeated: int
    other_forms: int


def cells(rows: Iterable[Row]) -> Cells:
    """The first row of each language, lemma (in NFC) and features: a test cannot want two forms in one place."""
    first: dict[tuple[str, str, str], Row] = {}
    repeated = other_forms = 0
    for row in rows:
        kept = first.setdefault((row.lang, nfc(row.lemma), row.features), row)
        if kept is not row:
            repeated += kept.form == row.form
            other_forms += kept.form != row.form
    return Cells(tuple(first.values()), repeated, other_forms)


def split(rows: Sequence[Row], *, dev: float, test: float, seed: int) -> dict[Part, list[Row]]:
    """The rows of one language by part, in their order; `dev` and `test` are shares of them, and of 0 there is no part.

    The lemmas are put in a random order, and cut where test, and behind it dev, has as near to its share of the rows as
    whole lemmas allow, and one lemma at least. A lemma's number in that order depends on nothing but (seed, language,
    lemma), so that of a longer table the lemmas known before keep their order, and only those at the two cuts can
    change parts. Lemmas that are the same in NFC are one.

    Source: why by lemma: Goldman et al. 2022 (arXiv 2108.05682).
    Random: (seed, "split", language, lemma).
    Raises: BadInput where there are fewer lemmas than parts.
    """
    shares: dict[Part, float] = {"tst": test, "dev": dev}
    wanted: list[Part] = [part for part, share in shares.items() if share > 0.0]
    size: dict[str, int] = {}
    for row in rows:
        lemma = nfc(row.lemma)
        size[lemma] = size.get(lemma, 0) + 1
    if len(size) <= len(wanted):
        raise BadInput(
            f"{rows[0].lang}: {len(size)} lemmas for {len(wanted) + 1} parts, and no lemma can be in two; "
            "give more rows, or leave a part out (a share of 0)"
        )
    order = sorted(size, key=lambda lemma: (derive(seed, "split", rows[0].lang, lemma), lemma))
    part_of: dict[str, Part] = dict.fromkeys(order, "trn")
    start = 0
    for number, part in enumerate(wanted, 1):
        asked = shares[part] * len(rows)
        stop, taken = start + 1, size[order[start]]
        last = len(order) - len(wanted) - 1 + number  # a lemma at least is left for each part behind
        while stop < last and abs(taken + size[order[stop]] - asked) <= abs(taken - asked):
            taken += size[order[stop]]
            stop += 1
        part_of |= dict.fromkeys(order[start:stop], part)
        start = stop
    parts: dict[Part, list[Row]] = {part: [] for part in ("trn", *reversed(wanted))}
    for row in rows:
        parts[part_of[nfc(row.lemma)]].append(row)
    return parts
