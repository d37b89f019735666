"""What a block of substituted sentences becomes: texts, lines of JSON, or subword ids ready to train on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.synth.encoded import Encoded
from workbench.synth.engine import Block, Engine

EncodeAll = Callable[[Sequence[str]], list[np.ndarray]]  # `Tokenizer.encode_all`


def texts(engine: Engine, block: Block) -> list[str]:
    """The kept sentences' texts, in order."""
    return _joined(engine.texts, block)


def _joined(written: Sequence[str], block: Block) -> list[str]:
    parts = list(map(written.__getitem__, block.pieces.tolist()))
    bounds = block.starts.tolist()
    return ["".join(parts[bounds[i] : bounds[i + 1]]) for i in np.flatnonzero(block.kept).tolist()]


class Lines:
    """Kept sentences as JSON lines, as `sources.shards` writes and reads documents."""

    def __init__(self, engine: Engine, tag: str, source: str, origin: str) -> None:
        self.engine = engine
        self.tag = tag
        self.tail = (
            f'", "lang": {_json(tag)}, "source": {_json(source)}, "parents": ["',
            f'", {_json(origin)}]}}\n',
        )
        self._escaped: list[str] = []

    def of(self, block: Block) -> str:
        """The block's lines in one text."""
        new = self.engine.texts[len(self._escaped) :]
        if new:
            self._escaped += [_inner(text) for text in new]
        middle, end = self.tail
        ids = self.engine.encoded.ids
        names = [_inner(ids[i]) for i in (np.flatnonzero(block.kept) + block.first).tolist()]
        between = f'>{self.tag}", "text": "'
        found = zip(names, _joined(self._escaped, block), strict=True)
        return "".join([f'{{"id": "{name}{between}{text}{middle}{name}{end}' for name, text in found])


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _inner(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return _json(text)[1:-1]


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
        sentence = np.repeat(np.arange(len(lengths)), lengths)
        wanted = block.kept[sentence] & (block.pieces != self.engine.empty)
        pieces, sentence = block.pieces[wanted], sentence[wanted]
        pieces, sentence = self._whole_words(pieces, sentence)
        self._learn(pieces)
        sizes, begins = self._length[pieces], self._start[pieces]
        ends = np.cumsum(sizes)
        total = int(ends[-1]) if len(ends) else 0
        source = np.arange(total) + np.repeat(begins - (ends - sizes), sizes)
        per_sentence = np.bincount(sentence, sizes, len(lengths)).astype(np.int64)[block.kept]
        if len(self._flat) > 1:
            self._flat = [np.concatenate(self._flat)]
        return self._flat[0][source], np.concatenate([[0], np.cumsum(per_sentence)])

    def _whole_words(self, pieces: np.ndarray, sentence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Runs of pieces without white space between them become one piece."""
        if (known := len(self._is_open)) < len(self.engine.texts):
            new = [not text[-1:].isspace() for text in self.engine.texts[known:]]
            self._is_open = np.concatenate([self._is_open, np.array(new, bool)])
        glued = np.flatnonzero(self._is_open[pieces[:-1]] & (sentence[:-1] == sentence[1:]))
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
