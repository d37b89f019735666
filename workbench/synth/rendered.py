"""What a block of substituted sentences becomes: texts, lines of JSON, or subword ids ready to train on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring

import numpy as np
import pyarrow as pa

from workbench.synth.encoded import Encoded
from workbench.synth.engine import Block, Engine

EncodeAll = Callable[[Sequence[str]], list[np.ndarray]]  # `Tokenizer.encode_all`


def texts(engine: Engine, block: Block) -> list[str]:
    """The kept sentences' texts, in order."""
    parts = list(map(engine.texts.__getitem__, block.pieces.tolist()))
    bounds = block.starts.tolist()
    return ["".join(parts[bounds[i] : bounds[i + 1]]) for i in np.flatnonzero(block.kept).tolist()]


class Strings:
    """A growing list of texts, of which any may follow any: pyarrow copies them one behind the other."""

    def __init__(self) -> None:
        self._held = pa.array([], pa.large_binary())

    def __len__(self) -> int:
        return len(self._held)

    def add(self, new: Sequence[str]) -> None:
        if new:
            self._held = pa.concat_arrays([self._held, pa.array([text.encode() for text in new], pa.large_binary())])

    def joined(self, order: np.ndarray) -> memoryview:
        """The texts of these numbers as one. Shapes: order [N] int32"""
        taken = self._held.take(pa.array(order))
        _, offsets, data = taken.buffers()
        ends = np.frombuffer(offsets, np.int64)[taken.offset : taken.offset + len(taken) + 1]
        return memoryview(data)[ends[0] : ends[-1]]


class Lines:
    """Kept sentences one to a line: as they are, or as JSON as `sources.shards` writes and reads documents."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._strings = Strings()
        self._strings.add(["\n"])
        self._first_piece = len(self._strings)
        self._known = 0

    def of(self, block: Block, most: int | None = None) -> memoryview:
        """The lines of the block, or the first so many of them, as UTF-8."""
        self._learn()
        kept = np.flatnonzero(block.kept)[:most]
        before, after = self._around(kept + block.first)
        all_lengths = np.diff(block.starts)
        is_kept = np.zeros(len(all_lengths), bool)
        is_kept[kept] = True
        sizes = before.shape[1] + all_lengths[kept] + after.shape[1]
        ends = np.cumsum(sizes)
        order = np.empty(int(ends[-1]) if len(ends) else 0, np.int32)
        is_piece = np.ones(len(order), bool)
        for around, first in ((before, ends - sizes), (after, ends - after.shape[1])):
            places = first[:, None] + np.arange(around.shape[1])
            order[places], is_piece[places] = around, False
        order[is_piece] = block.pieces[np.repeat(is_kept, all_lengths)] + self._first_piece
        return self._strings.joined(order)

    def _learn(self) -> None:
        """The engine finds new pieces as it goes."""
        new = self.engine.texts[self._known :]
        self._strings.add([self._written(text) for text in new])
        self._known += len(new)

    def _written(self, text: str) -> str:
        return text

    def _around(self, sentences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What stands before and after the text of each sentence. Shapes: [K] -> [K, N] and [K, M] int64"""
        return np.zeros((len(sentences), 0), np.int64), np.zeros((len(sentences), 1), np.int64)


class JSONLines(Lines):
    """With ids, language, source and parents."""

    def __init__(self, engine: Engine, tag: str, source: str, origin: str) -> None:
        super().__init__(engine)
        lang = _inner(tag)
        tail = f'", "lang": "{lang}", "source": {encode_basestring(source)}, "parents": ["'
        self._fixed = len(self._strings)
        self._strings.add(['{"id": "', f'>{lang}", "text": "', f"{tail}", f'", {encode_basestring(origin)}]}}\n'])
        self._first_id = len(self._strings)
        self._strings.add([_inner(one) for one in engine.encoded.ids])
        self._first_piece = len(self._strings)

    def _written(self, text: str) -> str:
        return _inner(text)

    def _around(self, sentences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        names = sentences + self._first_id
        fixed = [np.full(len(names), self._fixed + number) for number in range(4)]
        return np.stack([fixed[0], names, fixed[1]], axis=1), np.stack([fixed[2], names, fixed[3]], axis=1)


def _inner(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return encode_basestring(text)[1:-1]


@dataclass(frozen=True, slots=True)
class UnitIds:
    """Subword ids of a corpus' own units, worked out once for a tokenizer and used for every language.

    Shapes: flat [P] int32, starts [T + 1] int64
    """

    flat: np.ndarray
    starts: np.ndarray


def unit_ids(encoded: Encoded, encode_all: EncodeAll) -> UnitIds:
    """Ids of each distinct unit, empty for the unit of no text."""
    found = encode_all(list(encoded.types))
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in found], dtype=np.int64)])
    return UnitIds(np.concatenate(found) if found else np.zeros(0, np.int32), starts)


