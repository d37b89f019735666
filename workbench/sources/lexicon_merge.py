"""Two lexicons of the same languages: how far they agree, and one lexicon of both with provenance per entry."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench import languages, licences
from workbench.errors import BadInput
from workbench.records import Lexicon, Translation
from workbench.sources.lexicon_quality import NUM_EXAMPLES, distinct


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where two lexicons meet. Words are compared without case; `agreeing` sources share at least one translation."""

    first: str
    second: str
    num_sources: tuple[int, int]
    num_pairs: tuple[int, int]
    num_shared_sources: int
    num_shared_pairs: int
    num_agreeing: int
    num_agreeing_but_for_marks: int
    disagreements: tuple[str, ...]

    @property
    def agreement_rate(self) -> float:
        """Of the sources in both: the share with a translation in both."""
        return self.num_agreeing / self.num_shared_sources if self.num_shared_sources else 0.0


@dataclass(frozen=True, slots=True)
class Merged:
    """A lexicon of several, and for each of its (source, target word) pairs the origins that have it."""

    lexicon: Lexicon
    origins: Mapping[tuple[str, str], tuple[str, ...]]


def compare(first: Lexicon, second: Lexicon) -> Comparison:
    """Count what two lexicons of the same languages share, and show where they disagree.

    Raises: BadInput where they are of different languages.
    """
    _want_same_languages([first, second])
    one, other = _folded(first), _folded(second)
    shared = [word for word in one if word in other]
    agreeing = [word for word in shared if one[word] & other[word]]
    apart = [word for word in shared if not one[word] & other[word]]
    but_for_marks = [word for word in apart if _bare(one[word]) & _bare(other[word])]
    shown = sorted(set(apart) - set(but_for_marks))[:NUM_EXAMPLES]
    return Comparison(
        first=first.origin,
        second=second.origin,
        num_sources=(len(one), len(other)),
        num_pairs=(sum(map(len, one.values())), sum(map(len, other.values()))),
        num_shared_sources=len(shared),
        num_shared_pairs=sum(len(one[word] & other[word]) for word in shared),
        num_agreeing=len(agreeing),
        num_agreeing_but_for_marks=len(but_for_marks),
        disagreements=tuple(f"{word}: {_list(one[word])} | {_list(other[word])}" for word in shown),
    )


def merge(*lexicons: Lexicon) -> Merged:
    """One lexicon of all entries, in the order of the lexicons; equal pairs are one entry whose weights add up.

    A part of speech that the first holder leaves empty is taken from the next. The licences are joined by AND: all of
    them bind whoever uses the whole.

    Raises: BadInput where they are of different languages, or two have the same origin.
    """
    _want_same_languages(lexicons)
    names = [lexicon.origin for lexicon in lexicons]
    if len(set(names)) != len(names) or any(not name or name != "".join(name.split()) for name in names):
        raise BadInput(f"lexicons to merge: their origins must be distinct names without spaces, got {names}")
    entries: dict[str, dict[str, Translation]] = {}
    origins: dict[tuple[str, str], tuple[str, ...]] = {}
    for lexicon in lexicons:
        for word, translations in lexicon.entries.items():
            known = entries.setdefault(word, {})
            for new in translations:
                old = known.get(new.word, Translation(new.word, "", 0.0))
                known[new.word] = Translation(new.word, old.pos or new.pos, old.weight + new.weight)
                had = origins.get((word, new.word), ())
                origins[word, new.word] = had if lexicon.origin in had else (*had, lexicon.origin)
    whole = Lexicon(
        source=lexicons[0].source,
        target=lexicons[0].target,
        entries={word: tuple(known.values()) for word, known in entries.items()},
        origin="+".join(names),
        licence=licences.joined(lexicon.licence for lexicon in lexicons),
    )
    return Merged(whole, origins)


def _want_same_languages(lexicons: Sequence[Lexicon]) -> None:
    if not lexicons:
        raise BadInput("lexicons: wanted at least one")
    first = lexicons[0]
    for other in lexicons[1:]:
        if (other.source, other.target) != (first.source, first.target):
            related = {lang.code for lang in languages.counterparts(first.target)}
            advice = "; the codes are related: read one of the files as the other language, if that is meant"
            raise BadInput(
                f"lexicons of different languages: {first.origin} is {first.source} -> {first.target}, "
                f"{other.origin} is {other.source} -> {other.target}{advice if other.target.code in related else ''}"
            )


def _folded(lexicon: Lexicon) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for word, targets in distinct(lexicon).items():
        found.setdefault(word.casefold(), set()).update(target.casefold() for target in targets)
    return found


def _bare(texts: set[str]) -> set[str]:
    """The texts without marks: tone and vowel marks are what word lists differ in most."""
    return {"".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)) for text in texts}


def _list(texts: set[str]) -> str:
    return ", ".join(sorted(texts)[:3])
