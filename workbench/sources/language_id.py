"""Which of a few languages a text is in: character n-grams, learnt from samples that the user gives.

This is no identifier of the world's languages. It knows the languages it was shown, and calls a text in any other by
the name of the nearest of them. Its use is to take out of a corpus what is plainly in one of its neighbours: English
pages in a storybook, Spanish in a Quechua crawl. What it can do is measured in tests/sources/test_language_id.py, on
SIB-200; its mistakes are between close varieties.

Source: Cavnar and Trenkle 1994, "N-gram-based text categorization" (character n-grams, the most frequent of each
language); scored as a multinomial naive Bayes instead of by rank.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import languages
from workbench.errors import BadInput
from workbench.files import atomic_open
from workbench.records import Lang

ORDERS = (1, 2, 3, 4)
KEPT = 6_000  # most frequent n-grams of each language
SMOOTHING = 0.5


@dataclass(frozen=True)
class Profiles:
    """`scores[g, l]`: the log-probability of n-gram `g` in language `l`."""

    langs: tuple[Lang, ...]
    grams: tuple[str, ...]
    scores: NDArray[np.float32]  # [G, L]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {gram: place for place, gram in enumerate(self.grams)}

    def score(self, text: str) -> NDArray[np.float64] | None:
        """Mean log-probability per known n-gram in each language; None for a text without one.

        Shapes: [L]
        Units: nats per n-gram
        """
        found = [place for gram in _ngrams(text) if (place := self._index.get(gram)) is not None]
        return self.scores[found].mean(axis=0, dtype=np.float64) if found else None

    def name(self, text: str) -> Lang | None:
        """The language that scores highest."""
        scores = self.score(text)
        return None if scores is None else self.langs[int(scores.argmax())]

    def lead_of_another(self, text: str, lang: Lang) -> tuple[float, Lang] | None:
        """(by how many nats per n-gram, which) the best other language beats `lang`; negative where none does.

        Raises: BadInput where `lang` is none of the profiles.
        """
        if lang not in self.langs:
            known = ", ".join(each.tag for each in self.langs[:12])
            raise BadInput(f"language profiles: {lang} is none of them ({known}…); train them with a sample of it")
        scores = self.score(text)
        if scores is None or len(self.langs) == 1:
            return None
        own = self.langs.index(lang)
        others = np.delete(scores, own)
        best = int(others.argmax())
        return float(others[best] - scores[own]), self.langs[best + (best >= own)]

    def save(self, path: Path) -> None:
        with atomic_open(path) as file:
            np.savez_compressed(
                file,
                langs=np.array([lang.tag for lang in self.langs]),
                grams=np.array(self.grams),
                scores=self.scores,
            )


def load(path: Path) -> Profiles:
    """Profiles that `save` wrote.

    Raises: BadInput for anything else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            langs = tuple(languages.parse(str(tag)) for tag in arrays["langs"])
            grams = tuple(str(gram) for gram in arrays["grams"])
            scores = arrays["scores"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise BadInput(
            f"{path}: wanted language profiles as `workbench data profiles` writes them ({error})"
        ) from error
    if scores.shape != (len(grams), len(langs)) or not np.isfinite(scores).all():
        raise BadInput(f"{path}: {len(langs)} languages and {len(grams)} n-grams, but scores of shape {scores.shape}")
    return Profiles(langs, grams, scores)


def train(samples: Mapping[Lang, Iterable[str]]) -> Profiles:
    """Profiles of the languages of `samples`; some hundred sentences each are enough, and about as many for each.

    Raises: BadInput where a language has no letters.
    """
    langs = tuple(sorted(samples))
    counts = [Counter(gram for text in samples[lang] for gram in _ngrams(text)) for lang in langs]
    for lang, counted in zip(langs, counts, strict=True):
        if not counted:
            raise BadInput(f"language profiles: the sample of {lang} holds no letters")
    kept = {gram for counted in counts for gram, _ in sorted(counted.items(), key=lambda kv: (-kv[1], kv[0]))[:KEPT]}
    grams = tuple(sorted(kept))
    index = {gram: place for place, gram in enumerate(grams)}
    table = np.full((len(grams), len(langs)), SMOOTHING)
    for column, counted in enumerate(counts):
        for gram, number in counted.items():
            if gram in index:
                table[index[gram], column] += number
    return Profiles(langs, grams, np.log(table / table.sum(axis=0)).astype(np.float32))


def _ngrams(text: str) -> list[str]:
    """The n-grams within words, whose ends are marked by a space; no punctuation, no numbers."""
    found = languages.words(languages.nfc(text).casefold())
    padded = [f" {word} " for word in found if not word.isdecimal()]
    return [word[at : at + n] for word in padded for n in ORDERS for at in range(len(word) - n + 1)]
