"""A trained tokenizer: text to ids and back. The only place that opens a SentencePiece model."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sentencepiece

from workbench import files
from workbench.errors import BadInput
from workbench.tokenizer.vocab import NUM_BYTES, Vocab

WORD_START = "\u2581"
MASK_PIECE = "<mask>"


def normalize(text: str) -> str:
    """Unicode NFC, and every run of white space (or of SentencePiece's own space sign) made one space.

    Not NFKC: it folds letters that orthographies tell apart (the modifier letters of Bantu and Salish spellings).
    """
    return " ".join(unicodedata.normalize("NFC", text).replace(WORD_START, " ").replace("\0", " ").split())


class Tokenizer:
    """SentencePiece with byte fallback: any text has an encoding, and no text can become a special piece."""

    def __init__(self, model: bytes, origin: str = "tokenizer") -> None:
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise BadInput(
                f"{origin}: wanted a SentencePiece model, got {len(model)} bytes that are not one ({error}); "
                "delete the file and train the tokenizer again"
            ) from error
        processor = self._processor
        self.vocab = Vocab(size=processor.get_piece_size())
        vocab = self.vocab
        found = {
            "pad": processor.pad_id(),
            "unk": processor.unk_id(),
            "bos": processor.bos_id(),
            "eos": processor.eos_id(),
            "mask": processor.piece_to_id(MASK_PIECE),
            "first_byte": processor.piece_to_id("<0x00>"),
        }
        wanted = {name: getattr(vocab, name) for name in found}
        if found != wanted or not processor.is_control(vocab.mask) or not processor.is_byte(vocab.first_piece - 1):
            raise BadInput(
                f"{origin}: wanted the special ids {wanted} and {NUM_BYTES} byte pieces, got {found}; "
                "this model was not trained by the workbench"
            )
        self.model = model
        self.sha256 = files.sha256_bytes(model)
        self.pieces: tuple[str, ...] = tuple(processor.id_to_piece(i) for i in range(vocab.size))
        self.starts_word = np.array([piece.startswith(WORD_START) for piece in self.pieces])  # [V] bool

    def scores(self) -> np.ndarray:
        """Each piece's log-probability; 0 for the pieces that no text becomes, which `is_text` tells.

        Shapes: -> [V] float64
        """
        return np.array([self._processor.get_score(i) for i in range(self.vocab.size)])

    def is_text(self) -> np.ndarray:
        """Which pieces are cut from text as they are spelt: neither special nor a byte.

        Shapes: -> [V] bool
        """
        special = (self._processor.is_control, self._processor.is_unknown, self._processor.is_byte)
        return np.array([not any(test(i) for test in special) for i in range(self.vocab.size)])

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a model file.

        Raises: BadInput where it is missing or not one of ours.
        """
        if not path.is_file():
            raise BadInput(f"{path}: no such tokenizer; train it first")
        return cls(path.read_bytes(), str(path))

    def save(self, path: Path) -> None:
        files.write_bytes(path, self.model)

    def encode(self, text: str) -> np.ndarray:
        """Ids of `text`, without bos or eos.

        Shapes: -> [T] int32
        """
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of each text, in order."""
        encoded = self._processor.encode([normalize(text) for text in texts], num_threads=1)
        return [np.asarray(ids, np.int32) for ids in encoded]

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The normalized text that has these ids; special ids vanish."""
        text: str = self._processor.decode([int(i) for i in ids])
        return text
