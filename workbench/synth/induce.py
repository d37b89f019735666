"""A lexicon from a few translated sentences: IBM model 1 both ways, and of its pairs those that choose each other.

Sources: Brown et al. 1993, section 4.4 (J93-2003), model 1; Liang, Taskar & Klein 2006 (N06-1014): the product of both
directions; Melamed 2000, competitive linking (J00-2004): the best pair first, each word once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.errors import BadInput
from workbench.languages import words
from workbench.licences import joined
from workbench.records import Lang, Lexicon, Pair, Translation


@dataclass(frozen=True, slots=True)
class Bitext:
    """Sentence pairs as word ids, one row for every two words that stand in the same pair.

    Shapes: source, target, sentence [N]; `source` 0 is the null word.
    """

    source_words: Sequence[str]
    target_words: Sequence[str]
    source: np.ndarray
    target: np.ndarray
    sentence: np.ndarray


def induce(
    pairs: Iterable[Pair], source: Lang, *, iterations: int = 8, min_together: int = 2, min_score: float = 0.1,
    licence: str = "",
) -> Lexicon:  # fmt: skip
    """The pairs of words that are each other's translation in at least `min_together` sentence pairs.

    The score of a pair is the geometric mean of its two probabilities under model 1; pairs are linked in falling
    order of it, each word once, down to `min_score`, which becomes the entry's weight. Words are taken in lower case.

    Raises: BadInput where there is no sentence pair.
    """
    held = list(pairs)
    if not held:
        raise BadInput("lexicon induction: no translated sentence to learn from")
    forth = _bitext([(words(pair.source.lower()), words(pair.target.lower())) for pair in held])
    back = _bitext([(words(pair.target.lower()), words(pair.source.lower())) for pair in held])
    size = len(forth.target_words) + 1
    given = _model1(forth, iterations)
    reverse = _model1(back, iterations)
    scores: list[tuple[float, int, int]] = []
    together = _together(forth)
    wide = len(back.target_words) + 1
    for code, probability in given.items():
        left, right = divmod(code, size)
        other = reverse.get((right + 1) * wide + left - 1, 0.0) if left else 0.0
        if other > 0.0 and together[code] >= min_together:
            scores.append((float(np.sqrt(probability * other)), left, right))
    entries: dict[str, tuple[Translation, ...]] = {}
    taken: set[int] = set()
    for score, left, right in sorted(scores, key=lambda one: (-one[0], one[1], one[2])):
        word = forth.source_words[left - 1]
        if score < min_score:
            break
        if word not in entries and right not in taken:
            entries[word] = (Translation(forth.target_words[right], "", round(score, 4)),)
            taken.add(right)
    return Lexicon(source, held[0].lang, entries, f"induced from {len(held)} translated sentences", licence)


def with_induced(given: Lexicon, induced: Lexicon) -> Lexicon:
    """The given lexicon with the entries that only the induced one has; what is listed is never overruled."""
    known = {key.lower() for key in given.entries}
    new = {key: options for key, options in induced.entries.items() if key.lower() not in known}
    licence = joined((given.licence, induced.licence))
    origin = f"{given.origin} + {len(new)} entries {induced.origin}"
    return replace(given, entries={**given.entries, **new}, origin=origin, licence=licence)


def _bitext(sentences: Sequence[tuple[list[str], list[str]]]) -> Bitext:
    source_of: dict[str, int] = {}
    target_of: dict[str, int] = {}
    left: list[np.ndarray] = []
    right: list[np.ndarray] = []
    number: list[np.ndarray] = []
    for place, (here, there) in enumerate(sentences):
        if not here or not there:
            continue
        ours = np.array([0, *(source_of.setdefault(word, len(source_of)) + 1 for word in here)])
        theirs = np.array([target_of.setdefault(word, len(target_of)) for word in there])
        left.append(np.repeat(ours[None], len(theirs), axis=0).ravel())
        right.append(np.repeat(theirs, len(ours)))
        number.append(np.full(len(ours) * len(theirs), place))
    if not left:
        raise BadInput("lexicon induction: no sentence pair has words on both sides")
    return Bitext(list(source_of), list(target_of), np.concatenate(left), np.concatenate(right), np.concatenate(number))


def _model1(bitext: Bitext, iterations: int) -> dict[int, float]:
    """p(target word | source word) by EM, for the word pairs that occur, by code source * (targets + 1) + target."""
    size = len(bitext.target_words) + 1
    codes, cell = np.unique(bitext.source * size + bitext.target, return_inverse=True)
    of_source = codes // size
    # every token of a target sentence has one row per source word, so rows of one token lie side by side
    begins = np.flatnonzero(bitext.source == 0)
    probability = np.full(len(codes), 1.0 / size)
    for _ in range(iterations):
        weight = probability[cell]
        total = np.add.reduceat(weight, begins)
        weight /= np.repeat(total, np.diff([*begins, len(weight)]))
        expected = np.bincount(cell, weight, len(codes))
        probability = expected / np.bincount(of_source, expected, len(bitext.source_words) + 1)[of_source]
    return dict(zip(codes.tolist(), probability.tolist(), strict=True))


def _together(bitext: Bitext) -> dict[int, int]:
    """In how many sentence pairs two words stand together."""
    size = len(bitext.target_words) + 1
    codes = bitext.source * size + bitext.target
    once = np.unique(np.stack([codes, bitext.sentence]), axis=1)[0]
    found, counts = np.unique(once, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
