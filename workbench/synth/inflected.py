"""Inflection-aware substitution: English forms that a lexicon lacks get their lemma's translation, inflected alike.

A lexicon lists lemmas; running text is inflected. Plain substitution leaves `walked` in English where only `walk` is
listed. Here the form is analysed (`english`), its lemma translated, and the translation put in the same cell: as the
target's UniMorph table lists it, else as a given model of inflection says, else it stays the lemma. All of this
depends on the word alone, so it is done once per word, as more entries of the lexicon: every rule can use them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from workbench.records import Inflection, Lexicon, Translation
from workbench.synth.english import Reading, analyse

Features = tuple[str, ...]
Inflect = Callable[[str, Features], str | None]  # (lemma, target features) -> form
Route = Literal["listed", "model", "lemma"]
Morphology = Literal["none", "lemma", "inflected"]

# Values of one dimension: a cell that has another of them than the one wanted says something else.
_DIMENSIONS = (
    frozenset({"SG", "PL", "DU"}),
    frozenset({"PRS", "PST", "FUT"}),
    frozenset({"1", "2", "3", "4"}),
    frozenset({"CMPR", "SPRL"}),
)
# What a cell may say beyond what is wanted, the plainer the better: citation case, third person, indicative, ...
_PLAIN = {
    name: rank
    for rank, names in enumerate(
        (("NOM", "INDF", "IND", "3", "ACT", "POS", "FIN", "SG"), ("ACC", "DEF", "PFV", "PRF", "MASC"), ("PL", "FEM"))
    )
    for name in names
}
_STRANGE = 8


@dataclass(frozen=True, slots=True)
class Routes:
    """How English forms came by their translation: types and running words of each route, and those without one.

    `plain` words were in the lexicon as they stand; `unknown` are forms or words of which it has no lemma either.
    """

    types: Mapping[str, int]
    words: Mapping[str, int]


class Cells:
    """A target language's paradigms, asked for the cell that an English form's features mean."""

    def __init__(self, inflections: Iterable[Inflection]) -> None:
        self.of_lemma: dict[str, list[Inflection]] = {}
        self.bundles: Counter[Features] = Counter()
        for cell in inflections:
            self.of_lemma.setdefault(cell.lemma, []).append(cell)
            self.bundles[cell.features] += 1

    def listed(self, lemma: str, wanted: Features) -> str | None:
        """The listed form of the plainest cell that says what is wanted."""
        fitting = [
            (rank, -self.bundles[cell.features], cell.features, cell.form)
            for cell in self.of_lemma.get(lemma, ())
            if (rank := _rank(cell.features, wanted)) is not None
        ]
        return min(fitting)[3] if fitting else None

    def bundle(self, wanted: Features) -> Features | None:
        """The language's own features for what is wanted: the plainest bundle, and of those the most frequent."""
        fitting = [
            (rank, -count, features)
            for features, count in self.bundles.items()
            if (rank := _rank(features, wanted)) is not None
        ]
        return min(fitting)[2] if fitting else None


def _rank(features: Features, wanted: Features) -> int | None:
    """How much more than what is wanted a cell says; None where it says less, or something else."""
    have = set(features)
    if have & {"V.PTCP", "V.CVB", "V.MSDR"}:
        have.discard("V")
    if not set(wanted) <= have:
        return None
    rank = 0
    for feature in have - set(wanted):
        if any(feature in values and values & set(wanted) for values in _DIMENSIONS):
            return None
        rank += _PLAIN.get(feature, _STRANGE)
    return rank


def extended(
    lexicon: Lexicon,
    words: Mapping[str, int],
    inflections: Iterable[Inflection],
    morphology: Morphology,
    inflect: Inflect | None = None,
) -> tuple[Lexicon, Routes]:
    """The lexicon with an entry for each of `words` (word -> how often it occurs) that it lacks and has the lemma of.

    With `morphology` `lemma` the entry holds the lemma's translations as they are: the control, which covers the same
    words. `inflected`: of the readings whose lemma the lexicon has, the first with a listed cell for any translation
    decides, else the first that `inflect` has a form for, else the first; of its translations those are taken that
    go this way, for the others are often of another part of speech.
    """
    if morphology == "none":
        return lexicon, Routes({}, {})
    cells = Cells(inflections if morphology == "inflected" else ())
    by_lower: dict[str, list[Translation]] = {}
    for key, options in lexicon.entries.items():
        by_lower.setdefault(key.lower(), []).extend(options)
    forms = Counter[str]()
    for word, count in words.items():
        forms[word.lower()] += count
    added: dict[str, tuple[Translation, ...]] = {}
    types, running = Counter[str](), Counter[str]()
    for form in sorted(forms):
        route: Route | Literal["plain", "unknown"] = "plain"
        if form not in by_lower:
            readings = [reading for reading in analyse(form) if reading.lemma in by_lower]
            route = "unknown"
            if readings:
                route, added[form] = _translated(readings, by_lower, cells, inflect)
        types[route] += 1
        running[route] += forms[form]
    entries = {**lexicon.entries, **added}
    origin = f"{lexicon.origin} + {len(added)} forms of its lemmas ({morphology})"
    return replace(lexicon, entries=entries, origin=origin), Routes(dict(types), dict(running))


def _translated(
    readings: list[Reading], by_lower: Mapping[str, list[Translation]], cells: Cells, inflect: Inflect | None
) -> tuple[Route, tuple[Translation, ...]]:
    """The best route that any reading's translation has, and the first such reading's translations that have it."""
    best: tuple[int, Route, tuple[Translation, ...]] | None = None
    order: tuple[Route, ...] = ("listed", "model", "lemma")
    for reading in readings:
        found: list[tuple[int, Translation]] = []
        for option in by_lower[reading.lemma]:
            form, route = _form(option.word, reading.features, cells, inflect)
            found.append((order.index(route), replace(option, word=form)))
        rank = min(rank for rank, _ in found)
        if best is None or rank < best[0]:
            best = rank, order[rank], tuple(option for other, option in found if other == rank)
    assert best is not None
    return best[1], best[2]


def _form(lemma: str, wanted: Features, cells: Cells, inflect: Inflect | None) -> tuple[str, Route]:
    if (form := cells.listed(lemma, wanted)) is not None:
        return form, "listed"
    bundle = cells.bundle(wanted) if inflect is not None else None
    if inflect is not None and bundle is not None and (made := inflect(lemma, bundle)) is not None:
        return made, "model"
    return lemma, "lemma"
