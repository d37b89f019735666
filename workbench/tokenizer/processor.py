"""A trained tokenizer: text to ids and back. The only place that opens a SentencePiece model."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import regex
import sentencepiece

from workbench import files
from workbench.errors import BadInput
from workbench.vocab import NUM_BYTES, Vocab

WORD_START = "\u2581"
MASK_PIECE = "<mask>"
CLM_PIECE = "[CLM]"


def control_pieces(*, clm: bool, sentinels: int) -> list[str]:
    """The pieces that only objectives write, in the order of their ids; sentinels are named as T5 names them."""
    return [MASK_PIECE, *[CLM_PIECE] * clm, *(f"<extra_id_{number}>" for number in range(sentinels))]


def ends_sentence(pieces: Sequence[str]) -> np.ndarray:
    """Which pieces may end a sentence: those that end in a sentence terminal of any script, quotes and brackets aside.

    Shapes: -> [V] int8: 0 no; 1 if a new word follows (`.` stands in `3.14` too); 2 whatever follows
    Source: Unicode property Sentence_Terminal (UAX 44).
    """
    ends = np.zeros(len(pieces), np.int8)
    for number, piece in enumerate(pieces):
        if found := regex.search(r"(\p{Sentence_Terminal})[\p{Pe}\p{Pf}\"']*$", piece):
            ends[number] = 1 if found[1].isascii() else 2
    return ends


def normalize(text: str) -> str:
    """Unicode NFC, and every run of white space (or of SentencePiece's own space sign) made one space.

    Not NFKC: it folds letters that orthographies tell apart (the modifier letters of Bantu and Salish spellings).
    """
    return " ".join(unicodedata.normalize("NFC", text).replace(WORD_START, " ").replace("\0", " ").split())


class TextTokenizer(Protocol):
    """What training and evaluation ask of a tokenizer, ours or a published one.

    `spelt`: the pieces as SentencePiece writes them. `around`: special ids that the model has seen before and after
    every text; `encode_all` leaves them out.
    Shapes: starts_word [V] bool, ends_sentence [V] int8
    """

    vocab: Vocab
    sha256: str
    pieces: tuple[str, ...]
    starts_word: np.ndarray
    ends_sentence: np.ndarray
    around: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def spelt(self) -> tuple[str, ...]: ...
    def encode(self, text: str) -> np.ndarray: ...
    def encode_all(self, texts: Sequence[str]) -> list[np.ndarray]: ...
    def decode(self, ids: Sequence[int] | np.ndarray) -> str: ...
    def save(self, path: Path) -> None: ...


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
        size = processor.get_piece_size()
        control = {processor.id_to_piece(i) for i in range(size) if processor.is_control(i)}
        num_sentinels = sum(piece.startswith("<extra_id_") for piece in control)
        self.vocab = vocab = Vocab(size, has_clm=CLM_PIECE in control, num_sentinels=num_sentinels)
        found = {
            "pad": processor.pad_id(),
            "unk": processor.unk_id(),
            "bos": processor.bos_id(),
            "eos": processor.eos_id(),
            "first_byte": processor.piece_to_id("<0x00>"),
        }
        wanted = {name: getattr(vocab, name) for name in found}
        written = control_pieces(clm=vocab.has_clm, sentinels=num_sentinels)
        found |= {piece: processor.piece_to_id(piece) for piece in written}
        wanted |= {piece: vocab.mask + place for place, piece in enumerate(written)}
        if found != wanted or not control.issuperset(written) or not processor.is_byte(vocab.first_piece - 1):
            raise BadInput(
                f"{origin}: wanted the special ids {wanted} and {NUM_BYTES} byte pieces, got {found}; "
                "this model was not trained by the workbench"
            )
        self.model = model
        self.sha256 = files.sha256_bytes(model)
        self.pieces: tuple[str, ...] = tuple(processor.id_to_piece(i) for i in range(vocab.size))
        self.starts_word = np.array([piece.startswith(WORD_START) for piece in self.pieces])  # [V] bool
        self.ends_sentence = ends_sentence(self.pieces)  # [V] int8
        self.around: tuple[tuple[int, ...], tuple[int, ...]] = (), ()

    @property
    def spelt(self) -> tuple[str, ...]:
        """The pieces as SentencePiece writes them; a published tokenizer may have another way."""
        return self.pieces

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
