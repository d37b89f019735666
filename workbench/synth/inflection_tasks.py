"""Inflection tables as text for a masked language model.

One line is one lemma and some of its cells, e.g. ``hestur: N ACC PL hesta, N DAT SG hesti``. Why so:

- Feature atoms are words of their own (`ACC`, `PL`), never one symbol for a whole bundle: bundles of the test set are
  often new, atoms hardly ever are.
- A lemma's cells share a line, so that a masked form can be read off the lemma and the features, and a masked feature
  off the form: both directions of the task in one objective.
- Features stand before their form, the separators are ordinary punctuation, and nothing is reserved in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from workbench.records import Document, Inflection
from workbench.seeds import stream


def line(lemma: str, cells: Iterable[Inflection]) -> str:
    """One lemma's line of the format above."""
    return f"{lemma}: " + ", ".join(f"{' '.join(cell.features)} {cell.form}" for cell in cells)


def documents(
    inflections: Iterable[Inflection],
    seed: int,
    *,
    max_lemmas: int = 1000,
    cells_per_lemma: int = 4,
    permute: bool = False,
) -> list[Document]:
    """Up to `max_lemmas` lines, each of up to `cells_per_lemma` cells of one lemma.

    Random: lemmas are drawn from (seed, language), a lemma's cells from (seed, language, lemma): a longer table of
    other lemmas does not change them.

    `permute` is the control: the same lemmas, features and forms are written, but which form stands where is drawn by
    lot from (seed, language). What the lines still teach is words, not how they are inflected.
    """
    tables: dict[tuple[str, str], list[Inflection]] = {}
    for inflection in inflections:
        tables.setdefault((inflection.lang.tag, inflection.lemma), []).append(inflection)
    result: list[Document] = []
    for tag in sorted({tag for tag, _ in tables}):
        lemmas = sorted(lemma for other, lemma in tables if other == tag)
        order = stream(seed, "inflection-lemmas", tag).permutation(len(lemmas))
        chosen: list[Inflection] = []
        for lemma in (lemmas[position] for position in order[:max_lemmas]):
            cells = sorted(set(tables[tag, lemma]), key=lambda cell: (cell.features, cell.form))
            places = stream(seed, "inflection-cells", tag, lemma).permutation(len(cells))[:cells_per_lemma]
            chosen += (cells[position] for position in places)
        if permute:
            dealt = stream(seed, "inflection-permuted", tag).permutation(len(chosen))
            chosen = [replace(cell, form=chosen[other].form) for cell, other in zip(chosen, dealt, strict=True)]
        for lemma, written in groupby(chosen, key=attrgetter("lemma")):
            cells = list(written)
            name = f"inflection-{tag}-{lemma}"
            result.append(Document(name, line(lemma, cells), cells[0].lang, "inflection", (lemma,)))
    return result
