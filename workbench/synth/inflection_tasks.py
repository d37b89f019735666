"""Which lines of which tasks are made of a language's paradigms; `inflection_lines` says how a line looks.

All tasks are made of the same lemmas and the same of their cells. Each draws from a stream of its own, so that a
further task moves no line of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar, assert_never

from workbench.config.synth import InflectionTask
from workbench.records import Document, Inflection, Lang
from workbench.seeds import stream
from workbench.sources.unimorph import Derivation, Segmented
from workbench.synth import inflection_lines
from workbench.synth.inflection_lines import Line, is_plain

T = TypeVar("T")
MAX_LEMMAS = 1000
_Of = tuple[Lang, str, Line]  # whose line, of which of its words


def documents(
    inflections: Iterable[Inflection],
    seed: int,
    tasks: Sequence[InflectionTask] = ("paradigm",),
    segmentations: Iterable[Segmented] = (),
    derivations: Iterable[Derivation] = (),
    *,
    max_lemmas: int = MAX_LEMMAS,
    cells_per_lemma: int = 4,
    permute: bool = False,
) -> dict[InflectionTask, list[Document]]:
    """Task -> its lines, of up to `max_lemmas` lemmas and `cells_per_lemma` cells of each; none where data lack.

    paradigm   a line for each lemma
    inflect    one for each cell; a cell with two forms has both
    reinflect  one for each cell of a lemma with several, from another of them
    analyse    one for each form of a lemma: where several of the cells drawn share it, all of them are the answer
    fill       one for each lemma with several cells, the last of which is asked for
    segment    one for each form that `segmentations` cut into morphemes, or name as having one
    derive     up to `cells_per_lemma` for each of up to `max_lemmas` bases of `derivations`

    Of all but `paradigm`, lines that could not be read back (a comma or the like in a word) are left out.

    Random: lemmas are drawn from (seed, language), a lemma's cells from (seed, language, lemma): a longer table of
        other lemmas does not change them. What a task draws beside these is of (seed, task, language, lemma).

    `permute` is the control: the same lemmas, features and forms are written, but which form stands where is drawn by
    lot from (seed, language), and likewise which segments are which form's and which word is derived from which base.
    What the lines still teach is words, not how they are made.
    """
    drawn = _drawn(inflections, seed, slice(max_lemmas), cells_per_lemma)
    dealt = drawn
    if permute:
        forms = _dealt(drawn, lambda cell: cell.lang, seed)
        dealt = [replace(cell, form=other.form) for cell, other in zip(drawn, forms, strict=True)]
    plain = [cell for cell in dealt if is_plain(cell.lemma, cell.form, inflection_lines.features(cell))]
    made: dict[InflectionTask, list[Document]] = {}
    for task in tasks:
        match task:
            case "paradigm":
                lines = [_of(cells[0], inflection_lines.paradigm(cells[0].lemma, cells)) for cells in _by_lemma(dealt)]
            case "inflect" | "reinflect" | "analyse" | "fill":
                lines = [_of(cells[0], line) for cells in _by_lemma(plain) for line in _of_cells(task, cells, seed)]
            case "segment":
                lines = _segmented(drawn, segmentations, seed, permute)
            case "derive":
                lines = _derived(derivations, seed, max_lemmas, cells_per_lemma, permute)
            case _:
                assert_never(task)
        made[task] = _documents(task, lines)
    return made


@dataclass(frozen=True, slots=True)
class Question:
    """A cell to be asked for, and every form that is right in it."""

    cell: Inflection
    forms: frozenset[str]


def unread(
    inflections: Iterable[Inflection], seed: int, *, lemmas: int, max_lemmas: int = MAX_LEMMAS
) -> list[Question]:
    """A cell each of up to `lemmas` lemmas of which `documents` makes no line; none of a language with fewer.

    Random: as in `documents`.
    """
    every = list(inflections)
    right: dict[tuple[Lang, str, tuple[str, ...]], set[str]] = {}
    for cell in every:
        right.setdefault((cell.lang, cell.lemma, cell.features), set()).add(cell.form)
    return [
        Question(cell, frozenset(right[cell.lang, cell.lemma, cell.features]))
        for cell in _drawn(every, seed, slice(max_lemmas, max_lemmas + lemmas), 1)
        if is_plain(cell.lemma, inflection_lines.features(cell))
    ]


def _documents(task: InflectionTask, lines: Iterable[_Of]) -> list[Document]:
    """One a line, named by its word and which of the word's lines it is."""
    result, count = [], Counter[tuple[Lang, str]]()
    for lang, word, line in lines:
        name = f"{task}-{lang.tag}-{word}-{count[lang, word]}" if task != "paradigm" else f"{lang.tag}-{word}"
        count[lang, word] += 1
        result.append(Document(f"inflection-{name}", line.text, lang, "inflection", (word,)))
    return result


