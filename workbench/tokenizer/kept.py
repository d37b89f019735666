"""The tokenizer that a run keeps, ours or a published one."""

from __future__ import annotations

from pathlib import Path

from workbench.tokenizer.processor import TextTokenizer, Tokenizer
from workbench.tokenizer.published import unpacked


def kept(path: Path) -> TextTokenizer:
    """A SentencePiece model of ours, or a published definition with its special ids.

    Raises: BadInput where there is none, or it is damaged.
    """
    data = path.read_bytes() if path.is_file() else b""
    if data[:1] != b"{":
        return Tokenizer.load(path)
    return unpacked(data, str(path))
