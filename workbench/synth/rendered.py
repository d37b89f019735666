"""What a block of substituted sentences becomes: texts, lines of JSON, or subword ids ready to train on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """A growing list of byte strings, of which any may follow any: pyarrow copies them one behind the other."""

    def __init__(self, flat: bytes | np.ndarray = b"", bounds: np.ndarray | None = None) -> None:
        """Begins with those that `bounds` cuts from `flat`, in bytes."""
        cut = np.zeros(1, np.int64) if bounds is None else bounds
        buffers = [None, pa.py_buffer(cut), pa.py_buffer(flat)]
        self._held = pa.Array.from_buffers(pa.large_binary(), len(cut) - 1, buffers)

    def __len__(self) -> int:
        return len(self._held)

    def add(self, new: Iterable[bytes]) -> None:
        self._held = pa.concat_arrays([self._held, pa.array(list(new), pa.large_binary())])

    def joined(self, order: np.ndarray) -> tuple[memoryview, np.ndarray]:
        """The strings of these numbers as one, and where in it each begins, with its end.

        Shapes: order [N] int32 -> [N + 1] int64
        """
        taken = self._held.take(pa.array(order))
        _, offsets, data = taken.buffers()
        bounds = np.frombuffer(offsets, np.int64)[taken.offset : taken.offset + len(taken) + 1]
        assert bounds[0] == 0, "pyarrow gives what it has taken a place of its own"
        return memoryview(data)[: bounds[-1]], bounds


class Lines:
    """Kept sentences one to a line: as they are, or as JSON as `sources.shards` writes and reads documents."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._strings = Strings()
        self._strings.add([b"\n"])
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
        return self._strings.joined(order)[0]

    def _learn(self) -> None:
        """The engine finds new pieces as it goes."""
        if new := self.engine.texts[self._known :]:
            self._strings.add(self._written(text).encode() for text in new)
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
        fixed = ('{"id": "', f'>{lang}", "text": "', tail, f'", {encode_basestring(origin)}]}}\n')
        self._strings.add(text.encode() for text in fixed)
        self._first_id = len(self._strings)
        self._strings.add(_inner(one).encode() for one in engine.encoded.ids)
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
    starts = bounds_of([len(ids) for ids in found])
    return UnitIds(np.concatenate(found) if found else np.zeros(0, np.int32), starts)


class Subwords:
    """Kept sentences as subword ids: of each piece once, of units without white space between them together.

    The same ids as encoding each whole text gives, because no piece of the tokenizer reaches across white space.
    """

    def __init__(self, engine: Engine, encode_all: EncodeAll, units: UnitIds) -> None:
        self.engine, self._encode_all = engine, encode_all
        self._strings = Strings(units.flat, 4 * units.starts)  # ids of a piece, or of joined ones: int32, as bytes
        self._row = np.arange(len(units.starts) - 1, dtype=np.int32)  # of each piece of the engine
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
        self._learn()
        lengths = np.diff(block.starts)
        pieces = block.pieces[np.repeat(block.kept, lengths)].astype(np.intp)
        starts = bounds_of(lengths[block.kept])
        if np.any(is_empty := pieces == self.engine.empty):
            pieces, starts = pieces[~is_empty], bounds_of(~is_empty)[starts]
        rows, starts = self._whole_words(pieces, starts)
        flat, begins = self._strings.joined(rows)
        return np.frombuffer(flat, np.int32), begins[starts] // 4

    def _whole_words(self, pieces: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The row of each piece; runs of pieces without white space between them become one."""
        rows = self._row[pieces]
        is_open = self._is_open[pieces]
        is_open[starts[1:][np.diff(starts) > 0] - 1] = False  # none goes on behind a sentence
        glued = np.flatnonzero(is_open)
        if not len(glued):
            return rows, starts
        kept = np.ones(len(pieces), bool)
        breaks = np.flatnonzero(np.diff(glued) > 1) + 1
        bounds = [0, *breaks.tolist(), len(glued)]
        at = glued.tolist()
        new: list[str] = []
        for low, high in itertools.pairwise(bounds):
            first, last = at[low], at[high - 1] + 1
            run = tuple(pieces[first : last + 1].tolist())
            if run not in self._joined:
                self._joined[run] = len(self._strings) + len(new)
                new.append("".join(self.engine.texts[piece] for piece in run))
            rows[first] = self._joined[run]
            kept[first + 1 : last + 1] = False
        if new:
            self._add(new)
        return rows[kept], bounds_of(kept)[starts]

    def _learn(self) -> None:
        """The engine finds new pieces as it goes."""
        if new := self.engine.texts[len(self._row) :]:
            rows = np.arange(len(self._strings), len(self._strings) + len(new), dtype=np.int32)
            self._row = np.append(self._row, rows)
            self._add(new)
        if known := self.engine.texts[len(self._is_open) :]:
            self._is_open = np.append(self._is_open, [not text[-1:].isspace() for text in known])

    def _add(self, texts: Sequence[str]) -> None:
        self._strings.add(ids.tobytes() for ids in self._encode_all(texts))


def bounds_of(lengths: np.ndarray | Sequence[int]) -> np.ndarray:
    """Where stretches of these lengths begin, and the last ends.

    Shapes: [N] -> [N + 1] int64
    """
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