def _drawn(inflections: Iterable[Inflection], seed: int, lemmas: slice, cells_per_lemma: int) -> list[Inflection]:
    tables: dict[tuple[Lang, str], list[Inflection]] = {}
    for inflection in inflections:
        tables.setdefault((inflection.lang, inflection.lemma), []).append(inflection)
    chosen: list[Inflection] = []
    for lang, lemma in _words(tables, seed, "inflection-lemmas", lemmas):
        cells = sorted(set(tables[lang, lemma]), key=lambda cell: (cell.features, cell.form))
        places = stream(seed, "inflection-cells", lang.tag, lemma).permutation(len(cells))[:cells_per_lemma]
        chosen += (cells[position] for position in places)
    return chosen


def _by_lemma(cells: list[Inflection]) -> list[list[Inflection]]:
    return [list(some) for _, some in groupby(cells, key=lambda cell: (cell.lang, cell.lemma))]


def _of_cells(task: InflectionTask, cells: list[Inflection], seed: int) -> list[Line]:
    """The lines that a task makes of one lemma's cells."""
    rng = stream(seed, "inflection-task", task, cells[0].lang.tag, cells[0].lemma)
    number = len(cells)
    if task == "inflect":
        return [inflection_lines.inflect(cell) for cell in cells]
    if task == "analyse":
        return [
            inflection_lines.analyse(form, [cell for cell in cells if cell.form == form])
            for form in dict.fromkeys(cell.form for cell in cells)
        ]
    if number < 2:
        return []
    if task == "reinflect":
        steps = rng.integers(1, number, size=number)  # never to the cell itself
        others = [cells[(place + step) % number] for place, step in enumerate(steps)]
        return [inflection_lines.reinflect(other, cell) for other, cell in zip(others, cells, strict=True)]
    *known, asked = (cells[place] for place in rng.permutation(number))
    return [inflection_lines.fill(known, asked)]


def _segmented(drawn: list[Inflection], segmentations: Iterable[Segmented], seed: int, permute: bool) -> list[_Of]:
    """Of the cells drawn, those forms that are segmented."""
    known = {(one.inflection.lang, one.inflection.lemma, one.inflection.form): one for one in segmentations}
    found: dict[tuple[Lang, str], Segmented] = {}
    for cell in drawn:
        one = known.get((cell.lang, cell.lemma, cell.form))
        if one is not None and is_plain(cell.form, *one.segments):
            found.setdefault((cell.lang, cell.form), one)
    chosen = list(found.values())
    if permute:
        dealt = _dealt(chosen, lambda one: one.inflection.lang, seed, "segment")
        chosen = [replace(one, segments=other.segments) for one, other in zip(chosen, dealt, strict=True)]
    return [_of(one.inflection, inflection_lines.segment(one)) for one in chosen]


def _derived(
    derivations: Iterable[Derivation], seed: int, max_bases: int, words_per_base: int, permute: bool
) -> list[_Of]:
    tables: dict[tuple[Lang, str], set[Derivation]] = {}
    for one in derivations:
        if is_plain(one.base, one.affix, inflection_lines.parts_of_speech(one), one.derived):
            tables.setdefault((one.lang, one.base), set()).add(one)
    chosen: list[Derivation] = []
    for lang, base in _words(tables, seed, "inflection-bases", slice(max_bases)):
        words = sorted(tables[lang, base], key=lambda one: (one.derived, one.affix, one.parts_of_speech))
        places = stream(seed, "inflection-task", "derive", lang.tag, base).permutation(len(words))[:words_per_base]
        chosen += (words[position] for position in places)
    if permute:
        dealt = _dealt(chosen, lambda one: one.lang, seed, "derive")
        chosen = [replace(one, derived=other.derived) for one, other in zip(chosen, dealt, strict=True)]
    return [(one.lang, one.base, inflection_lines.derive(one)) for one in chosen]


def _words(tables: Mapping[tuple[Lang, str], object], seed: int, name: str, which: slice) -> Iterator[tuple[Lang, str]]:
    """Those words of each language that stand at `which` places of their order by lot."""
    for lang in sorted({lang for lang, _ in tables}, key=lambda lang: lang.tag):
        words = sorted(word for other, word in tables if other == lang)
        order = stream(seed, name, lang.tag).permutation(len(words))
        yield from ((lang, words[position]) for position in order[which])


def _dealt(things: Sequence[T], lang_of: Callable[[T], Lang], seed: int, *names: str) -> list[T]:
    """They by lot, each language's in its own places; `things` lie language by language."""
    result: list[T] = []
    for lang, some in groupby(things, key=lang_of):
        own = list(some)
        order = stream(seed, "inflection-permuted", *names, lang.tag).permutation(len(own))
        result += (own[other] for other in order)
    return result


def _of(cell: Inflection, line: Line) -> _Of:
    return cell.lang, cell.lemma, line
