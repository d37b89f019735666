"""Of what synthetic text was made, and so under what licence it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench import licences
from workbench.records import Document, Lexicon


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """`texts`: source of the sentences used -> (how many, its licence); `licence` joins all that bind the result."""

    texts: Mapping[str, tuple[int, str]]
    lexicon: str
    licence: str


def made_from(
    made: Iterable[Document],
    sentences: Iterable[Document],
    lexicon: Lexicon,
    licence_of: Mapping[str, str],
    paradigms: str | None = None,
) -> MadeFrom:
    """What went into documents whose first parents are `sentences`; a source without a licence counts as unstated.

    `paradigms`: the licence of those by which words were inflected, if any were.
    """
    used = {document.parents[0] for document in made}
    counts = Counter(sentence.source for sentence in sentences if sentence.id in used)
    texts = {source: (counts[source], licence_of.get(source, "") or licences.UNSTATED) for source in sorted(counts)}
    beside = [] if paradigms is None else [paradigms or licences.UNSTATED]
    whole = licences.joined([lexicon.licence, *(licence for _, licence in texts.values()), *beside])
    return MadeFrom(texts, lexicon.origin, whole)
