"""The special ids, in one place."""

from __future__ import annotations

from dataclasses import dataclass

NUM_BYTES = 256


@dataclass(frozen=True, slots=True)
class Vocab:
    """Ids of the special pieces; `size` counts them. Pieces that text can become start at `first_byte`."""

    size: int
    pad: int = 0
    unk: int = 1
    bos: int = 2
    eos: int = 3
    mask: int = 4
    first_byte: int = 5

    @property
    def first_piece(self) -> int:
        """The first id that is neither special nor a byte."""
        return self.first_byte + NUM_BYTES
