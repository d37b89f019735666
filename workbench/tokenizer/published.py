"""The tokenizer of a published model, from its `tokenizer.json`, with the face of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tokenizers
import tokenizers.decoders

from workbench import files
from workbench.errors import BadInput
from workbench.tokenizer.processor import WORD_START, ends_sentence
from workbench.vocab import Vocab

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"
# Which of its names a published tokenizer uses for what we need, the first found.
ROLES = {
    "pad": ("pad_token",),
    "unk": ("unk_token",),
    "bos": ("bos_token", "cls_token"),
    "eos": ("eos_token", "sep_token"),
    "mask": ("mask_token",),
}


@dataclass(frozen=True, slots=True)
class PublishedVocab(Vocab):
    """Text pieces start at `first_text`; special ones may also stand behind them."""

    first_text: int = 0

    @property
    def first_byte(self) -> int:
        return self.first_text

    @property
    def first_piece(self) -> int:
        """None of the pieces is known to be a byte."""
        return self.first_text


class PublishedTokenizer:
    """Text to ids and back as a published model wants it.

    No text can become a special piece: where it spells one, a space is put behind that spelling's first character.
    `around` are the special ids that the model has seen before and after every text: `encode_all` leaves them out, as
    ours does, so that whoever packs rows decides.
    """

    def __init__(self, definition: bytes, vocab: PublishedVocab, origin: str) -> None:
        self._tokenizer = _parse(definition, origin)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        added = self._tokenizer.get_added_tokens_decoder().values()
        spelt = sorted((re.escape(token.content) for token in added if token.special), key=len, reverse=True)
        self._spelt = re.compile("|".join(spelt) or r"(?!)")
        self.definition = definition
        self.sha256 = files.sha256_bytes(definition)
        self.vocab: Vocab = vocab
        named = self._tokenizer.get_vocab(with_added_tokens=True)
        if (highest := max(named.values(), default=-1)) >= vocab.size:
            raise BadInput(
                f"{origin}: has ids up to {highest}, the model embeds {vocab.size} pieces: not its tokenizer"
            )
        pieces = [""] * vocab.size  # a model may embed more ids than its tokenizer has pieces
        for piece, id in named.items():
            pieces[id] = piece
        self.pieces = tuple(pieces)
        self._sign = _sign(json.loads(definition))
        self.starts_word = np.array([_starts_word(piece, self._sign) for piece in self.pieces])  # [V] bool
        self.ends_sentence = ends_sentence(self.pieces)  # [V] int8
        both = self._tokenizer.encode("", add_special_tokens=True).ids
        with_text = self._tokenizer.encode("a", add_special_tokens=True)
        inside = [place for place, special in enumerate(with_text.special_tokens_mask) if not special]
        first = inside[0] if inside else 0
        self.around: tuple[tuple[int, ...], tuple[int, ...]] = tuple(both[:first]), tuple(both[first:])

    @cached_property
    def spelt(self) -> tuple[str, ...]:
        """The pieces as SentencePiece would write them; "" for a byte that is no character."""
        return tuple(_spelt(piece, self._sign) for piece in self.pieces)

    def save(self, path: Path) -> None:
        """In one file, that `tokenizer.kept` reads."""
        files.write_json(path, {"vocab": asdict(self.vocab), "definition": self.definition.decode()})

    def encode(self, text: str) -> np.ndarray:
        """Ids of `text`, without special pieces. Shapes: -> [T] int32"""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of each text, in order."""
        harmless = [self._spelt.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text) for text in texts]
        encoded = self._tokenizer.encode_batch(harmless, add_special_tokens=False)
        return [np.asarray(one.ids, np.int32) for one in encoded]

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The text that has these ids; special ids vanish."""
        text: str = self._tokenizer.decode([int(i) for i in ids], skip_special_tokens=True)
        return text


def load(folder: Path, vocab_size: int) -> PublishedTokenizer:
    """The tokenizer beside a published model that embeds `vocab_size` ids.

    Raises: BadInput where there is none, it is damaged, or it lacks a special piece that training needs.
    """
    file = folder / TOKENIZER
    if not file.is_file():
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:12])
        raise BadInput(f"{file}: no such file (the folder has {there}); save the fast tokenizer beside the model")
    definition = file.read_bytes()
    parsed = _parse(definition, str(file))
    named: dict[str, Any] = {}
    for name in (SPECIAL_TOKENS, TOKENIZER_CONFIG):
        if (folder / name).is_file():
            named |= files.read_object(folder / name)
    ids: dict[str, int] = {}
    for role, names in ROLES.items():
        found = [token for name in names if (token := _content(named.get(name))) is not None]
        id = parsed.token_to_id(found[0]) if found else None
        if id is None:
            raise BadInput(
                f"{folder}: no {' or '.join(names)} among the pieces (looked in {TOKENIZER_CONFIG} and "
                f"{SPECIAL_TOKENS}, found {found}); name it in {TOKENIZER_CONFIG}"
            )
        ids[role] = id
    special = {id for id, token in parsed.get_added_tokens_decoder().items() if token.special} | set(ids.values())
    first_text = next(id for id in range(vocab_size) if id not in special)
    vocab = PublishedVocab(
        vocab_size,
        pad=ids["pad"],
        unk=ids["unk"],
        bos=ids["bos"],
        eos=ids["eos"],
        mask=ids["mask"],
        first_text=first_text,
    )
    return PublishedTokenizer(definition, vocab, str(file))


def unpacked(data: bytes, origin: str) -> PublishedTokenizer:
    """What `save` wrote.

    Raises: BadInput where it is damaged.
    """
    try:
        found = json.loads(data)
        definition, vocab = found["definition"].encode(), PublishedVocab(**found["vocab"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{origin}: wanted a published tokenizer and its special ids, as a run keeps them, got something damaged "
            f"({type(error).__name__}: {error}); delete the stage's folder and run the study again"
        ) from error
    return PublishedTokenizer(definition, vocab, origin)


def _parse(definition: bytes, origin: str) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(definition.decode())
    except Exception as error:  # the library raises nothing narrower
        raise BadInput(f"{origin}: not a tokenizer definition ({str(error)[:200]}); fetch it again") from error


def _content(token: Any) -> str | None:
    """A token is a string, or an object with its content."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


Sign = Literal["##", "\u0120", "\u2581"]  # of a piece that goes on a word, or of one that begins one


def _sign(definition: dict[str, Any]) -> Sign:
    """How the tokenizer's decoder knows where a space was."""
    decoder = definition.get("decoder") or {}
    kinds = {decoder.get("type"), *(one.get("type") for one in decoder.get("decoders", []))}
    if "WordPiece" in kinds:
        return "##"
    return "\u0120" if "ByteLevel" in kinds else "\u2581"


def _starts_word(piece: str, sign: Sign) -> bool:
    return piece.startswith(sign) != (sign == "##")


def _spelt(piece: str, sign: Sign) -> str:
    match sign:
        case "##":
            return piece[2:] if piece.startswith(sign) else f"{WORD_START}{piece}"
        case "\u0120":
            text: str = tokenizers.decoders.ByteLevel().decode([piece])
            return "" if "\ufffd" in text else text.replace(" ", WORD_START)
        case _:
            return piece
