"""The shared tasks' non-neural baseline: of the changes that training showed, the longest suffix that fits."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterable, Sequence

from workbench.inflection.rows import Row

SUBSTITUTION, GAP = 1.1, 1.0  # a changed character is dearer than a lost or a new one, but cheaper than both
START, END = "\N{START OF TEXT}", "\N{END OF TEXT}"

Pair = tuple[str, str]  # a character of the lemma and one of the form; "" where nothing stands
Change = tuple[str, str]  # what stands at an end of a word, and what replaces it


class NonNeural:
    """For each feature bundle the prefix and suffix changes that its training rows show, and how often.

    A new lemma gets the suffix change with the longest match; of these the most frequent, then the one that writes
    most, then the first seen. Then the most frequent prefix change that fits. A bundle that was never seen leaves the
    lemma as it is. Where training adds and takes away more before a word than behind it (lemma and form laid beside
    each other without gaps; rows with a space or a hyphen do not count), words are read backwards.

    A row's suffix changes are all the ends of its alignment from the stem on, cut at every place: within what is added
    too, so that a row that adds `する` also shows, and the more often, that nothing is added to an end.

    Source: Cotterell et al. 2017, section 5.1, "Baseline" (https://aclanthology.org/K17-2001), and the shared task's
    description of it (https://github.com/sigmorphon/2021Task0, baselines/nonneural). What these leave open (costs,
    ties, `backwards`) is as in the shared task's program: the figures of 2023 are the same in eight languages (tests).
    Differs: of prefix changes that are equally frequent and first seen in one row, the shortest is taken; there it is
    left to the order of a set.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        pairs = [(row.lemma, row.form, row.features) for row in rows if row.form is not None]
        whole = [(lemma, form) for lemma, form, _ in pairs if not set(lemma + form) & {" ", "-"}]
        edges = [_edges(lemma, form) for lemma, form in whole]
        self.backwards = sum(before for before, _ in edges) > sum(behind for _, behind in edges)
        prefixes: dict[str, Counter[Change]] = {}
        suffixes: dict[str, Counter[Change]] = {}
        for lemma, form, features in pairs:
            at_start, at_end = _changes(self._turned(lemma), self._turned(form))
            prefixes.setdefault(features, Counter()).update(at_start)
            suffixes.setdefault(features, Counter()).update(at_end)
        # each bundle's in the order in which they are tried; of equal ones the first seen stays first
        self._prefixes = {features: [change for change, _ in seen.most_common()] for features, seen in prefixes.items()}
        self._suffixes = {
            features: sorted(seen, key=lambda one: (len(one[0]), seen[one], len(one[1])), reverse=True)
            for features, seen in suffixes.items()
        }

    def _turned(self, word: str) -> str:
        return word[::-1] if self.backwards else word

    def inflect(self, lemma: str, features: str) -> str:
        word = START + self._turned(lemma) + END
        for old, new in self._suffixes.get(features, ()):
            if word.endswith(old):
                word = word.removesuffix(old) + new
                break
        for old, new in self._prefixes.get(features, ()):
            if word.startswith(old):
                word = new + word.removeprefix(old)
                break
        return self._turned(word.strip(START + END))


def _changes(lemma: str, form: str) -> tuple[list[Change], list[Change]]:
    """The prefix and the suffix changes that a row shows, each once."""
    pairs = _aligned(lemma, form)
    before, behind = _gaps(pairs), _gaps(pairs[::-1])
    suffixes = [(END, END)]
    for old, new in reversed(pairs[before:]):
        suffixes.append((old + suffixes[-1][0], new + suffixes[-1][1]))
    edge, stem = pairs[:before], pairs[before : len(pairs) - behind]
    prefixes = [(START + "".join(old for old, _ in edge), START + "".join(new for _, new in edge))]
    for _, new in stem[:-1]:
        prefixes.append((prefixes[-1][0] + new, prefixes[-1][1] + new))
    return list(dict.fromkeys(prefixes)), list(dict.fromkeys(suffixes))


def _gaps(pairs: Sequence[Pair]) -> int:
    """How many characters of one side alone the alignment begins with."""
    return max(next((at for at, pair in enumerate(pairs) if pair[side]), len(pairs)) for side in (0, 1))


def _aligned(lemma: str, form: str) -> list[Pair]:
    """The alignment of least edit cost; of several the one that, from the left, pairs before it inserts or deletes.

    Costs are rounded as in a search that goes from the left, pairing first, and keeps what each remainder cost when it
    was first reached. 1.1 is no binary fraction, so that of two alignments that cost alike either may be the cheaper
    by a last bit; with exact sums 1 of 993 Hebrew forms and 6 of 1,000 Sanskrit ones would be right that are not.
    """
    changed = [[0.0 if old == new else SUBSTITUTION for new in form] for old in lemma]
    reached = _reached(changed, len(lemma), len(form))
    rest = [[0.0] * (len(form) + 1) for _ in range(len(lemma) + 1)]
    steps: dict[tuple[int, int], tuple[int, int]] = {}
    for i in range(len(lemma), -1, -1):
        for j in range(len(form), -1, -1):
            past = reached[i][j]
            if i == len(lemma) or j == len(form):
                rest[i][j] = past + (len(lemma) - i + len(form) - j) * GAP - past
                continue
            least, step = past + changed[i][j] + rest[i + 1][j + 1], (1, 1)
            if (inserted := past + GAP + rest[i][j + 1]) < least:
                least, step = inserted, (0, 1)
            if (deleted := past + GAP + rest[i + 1][j]) < least:
                least, step = deleted, (1, 0)
            rest[i][j], steps[i, j] = least - past, step
    pairs, i, j = [], 0, 0
    while i < len(lemma) and j < len(form):
        di, dj = steps[i, j]
        pairs.append((lemma[i : i + di], form[j : j + dj]))
        i, j = i + di, j + dj
    return pairs + [(old, "") for old in lemma[i:]] + [("", new) for new in form[j:]]


def _reached(changed: Sequence[Sequence[float]], lemma: int, form: int) -> list[list[float]]:
    """[lemma + 1, form + 1]: what the search has paid where it first has the remainders from i and j on.

    It pairs as long as it can, so it comes to (i, i) by pairs alone, and from there, going back, inserts or deletes;
    to what is left of one word when the other is at its end, by a last pair.
    """
    reached = [[0.0] * (form + 1) for _ in range(lemma + 1)]
    for i in range(lemma + 1):
        for j in range(form + 1):
            if i == j == 0:
                continue
            at_end = i == lemma < j or j == form < i
            if i == j or (at_end and min(i, j)):
                reached[i][j] = reached[i - 1][j - 1] + changed[i - 1][j - 1]
            else:
                reached[i][j] = (reached[i][j - 1] if i < j else reached[i - 1][j]) + GAP
    return reached


def _edges(lemma: str, form: str) -> tuple[int, int]:
    """How far one word stands out before and behind the other, where they are laid beside each other without gaps.

    So that the fewest places differ; of several such the one with the lemma furthest to the left.
    """

    def alike(at: int) -> int:
        old, new = lemma[max(0, -at) :], form[max(0, at) :]
        return min(len(old), len(new)) + sum(map(operator.eq, old, new))

    at = max(range(-len(lemma), len(form) + 1), key=alike)
    return abs(at), abs(at + len(lemma) - len(form))