class Subwords:
    """Kept sentences as subword ids: of each piece once, of units without white space between them together.

    The same ids as encoding each whole text gives, because no piece of the tokenizer reaches across white space.
    """

    def __init__(self, engine: Engine, encode_all: EncodeAll, units: UnitIds) -> None:
        self.engine, self._encode_all = engine, encode_all
        self._flat = [units.flat]
        self._size = len(units.flat)
        known = len(units.starts) - 1
        self._start = np.full(2 * known + 1024, -1, np.int64)
        self._length = np.zeros(2 * known + 1024, np.int64)
        self._start[:known] = units.starts[:-1]
        self._length[:known] = np.diff(units.starts)
        self._extra: list[str] = []  # of joined units: texts of the pieces that are no engine's, counted from the end
        self._joined: dict[tuple[int, ...], int] = {}
        self._is_open = np.zeros(0, bool)

    def of(self, block: Block) -> Iterator[np.ndarray]:
        """Each kept sentence's ids, a view of the block's."""
        flat, starts = self.flat(block)
        for low, high in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            yield flat[low:high]

    def flat(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """All kept sentences' ids, and where each begins.

        Shapes: -> [P] int32, [K + 1] int64
        """
        lengths = np.diff(block.starts)
        pieces = block.pieces[np.repeat(block.kept, lengths)]
        num_kept = int(block.kept.sum())
        sentence = np.repeat(np.arange(num_kept), lengths[block.kept])
        if np.any(is_empty := pieces == self.engine.empty):
            pieces, sentence = pieces[~is_empty], sentence[~is_empty]
        pieces, sentence = self._whole_words(pieces, sentence)
        self._learn(pieces)
        sizes, begins = self._length[pieces], self._start[pieces]
        ends = np.concatenate([[0], np.cumsum(sizes)])
        source = np.arange(ends[-1]) + np.repeat(begins - ends[:-1], sizes)
        if len(self._flat) > 1:
            self._flat = [np.concatenate(self._flat)]
        return self._flat[0][source], ends[np.searchsorted(sentence, np.arange(num_kept + 1))]

    def _whole_words(self, pieces: np.ndarray, sentence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs of pieces without white space between them become one piece."""
        if (known := len(self._is_open)) < len(self.engine.texts):
            new = [not text[-1:].isspace() for text in self.engine.texts[known:]]
            self._is_open = np.concatenate([self._is_open, np.array(new, bool)])
        glued = np.flatnonzero(self._is_open[pieces[:-1]])
        glued = glued[sentence[glued] == sentence[glued + 1]]
        if not len(glued):
            return pieces, sentence
        pieces, kept = pieces.copy(), np.ones(len(pieces), bool)
        breaks = np.flatnonzero(np.diff(glued) > 1) + 1
        bounds = [0, *breaks.tolist(), len(glued)]
        at = glued.tolist()
        for low, high in itertools.pairwise(bounds):
            first, last = at[low], at[high - 1] + 1
            run = tuple(pieces[first : last + 1].tolist())
            if run not in self._joined:
                self._joined[run] = -1 - len(self._extra)
                self._extra.append("".join(self.engine.texts[piece] for piece in run))
            pieces[first] = self._joined[run]
            kept[first + 1 : last + 1] = False
        return pieces[kept], sentence[kept]

    def _learn(self, pieces: np.ndarray) -> None:
        """Encode the pieces not met before. Joined ones have negative numbers, and so lie at the tables' end."""
        needed = len(self.engine.texts) + len(self._extra)
        if needed > len(self._start):
            self._grow(2 * needed)
        seen = np.zeros(len(self._start), bool)
        seen[pieces] = True
        seen &= self._start < 0
        new = np.flatnonzero(seen)
        if not len(new):
            return
        size = len(self._start)
        count = len(self.engine.texts)
        written = [self.engine.texts[one] if one < count else self._extra[size - 1 - one] for one in new.tolist()]
        found = self._encode_all(written)
        lengths = np.array([len(ids) for ids in found], np.int64)
        self._start[new] = self._size + np.concatenate([[0], np.cumsum(lengths[:-1])])
        self._length[new] = lengths
        self._flat += found
        self._size += int(lengths.sum())

    def _grow(self, size: int) -> None:
        """Longer tables: what lies counted from the end stays so."""
        old = len(self._start)
        keep, extra = old - len(self._extra), len(self._extra)
        for name in ("_start", "_length"):
            table = getattr(self, name)
            wider = np.full(size, -1 if name == "_start" else 0, np.int64)
            wider[:keep] = table[:keep]
            if extra:
                wider[-extra:] = table[-extra:]
            setattr(self, name, wider)
