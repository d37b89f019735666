"""The lines that inflection tasks are put to a language model in: a prompt, and the answer behind it.

    paradigm   hestur: N ACC PL hesta, N DAT SG hesti
    inflect    hestur, N ACC PL: hesta
    reinflect  hestum, N DAT PL, N ACC PL: hesta
    analyse    hesta = hestur, N ACC PL; hestur, N GEN PL
    fill       N NOM SG = hestur; N DAT SG = hesti; N ACC PL = hesta
    segment    hestanna / hest|anna
    derive     axial + ab-, ADJ ADJ: abaxial

Why so:

- The answer comes last: a decoder is given what stands before it, an encoder fills in what it finds masked.
- A prompt alone says which task is asked, by its marks: which ordinary punctuation stands in it and how often. So no
  task needs a name, and nothing is reserved in the vocabulary. Words with a mark in them are left out (`is_plain`).
- Feature atoms are words of their own (`ACC`, `PL`), never one symbol for a whole bundle: bundles of the test set are
  often new, atoms hardly ever are.
- `paradigm` has no single answer: a lemma's cells share a line, so that a form can be read off the lemma and the
  features, and a feature off the form. It is the oldest of the formats, and its words may hold anything.

Tasks: Cotterell et al. 2016 (W16-2002) inflect and reinflect; Cotterell et al. 2017 (K17-2001), section 3, cells filled
in from several others; Batsuren et al. 2022 (2022.lrec-1.89), sections 4 and 5, segmentations and derivations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from workbench.records import Inflection
from workbench.sources.unimorph import Derivation, Segmented

_MARK = re.compile(r"[,:;](?= |$)|\||(?:^| )[=/+](?= |$)")


class Line(NamedTuple):
    """What is asked, up to its last mark, and what is to be said."""

    prompt: str
    answer: str

    @property
    def text(self) -> str:
        return f"{self.prompt} {self.answer}"


def is_plain(*texts: str) -> bool:
    """Whether none of them holds a mark, so that a line made of them can be read back."""
    return not any(map(_MARK.search, texts))


def paradigm(lemma: str, cells: Iterable[Inflection]) -> Line:
    """A lemma and its cells."""
    return Line(f"{lemma}:", ", ".join(f"{features(cell)} {cell.form}" for cell in cells))


def inflect(cell: Inflection) -> Line:
    """Lemma and features -> form."""
    return Line(f"{cell.lemma}, {features(cell)}:", cell.form)


def reinflect(known: Inflection, asked: Inflection) -> Line:
    """Another form of the lemma, its features and those of the form that is asked for -> this form."""
    return Line(f"{known.form}, {features(known)}, {features(asked)}:", asked.form)


def analyse(form: str, cells: Iterable[Inflection]) -> Line:
    """Form -> the lemma and the features of each of its cells."""
    return Line(f"{form} =", "; ".join(f"{cell.lemma}, {features(cell)}" for cell in cells))


def fill(known: Sequence[Inflection], asked: Inflection) -> Line:
    """One or more cells of a paradigm, and the features of another -> its form; the lemma is not named."""
    given = "; ".join(f"{features(cell)} = {cell.form}" for cell in known)
    return Line(f"{given}; {features(asked)} =", asked.form)


def segment(one: Segmented) -> Line:
    """Form -> its morphemes."""
    return Line(f"{one.inflection.form} /", "|".join(one.segments))


def derive(one: Derivation) -> Line:
    """Base, affix and both parts of speech -> the derived word."""
    return Line(f"{one.base} + {one.affix}, {parts_of_speech(one)}:", one.derived)


def features(cell: Inflection) -> str:
    """Its atoms as words."""
    return " ".join(cell.features)


def parts_of_speech(one: Derivation) -> str:
    """`N:ADJ` as words."""
    return one.parts_of_speech.replace(":", " ")
