"""How finely a tokenizer cuts each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench import languages
from workbench.errors import BadInput
from workbench.records import Lang
from workbench.tokenizer.processor import TextTokenizer, normalize


@dataclass(frozen=True, slots=True)
class Fertility:
    """Rates are shares of pieces."""

    lang: str
    num_words: int
    num_pieces: int
    pieces_per_word: float
    pieces_per_byte: float
    byte_fallback_rate: float
    unknown_rate: float


def report(tokenizer: TextTokenizer, texts: Mapping[Lang, Sequence[str]]) -> list[Fertility]:
    """One row per language, sorted by tag.

    Raises: BadInput for a language without any word.
    """
    vocab = tokenizer.vocab
    rows = []
    for lang in sorted(texts):
        clean = [normalize(text) for text in texts[lang]]
        num_words = sum(len(languages.words(text)) for text in clean)
        encoded = tokenizer.encode_all(clean)
        ids = np.concatenate(encoded) if encoded else np.zeros(0, np.int32)
        if not num_words or not ids.size:
            raise BadInput(f"fertility of {lang}: wanted text with at least one word, got {len(clean)} texts without")
        is_byte = (ids >= vocab.first_byte) & (ids < vocab.first_piece)
        rows.append(
            Fertility(
                lang=lang.tag,
                num_words=num_words,
                num_pieces=int(ids.size),
                pieces_per_word=ids.size / num_words,
                pieces_per_byte=ids.size / sum(len(text.encode()) for text in clean),
                byte_fallback_rate=float(is_byte.mean()),
                unknown_rate=float((ids == vocab.unk).mean()),
            )
        )
    return rows
