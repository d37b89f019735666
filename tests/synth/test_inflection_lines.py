"""The lines of inflection tasks: read back by their marks alone, whatever the words are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.records import Inflection, Lang
from workbench.sources.unimorph import Derivation, Segmented
from workbench.synth import inflection_lines as lines
from workbench.synth.inflection_lines import Line, is_plain

ICELANDIC = Lang("isl", "Latn")

letters = st.text("aNPL-'.()/+=,:;|ð ", min_size=1, max_size=8).map(lambda text: " ".join(text.split()))
words = letters.filter(bool).filter(is_plain)
atoms = st.text("NPLSG.()/+-123{}", min_size=1, max_size=4)
bundles = st.lists(atoms, min_size=1, max_size=3).map(tuple).filter(lambda found: is_plain(" ".join(found)))
cells = st.builds(Inflection, st.just(ICELANDIC), words, words, bundles)


def read(text: str) -> tuple[str, ...]:
    """The task of a line and its parts, by nothing but the marks."""
    if " / " in text:
        return ("segment", *text.split(" / "))
    if " + " in text:
        base, rest = text.split(" + ")
        (affix, rest), derived = rest.split(", "), text.split(": ")[1]
        return ("derive", base, affix, rest.split(": ")[0], derived)
    if text.count(" = ") > 1:
        return ("fill", *(part for cell in text.split("; ") for part in cell.split(" = ")))
    if " = " in text:
        form, cells = text.split(" = ")
        return ("analyse", form, *(part for cell in cells.split("; ") for part in cell.split(", ")))
    before, after = text.split(": ", 1)
    task = ("paradigm", "inflect", "reinflect")[before.count(", ")]
    return (task, *before.split(", "), after)


def bundle(cell: Inflection) -> str:
    return " ".join(cell.features)


@given(cells, st.lists(cells, min_size=1, max_size=3), words, st.lists(words, min_size=1, max_size=3))
def test_every_line_can_be_read_back_and_none_reads_as_another_task_s(
    asked: Inflection, others: list[Inflection], affix: str, segments: list[str]
) -> None:
    known = others[0]
    derivation = Derivation(ICELANDIC, known.lemma, asked.form, "N:ADJ", affix)
    known_parts = [part for cell in others for part in (bundle(cell), cell.form)]
    analyses = [part for cell in others for part in (cell.lemma, bundle(cell))]
    listed = ", ".join(f"{bundle(cell)} {cell.form}" for cell in others)
    expected: list[tuple[Line, tuple[str, ...]]] = [
        (lines.paradigm(asked.lemma, others), ("paradigm", asked.lemma, listed)),
        (lines.inflect(asked), ("inflect", asked.lemma, bundle(asked), asked.form)),
        (lines.reinflect(known, asked), ("reinflect", known.form, bundle(known), bundle(asked), asked.form)),
        (lines.analyse(asked.form, others), ("analyse", asked.form, *analyses)),
        (lines.fill(others, asked), ("fill", *known_parts, bundle(asked), asked.form)),
        (lines.segment(Segmented(asked, tuple(segments))), ("segment", asked.form, "|".join(segments))),
        (lines.derive(derivation), ("derive", known.lemma, affix, "N ADJ", asked.form)),
    ]
    for line, parts in expected:
        assert read(line.text) == parts
        assert line.text.startswith(line.prompt)
        assert line.text.endswith(line.answer)
        # the prompt says by itself which task is asked: put any answer behind it
        assert read(f"{line.prompt} x")[0] == parts[0]


@pytest.mark.parametrize("word", ["a, b", "a: b", "one;", "a = b", "x|y", "and / or", "/ or", "3 +"])
def test_words_that_hold_a_mark_are_told(word: str) -> None:
    assert not is_plain("hestur", word)


@pytest.mark.parametrize("word", ["kl.", "e:n", "PST+PRF", "a/b", "l'eau", "Abu Dabili", "ab-", "a=b"])
def test_words_without_one_are_plain(word: str) -> None:
    assert is_plain(word)


def test_the_formats_of_the_docstring() -> None:
    def cell(form: str, *features: str) -> Inflection:
        return Inflection(ICELANDIC, "hestur", form, features)

    hesta, hestum = cell("hesta", "N", "ACC", "PL"), cell("hestum", "N", "DAT", "PL")
    made = [
        lines.paradigm("hestur", [hesta, cell("hesti", "N", "DAT", "SG")]),
        lines.inflect(hesta),
        lines.reinflect(hestum, hesta),
        lines.analyse("hesta", [hesta, cell("hesta", "N", "GEN", "PL")]),
        lines.fill([cell("hestur", "N", "NOM", "SG"), cell("hesti", "N", "DAT", "SG")], hesta),
        lines.segment(Segmented(cell("hestanna", "N"), ("hest", "anna"))),
        lines.derive(Derivation(Lang("eng", "Latn"), "axial", "abaxial", "ADJ:ADJ", "ab-")),
    ]
    assert lines.__doc__ is not None
    for line in made:
        assert f"  {line.text}\n" in lines.__doc__
