"""Labelled examples as arrays: pieces, where words begin, and batches of like length in a few shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from workbench.errors import BadInput
from workbench.evaluation.representations import LENGTHS
from workbench.tasks.task import Example
from workbench.tokenizer.processor import TextTokenizer

IGNORED = -1  # of labels and tags: where no loss counts
UNREAD = np.iinfo(np.int64).max  # the place of a word that stands behind all that the model takes
POOL = 50  # batches whose examples are sorted by length together
SHARES = (
    0.25,
    0.5,
    0.75,
    0.9,
    0.97,
    1.0,
)  # of the examples fit into training batches of each length; each length is a program of its own
ROUND = 4  # lengths are rounded up to this
EVALUATION_TOKENS = 2048  # of a batch that is only read: what a core keeps close; 4,096 took 1.2 times as long


class Batch(NamedTuple):
    """Shapes: ids [B, T], lengths [B], labels [B], tags [B, T] int32; tags stand at the first piece of their word"""

    ids: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    tags: np.ndarray


@dataclass(frozen=True, slots=True)
class Names:
    """What can be predicted: labels and tags in the order of their numbers; the tag of most words in training."""

    labels: tuple[str, ...]
    tags: tuple[str, ...]
    usual_tag: str = ""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Examples in pieces, `most` at most where the model takes no more; so many of them were `cut`.

    `firsts` are the places of the words' first pieces, empty where there are no words, `UNREAD` behind a cut.

    Shapes: ids, firsts, tags: an array per example; labels [N] int32
    """

    ids: list[np.ndarray]
    firsts: list[np.ndarray]
    labels: np.ndarray
    tags: list[np.ndarray]
    most: int | None = None
    cut: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> np.ndarray:  # [N] int64
        return np.array([len(ids) for ids in self.ids])

    def batch(self, chosen: np.ndarray, size: int, length: int) -> Batch:
        """Rows of `length`, `size` of them; those that are missing are empty, what is longer is cut."""
        ids, tags = np.zeros((size, length), np.int32), np.full((size, length), IGNORED, np.int32)
        lengths, labels = np.ones(size, np.int32), np.full(size, IGNORED, np.int32)
        labels[: len(chosen)] = self.labels[chosen]
        for row, number in enumerate(chosen):
            pieces, firsts = self.ids[number], self.firsts[number]
            lengths[row] = min(len(pieces), length)
            ids[row, : lengths[row]] = pieces[:length]
            kept = firsts < length
            tags[row, firsts[kept]] = self.tags[number][kept]
        return Batch(ids, lengths, labels, tags)


def encode(examples: Sequence[Example], tokenizer: TextTokenizer, names: Names, most: int | None = None) -> Encoded:
    """Pieces of the words where an example has words, else of its text; an unknown label or tag is ignored.

    Around them stands what a published model has seen around every text. A word that the tokenizer makes nothing of (a
    lone zero-width sign) is one unknown piece: every word has a first. Of an example with more than `most` pieces, what
    stands around it among them, the last of its own are left out.
    """
    label = {name: number for number, name in enumerate(names.labels)}
    tag = {name: number for number, name in enumerate(names.tags)}
    words = sorted({word for one in examples for word in one.words})
    pieces = dict(zip(words, _encoded(words, tokenizer), strict=True))
    texts = iter(_encoded([one.text for one in examples if not one.words], tokenizer))
    before, after = (np.array(some, np.int32) for some in tokenizer.around)
    ids, firsts, tags = [], [], []
    num_cut = 0
    for one in examples:
        if one.words:
            cut = [pieces[word] for word in one.words]
            own = np.concatenate(cut)
            firsts.append(np.fromiter(accumulate((len(part) for part in cut[:-1]), initial=len(before)), np.int64))
            tags.append(np.array([tag.get(name, IGNORED) for name in one.tags], np.int32))
        else:
            own = next(texts)
            firsts.append(np.zeros(0, np.int64))
            tags.append(np.zeros(0, np.int32))
        if most is not None and len(before) + len(own) + len(after) > most:
            own = own[: most - len(before) - len(after)]
            firsts[-1] = np.where(firsts[-1] < len(before) + len(own), firsts[-1], UNREAD)
            num_cut += 1
        ids.append(np.concatenate([before, own, after]))
    labels = np.array([label.get(one.label, IGNORED) for one in examples], np.int32)
    return Encoded(ids, firsts, labels, tags, most, num_cut)


def _encoded(texts: Sequence[str], tokenizer: TextTokenizer) -> list[np.ndarray]:
    unknown = np.array([tokenizer.vocab.unk], np.int32)
    return [ids if len(ids) else unknown for ids in tokenizer.encode_all(texts)]


def training_lengths(lengths: np.ndarray, most: int) -> tuple[int, ...]:
    """The lengths of training batches: few, and close to those of the examples (at most `most`)."""
    wanted = np.quantile(np.minimum(lengths, most), SHARES)
    return tuple(sorted({int(-(-value // ROUND) * ROUND) for value in wanted}))


def training_order(
    lengths: Sequence[np.ndarray], shares: Sequence[float], steps: int, batch_size: int, rng: np.random.Generator
) -> np.ndarray:
    """Which examples each step reads: of several sets by their shares, epoch by epoch, those of like length together.

    Examples are numbered through all sets. Every `POOL` batches hold the sets by their shares (to the nearest example)
    and are sorted by length; a set's examples come once in each of its epochs.

    Shapes: lengths: [N] of each set -> [steps, B] int64
    Raises: BadInput for a set without examples.
    """
    offsets = [0, *accumulate(len(one) for one in lengths)]
    all_lengths = np.concatenate(lengths)
    pools, done, taken = [], 0, [0] * len(lengths)
    streams = [_epochs(len(one), offset, rng) for one, offset in zip(lengths, offsets[:-1], strict=True)]
    while done < steps:
        num = min(POOL, steps - done)
        done += num
        wanted = [round(share * done * batch_size) for share in shares]
        wanted[0] += done * batch_size - sum(wanted)
        drawn = [
            next(one) for one, now, before in zip(streams, wanted, taken, strict=True) for _ in range(now - before)
        ]
        taken = wanted
        chosen = np.array(drawn)
        chosen = chosen[rng.permutation(len(chosen))]
        by_length = chosen[np.argsort(all_lengths[chosen], kind="stable")].reshape(num, batch_size)
        pools.append(by_length[rng.permutation(num)])
    return np.concatenate(pools)


def _epochs(count: int, offset: int, rng: np.random.Generator) -> Iterator[int]:
    if not count:
        raise BadInput("fine-tuning: a set of training examples is empty")
    while True:
        yield from (rng.permutation(count) + offset).tolist()


def reading_batches(encoded: Encoded) -> Iterator[tuple[np.ndarray, Batch]]:
    """Every example once, longest last, and which they are: the shapes depend on lengths alone, not on languages."""
    lengths = encoded.lengths
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        length = reading_length(int(lengths[order[start]]), encoded.most)
        size = max(1, EVALUATION_TOKENS // length)
        stop = start + int(np.searchsorted(lengths[order[start : start + size]], length, side="right"))
        chosen = order[start:stop]
        yield chosen, encoded.batch(chosen, size, length)
        start = stop


def reading_length(longest: int, most: int | None = None) -> int:
    """The least of `LENGTHS` that holds it (beyond them, of the powers of two), at most `most`: few programs."""
    length = next((one for one in LENGTHS if one >= longest), 1 << (longest - 1).bit_length())
    return length if most is None else min(length, most)
