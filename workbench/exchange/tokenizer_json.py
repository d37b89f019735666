"""Our tokenizer as a `tokenizer.json`: the same ids for any text, without SentencePiece."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from workbench.tokenizer.processor import WORD_START, Tokenizer

# What `normalize` takes for space: Python's white space, SentencePiece's space sign, NUL. In Oniguruma's spelling.
SPACE = (
    r"[\x{0}\x{9}-\x{d}\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}"
    r"\x{2028}\x{2029}\x{202f}\x{205f}\x{2581}\x{3000}]+"
)


def build(tokenizer: Tokenizer, prefix: Sequence[int] = (), suffix: Sequence[int] = ()) -> tokenizers.Tokenizer:
    """The same tokenizer in the `tokenizers` library; `prefix` and `suffix` are special ids put around every text.

    A text that spells a special piece gets that piece's id only where the caller leaves `encode_special_tokens` off (in
    transformers: `split_special_tokens`), as is the custom there; with it on, it is text, as it always is for us.
    """
    pieces, is_text = tokenizer.pieces, tokenizer.is_text()
    special = [i for i in np.flatnonzero(~is_text) if not tokenizer.vocab.first_byte <= i < tokenizer.vocab.first_piece]
    scores = tokenizer.scores().tolist()
    built = tokenizers.Tokenizer(
        models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=tokenizer.vocab.unk, byte_fallback=True)
    )
    built.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(tokenizers.Regex(SPACE), " "),
            normalizers.Strip(left=False, right=True),
        ]
    )
    pattern = tokenizers.Regex(_pattern(cuts(tokenizer)))
    # "first": a text starts a word; what follows a mask starts one only where a space says so.
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(WORD_START, prepend_scheme="first"),
            pre_tokenizers.Split(pattern, "merged_with_previous"),
        ]
    )
    built.decoder = decoders.Sequence(
        [decoders.Replace(WORD_START, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    built.add_special_tokens([tokenizers.AddedToken(pieces[i], special=True, normalized=False) for i in special])
    around = {pieces[i]: int(i) for i in (*prefix, *suffix)}
    before, after = ([f"{pieces[i]}:{{n}}" for i in ids] for ids in (prefix, suffix))
    built.post_processor = processors.TemplateProcessing(
        single=" ".join([*before, "$A:{n}", *after]).replace("{n}", "0"),
        pair=" ".join([*before, "$A:{n}", *after]).replace("{n}", "0")
        + " "
        + " ".join([*before, "$B:{n}", *after]).replace("{n}", "1"),
        special_tokens=list(around.items()),
    )
    return built


def cuts(tokenizer: Tokenizer) -> dict[str, int]:
    """Where text that spells a special piece or a byte is cut, so that it cannot become that piece.

    The library would look such pieces up in text as if they were words. A cut between two characters that stand
    together in no piece made of text changes nothing else. A literal without such a place has 0: it is cut after its
    first character, and may then be cut finer than by SentencePiece.
    """
    is_text = tokenizer.is_text()
    texts = [piece for piece, text in zip(tokenizer.pieces, is_text, strict=True) if text]
    together = {a + b for text in texts for a, b in pairwise(text)}
    places = {}
    for literal in (tokenizer.pieces[i] for i in np.flatnonzero(~is_text)):
        clean = (place for place in range(1, len(literal)) if literal[place - 1 : place + 1] not in together)
        places[literal] = next(clean, 0)
    return places


def _pattern(places: dict[str, int]) -> str:
    """Matches what stands before each literal's cut."""
    rests: dict[str, list[str]] = {}
    for literal, clean in places.items():
        place = clean or 1
        rests.setdefault(literal[:place], []).append(re.escape(literal[place:]))
    return "|".join(f"{re.escape(start)}(?={'|'.join(ends)})" for start, ends in rests.items())
