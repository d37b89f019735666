"""Rules that change a prefix and a suffix: a floor of our own, after the shared tasks' baseline (`nonneural.py`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from workbench.inflection.align import Link, align
from workbench.inflection.rows import Row

SUBSTITUTION = 1.1  # a changed character is dearer than a lost or a new one, but cheaper than both
START, END = "\N{START OF TEXT}", "\N{END OF TEXT}"

Rule = tuple[str, str]  # what stands there, and what replaces it


def _edges(links: list[Link]) -> tuple[int, int]:
    """How many characters stand alone, in lemma or form, before the first pair and behind the last."""
    pairs = [number for number, (i, j) in enumerate(links) if i is not None and j is not None]
    return (pairs[0], len(links) - 1 - pairs[-1]) if pairs else (0, len(links))


def _rules(lemma: str, form: str) -> tuple[set[Rule], set[Rule]]:
    """The prefix and suffix changes that a pair shows, each with every stretch of the stem that it stood next to."""
    links = align(lemma, form, SUBSTITUTION)
    before, behind = _edges(links)
    left = [lemma[i] if i is not None else "" for i, _ in links]
    right = [form[j] if j is not None else "" for _, j in links]
    suffixes = {("".join(left[at:]) + END, "".join(right[at:]) + END) for at in range(before, len(links) - behind + 1)}
    old, new = "".join(left[:before]), "".join(right[:before])
    stem = "".join(right[before : len(links) - behind])
    prefixes = {(START + old + stem[:context], START + new + stem[:context]) for context in range(max(1, len(stem)))}
    return prefixes, suffixes


class Rules:
    """For each feature bundle of training the rules that its rows show, and how often.

    A new lemma gets the suffix change with the longest match, of equally long ones the most frequent; then the most
    frequent prefix change that fits. Where training changes prefixes more than suffixes, words are read backwards. A
    bundle that was never seen leaves the lemma as it is.

    Source: Cotterell et al. 2017, section 5.1, "Baseline" (https://aclanthology.org/K17-2001).
    Differs: the stem is aligned in as few pieces as can be; a suffix change starts at the stem's end or before, never
    inside what is added (so that a lemma with an ending never seen gets all of it: Japanese 91.8 %, `NonNeural` 64.1);
    of prefix changes that are equally frequent the longest is taken; `backwards` counts on the same alignment. The
    published baseline itself is `NonNeural`.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        pairs = [(row.lemma, row.form, row.features) for row in rows if row.form is not None]
        edges = [_edges(align(lemma, form, SUBSTITUTION)) for lemma, form, _ in pairs]
        self.backwards = sum(before for before, _ in edges) > sum(behind for _, behind in edges)
        self._prefixes: dict[str, Counter[Rule]] = {}
        self._suffixes: dict[str, Counter[Rule]] = {}
        for lemma, form, features in pairs:
            prefixes, suffixes = _rules(self._turned(lemma), self._turned(form))
            self._prefixes.setdefault(features, Counter()).update(prefixes)
            self._suffixes.setdefault(features, Counter()).update(suffixes)

    def _turned(self, word: str) -> str:
        return word[::-1] if self.backwards else word

    def inflect(self, lemma: str, features: str) -> str:
        word = START + self._turned(lemma) + END
        suffixes = [(rule, n) for rule, n in self._suffixes.get(features, Counter()).items() if word.endswith(rule[0])]
        if suffixes:
            (old, new), _ = max(suffixes, key=lambda one: (len(one[0][0]), one[1], len(one[0][1]), one[0]))
            word = word.removesuffix(old) + new
        prefixes = [
            (rule, n) for rule, n in self._prefixes.get(features, Counter()).items() if word.startswith(rule[0])
        ]
        if prefixes:
            (old, new), _ = max(prefixes, key=lambda one: (one[1], len(one[0][0]), one[0]))
            word = new + word.removeprefix(old)
        return self._turned(word.strip(START + END))
