"""A character n-gram language model: the floor under every bits-per-byte figure, trained in a tenth of a second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

# How many code points take 1, 2, 3, 4 bytes in UTF-8 (surrogates are none).
CODE_POINTS = np.array([0x80, 0x800 - 0x80, 0x10000 - 0x800 - 0x800, 0x110000 - 0x10000])
ORDER = 6
START = -1  # stands before a text's first character, as often as the order asks


class CharLM:
    """Interpolated Witten-Bell character model, predicting left to right, each text from its own start.

    Below the unigrams lies a uniform choice of UTF-8 length and then of code point, so that no character is impossible
    and the probabilities of all code points sum to 1. A text's end is not predicted, as a masked model's is not.

    Source: Witten & Bell 1991; in the interpolated form of Chen & Goodman 1998, section 2.6.
    """

    def __init__(self, texts: Iterable[str], order: int = ORDER) -> None:
        self.order = order
        characters, history = _windows(list(texts), order)
        if not len(characters):
            raise ValueError("a character model needs at least one character of text")
        self.levels: list[_Level] = []
        context = np.zeros(len(characters), np.int64)
        for length in range(order):
            if length:
                context = self.levels[-1].extend(context, history[:, length - 1])
            earlier = history[:, length] if length + 1 < order else history[:, :0]
            self.levels.append(_Level(context, characters, earlier))

    def probabilities(self, characters: np.ndarray, history: np.ndarray) -> np.ndarray:
        """p(character | history) of code points, `history` nearest first, `START` before the text.

        Shapes: characters [N], history [N, order - 1] -> [N] float64
        """
        lengths = np.searchsorted([0x80, 0x800, 0x10000], characters, side="right")
        probability = 0.25 / CODE_POINTS[lengths]
        context = np.zeros(len(characters), np.int64)
        for length, level in enumerate(self.levels):
            if length:
                context = self.levels[length - 1].extend(context, history[:, length - 1])
            probability = level.interpolate(context, characters, probability)
        return probability

    def bits(self, texts: Sequence[str]) -> np.ndarray:
        """Bits of each text under the model.

        Shapes: -> [N] float64
        """
        characters, history = _windows(texts, self.order)
        surprisal = -np.log2(self.probabilities(characters, history))
        ends = np.cumsum([len(text) for text in texts])
        return np.diff(np.concatenate([[0.0], np.cumsum(surprisal)])[np.concatenate([[0], ends])])


class _Level:
    """Counts of one order. A context is a number; -1 is a context that training never saw.

    Shapes: context, characters [N]; earlier [N], or [N, 0] at the longest context
    """

    def __init__(self, context: np.ndarray, characters: np.ndarray, earlier: np.ndarray) -> None:
        self.pairs, counts = np.unique(_join(context, characters), return_counts=True)
        self.counts = counts.astype(np.float64)
        owners = self.pairs >> 32
        self.totals = np.bincount(owners, weights=self.counts)
        self.types = np.bincount(owners).astype(np.float64)
        self.longer = np.unique(_join(context, earlier)) if earlier.ndim == 1 else np.zeros(0, np.int64)

    def interpolate(self, context: np.ndarray, characters: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Witten-Bell: (count + types * lower) / (total + types); `lower` where the context is unseen."""
        slot, seen = _find(self.pairs, _join(context, characters))
        count = np.where(seen, self.counts[slot], 0.0)
        total, types = self.totals[context], self.types[context]
        return np.where(context >= 0, (count + types * lower) / (total + types), lower)

    def extend(self, context: np.ndarray, earlier: np.ndarray) -> np.ndarray:
        """Numbers of the contexts made longer by one earlier character."""
        slot, seen = _find(self.longer, _join(context, earlier))
        return np.where(seen & (context >= 0), slot, -1)


def _join(context: np.ndarray, character: np.ndarray) -> np.ndarray:
    return (context << 32) | (character + 1)


def _find(table: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    slot = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return slot, table[slot] == wanted


def _windows(texts: Sequence[str], order: int) -> tuple[np.ndarray, np.ndarray]:
    """Every character with the `order - 1` before it, nearest first; nothing reaches over a text's start.

    Shapes: -> [N], [N, order - 1] int64
    """
    back = order - 1
    padded = "".join("\0" * back + text for text in texts)
    flat = np.frombuffer(padded.encode("utf-32-le"), np.uint32).astype(np.int64)
    lengths = np.array([len(text) for text in texts], np.int64)
    starts = np.cumsum(lengths + back) - (lengths + back)  # [texts]
    filler = (starts[:, None] + np.arange(back)).ravel()
    flat[filler] = START
    position = np.delete(np.arange(len(flat)), filler)
    return flat[position], flat[position[:, None] - np.arange(1, order)]
