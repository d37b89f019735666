"""The special ids, in one place: what the tokenizer lays out and the objectives write."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import BadInput

NUM_BYTES = 256


@dataclass(frozen=True, slots=True)
class Vocab:
    """Ids of the special pieces; `size` counts them. Pieces that text can become start at `first_byte`.

    `[CLM]` and the sentinels exist only in a vocabulary that was asked for them, between `mask` and the bytes.
    """

    size: int
    has_clm: bool = False
    num_sentinels: int = 0
    pad: int = 0
    unk: int = 1
    bos: int = 2
    eos: int = 3
    mask: int = 4

    @property
    def clm(self) -> int:
        """The symbol that asks a denoiser to go on writing.

        Raises: BadInput where the vocabulary has none.
        """
        if not self.has_clm:
            raise BadInput(
                "tokenizer.clm: this vocabulary has no [CLM]; set tokenizer.clm = true and train the tokenizer again"
            )
        return self.mask + 1

    def sentinel(self, number: int) -> int:
        """The sentinel of a document's span `number`, counted from 0; later ones follow it.

        Raises: BadInput where the vocabulary has fewer.
        """
        if not 0 <= number < self.num_sentinels:
            raise BadInput(
                f"tokenizer.sentinels: sentinel number {number} is wanted, this vocabulary has {self.num_sentinels}; "
                f"set tokenizer.sentinels = {number + 1} or more and train the tokenizer again"
            )
        return self.mask + 1 + self.has_clm + number

    @property
    def first_byte(self) -> int:
        return self.mask + 1 + self.has_clm + self.num_sentinels

    @property
    def first_piece(self) -> int:
        """The first id that is neither special nor a byte."""
        return self.first_byte + NUM_BYTES
