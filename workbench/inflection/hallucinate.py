"""New rows from old: stems of random characters in the inflection that a training row shows."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category

from workbench import config
from workbench.errors import BadInput
from workbench.inflection.align import common_stretches
from workbench.inflection.rows import Row
from workbench.seeds import stream

LONG_STRETCH = 5  # of a longer one the first and last characters stay, being what inflection depends on


def places(lemma: str, form: str, min_stem: int) -> list[tuple[int, int]]:
    """Pairs of places in lemma and form that may get another character, the same in both."""
    found = []
    for in_lemma, in_form, length in common_stretches(lemma, form, min_stem):
        inner = range(1, length - 1) if length > LONG_STRETCH else range(length)
        found += [(in_lemma + offset, in_form + offset) for offset in inner]
    return found


def hallucinate(rows: Sequence[Row], settings: config.Hallucinate, seed: int) -> list[Row]:
    """`settings.rows` rows, each made from a training row: features kept, stem characters replaced alike.

    A character is replaced by one drawn evenly from those of its Unicode category (such as lower-case letters) that are
    replaceable in the training rows of its language.

    Source: Anastasopoulos & Neubig 2019, section 4.2 (arXiv 1908.05838). Differs: alignment by `align`, letters alone.
    Random: (seed, "hallucinate").
    Raises: BadInput where no row has a stretch to replace.
    """
    usable = []
    for row in rows:
        assert row.form is not None
        kept = [(i, j) for i, j in places(row.lemma, row.form, settings.min_stem) if row.lemma[i].isalpha()]
        if kept:
            usable.append((row, kept))
    if not usable:
        raise BadInput(
            f"hallucinate.min_stem: no lemma of {', '.join(sorted({row.lang for row in rows}))} shares "
            f"{settings.min_stem} letters in a row with its form; lower it, or hallucinate.kind = 'none'"
        )
    known: dict[tuple[str, str], set[str]] = {}
    for row, kept in usable:
        for i, _ in kept:
            known.setdefault((row.lang, category(row.lemma[i])), set()).add(row.lemma[i])
    letters = {kind: sorted(found) for kind, found in known.items()}
    rng = stream(seed, "hallucinate")
    made = []
    for number in range(settings.rows):
        if number % len(usable) == 0:
            order = rng.permutation(len(usable))
        row, kept = usable[order[number % len(usable)]]
        lemma, form = list(row.lemma), list(row.form or "")
        drawn = rng.random(len(kept)) < settings.rate
        choice = rng.random(len(kept))
        for (i, j), replace, which in zip(kept, drawn.tolist(), choice.tolist(), strict=True):
            if replace:
                like = letters[row.lang, category(lemma[i])]
                lemma[i] = form[j] = like[int(which * len(like))]
        made.append(Row(row.lang, "".join(lemma), row.features, "".join(form)))
    return made
