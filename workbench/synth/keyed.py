"""Random numbers by counter: the n-th number of a sentence is a hash of (seed, sentence id, n), so there is no state.

Sentences can be done in any order, by any number of processes, one by one or by the million in numpy: the numbers are
the same. Source: Steele, Lea & Flood 2014, SplitMix64's finaliser (https://doi.org/10.1145/2660193.2660195).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from workbench.seeds import derive

_STEP = np.uint64(0x9E3779B97F4A7C15)
_ONE, _FIRST, _SECOND = np.uint64(1), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_TO_53_BITS = np.uint64(11)


def hash_ids(ids: Iterable[str]) -> np.ndarray:
    """64 bits of each sentence id, whatever the seed.

    Shapes: -> [S] uint64
    """
    digests = b"".join(blake2b(one.encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def keys(hashes: np.ndarray, seed: int, *names: str) -> np.ndarray:
    """What the numbers of each sentence are drawn from.

    Shapes: hashes [S] uint64 -> [S] uint64
    """
    made = hashes ^ np.uint64(derive(seed, "keyed", *names))
    _mix(made)
    return made


def uniform(key: np.ndarray, counter: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1), 53 bits each.

    Shapes: key [N] uint64, counter [N] -> [N] float64
    """
    value = counter.astype(np.uint64)
    value += _ONE
    value *= _STEP
    value += key
    _mix(value)
    value >>= _TO_53_BITS
    return value * 2.0**-53


def _mix(value: np.ndarray) -> None:
    """In place."""
    value ^= value >> _SHIFTS[0]
    value *= _FIRST
    value ^= value >> _SHIFTS[1]
    value *= _SECOND
    value ^= value >> _SHIFTS[2]


class Keyed:
    """One sentence's numbers, with a numpy generator's `random`: each call gives the first numbers again."""

    def __init__(self, sentence_id: str, seed: int, *names: str) -> None:
        self.key = keys(hash_ids([sentence_id]), seed, *names)

    def random(self, size: tuple[int, ...]) -> np.ndarray:
        return uniform(self.key, np.arange(int(np.prod(size)))).reshape(size)
