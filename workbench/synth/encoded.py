"""A corpus as numbers: each text cut into units of one word with what clings to it, each distinct unit one id.

    "The dog (a pug), barks."   ->   `The ` `dog ` `(a ` `pug), ` `barks.`

Units put side by side are the text, to the byte. What is done to a word can so be worked out once per distinct unit,
and a text is a stretch of an array.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from workbench.errors import BadInput
from workbench.files import atomic_open
from workbench.languages import word_spans
from workbench.records import Document
from workbench.synth.keyed import hash_ids

Cut = Literal["words", "whitespace"]
FORMAT = 1
HELD = 1 << 20  # units that are Python's own numbers at a time


@dataclass(frozen=True, slots=True)
class Encoded:
    """Sentence `i` is `units[starts[i]:starts[i + 1]]`; a unit's word is `types[unit][slice(*word[unit])]`.

    Shapes: word [T, 2] int32 (equal ends: no word), units [N] int32, starts [S + 1] int64, hashes [S] uint64
    """

    cut: Cut
    types: Sequence[str]
    word: np.ndarray
    units: np.ndarray
    starts: np.ndarray
    hashes: np.ndarray
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)

    def words(self) -> list[str]:
        """Each type's word."""
        starts, ends = self.word.T.tolist()
        return [text[start:end] for text, start, end in zip(self.types, starts, ends, strict=True)]

    def save(self, path: Path) -> None:
        with atomic_open(path) as file:
            np.savez(
                file,
                format=FORMAT,
                cut=self.cut,
                types=_packed(self.types),
                word=self.word,
                units=self.units,
                starts=self.starts,
                hashes=self.hashes,
                ids=_packed(self.ids),
            )


def encode(documents: Iterable[Document], cut: Cut = "words") -> Encoded:
    """`words`: at words as `languages.words` finds them, all else clinging to one; `whitespace`: at white space, runs
    of which become one space, as the published rule has it.

    A document's line ends are white space of its text like any other.
    """
    made: _Words | _Tokens = _Words() if cut == "words" else _Tokens()
    parts: list[np.ndarray] = []
    units: list[int] = []
    starts, ids = [0], []
    done = 0
    for document in documents:
        units += made.of(document.text)
        starts.append(done + len(units))
        ids.append(document.id)
        if len(units) > HELD:
            done += len(units)
            parts.append(np.array(units, np.int32))
            units = []
    parts.append(np.array(units, np.int32))
    word = np.array(made.bounds, np.int32).reshape(-1, 2)
    return Encoded(
        cut, list(made.number_of), word, np.concatenate(parts), np.array(starts, np.int64), hash_ids(ids), ids
    )


class _Units:
    """The distinct units, numbered in the order met."""

    def __init__(self) -> None:
        self.number_of: dict[str, int] = {}
        self.bounds: list[tuple[int, int]] = []

    def number(self, unit: str, start: int, end: int) -> int:
        found = self.number_of.setdefault(unit, len(self.bounds))
        if found == len(self.bounds):
            self.bounds.append((start, end))
        return found


class _Words(_Units):
    """Cut at words. What stands between two spaces is cut once, wherever it stands."""

    def __init__(self) -> None:
        super().__init__()
        # Units of a token before a space, and of one at the end; none of a token without a word, which clings to others
        self._inside: dict[str, list[int]] = {}
        self._last: dict[str, list[int]] = {}

    def of(self, text: str) -> Iterable[int]:
        tokens = text.split()
        if not tokens or " ".join(tokens) != text:
            return [self.number(*cell) for cell in encode_text(text)]
        last = tokens.pop()
        found = [*map(self._inside.get, tokens), self._last.get(last)]
        if all(found):
            return chain.from_iterable(filter(None, found))
        units = [self.number(*cell) for cell in encode_text(text)]
        for token in tokens:
            self._learn(self._inside, token, f"{token} ")
        self._learn(self._last, last, last)
        return units

    def _learn(self, known: dict[str, list[int]], token: str, text: str) -> None:
        if token in known:
            return
        cells = encode_text(text) if word_spans(text) else []
        numbers = [self.number_of[unit] for unit, _, _ in cells if unit in self.number_of]
        if len(numbers) == len(cells):  # else something clings to it here, and may not elsewhere
            known[token] = numbers


class _Tokens(_Units):
    """Cut at white space, each but a text's last with one space behind it."""

    def __init__(self) -> None:
        super().__init__()
        self._inside: dict[str, int] = {}

    def of(self, text: str) -> Iterable[int]:
        tokens = text.split()
        if not tokens:
            return []
        last = tokens.pop()
        try:
            units = [*map(self._inside.__getitem__, tokens)]
        except KeyError:
            for token in tokens:
                self._inside[token] = self.number(f"{token} ", 0, len(token))
            units = [*map(self._inside.__getitem__, tokens)]
        units.append(self.number(last, 0, len(last)))
        return units


def load(path: Path) -> Encoded:
    """Raises: BadInput where the file is no encoded corpus of this version."""
    with np.load(path) as found:
        if "format" not in found or int(found["format"]) != FORMAT:
            raise BadInput(f"{path}: wanted an encoded corpus of format {FORMAT}; delete it, and it is made again")
        cut: Cut = "words" if str(found["cut"]) == "words" else "whitespace"
        word, units, starts, hashes = (found[name] for name in ("word", "units", "starts", "hashes"))
        return Encoded(cut, _unpacked(found["types"]), word, units, starts, hashes, _unpacked(found["ids"]))


def encode_text(text: str) -> list[tuple[str, int, int]]:
    """One text cut at words: (unit, start and end of its word in it).

    Cut is behind a gap's last white space, or before the next word where it has none.
    """
    spans = word_spans(text)
    if not spans:
        return [(text, 0, 0)] if text else []
    found: list[tuple[str, int, int]] = []
    begin = 0
    for (start, end), (following, _) in zip(spans, [*spans[1:], (len(text), 0)], strict=True):
        until = following
        if until < len(text) and not text[until - 1].isspace():
            gap = text[end:until]
            while gap and not gap[-1].isspace():
                gap = gap[:-1]
            until = end + len(gap) if gap else following
        found.append((text[begin:until], start - begin, end - begin))
        begin = until
    return found


def _packed(texts: Sequence[str]) -> np.ndarray:
    """Texts as bytes, parted by a line feed, which within a text is written out."""
    joined = "\n".join(text.replace("\\", "\\\\").replace("\n", "\\n") for text in texts)
    return np.frombuffer(f"{len(texts)}\n{joined}".encode(), np.uint8)


def _unpacked(packed: np.ndarray) -> list[str]:
    count, _, joined = packed.tobytes().decode().partition("\n")
    if count == "0":
        return []
    parts = joined.split("\n")
    return [_raw(part) if "\\" in part else part for part in parts]


def _raw(part: str) -> str:
    return "\\".join(piece.replace("\\n", "\n") for piece in part.split("\\\\"))
