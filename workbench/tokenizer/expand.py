"""A tokenizer for languages that it was not made for: pieces added to it, its old ones under their ids."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Literal

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from workbench.errors import BadInput
from workbench.records import Lang
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import balanced_sample

Characters = Literal["unseen", "any"]
MARGIN = 200  # pieces learnt beyond those wanted: digits, punctuation and such, which the tokenizer has already


def extend(
    tokenizer: Tokenizer,
    texts: Mapping[Lang, Sequence[str]],
    pieces: int,
    *,
    characters: Characters,
    alpha: float,
    sample_bytes: int,
    seed: int,
    origin: str = "tokenizer",
) -> Tokenizer:
    """The tokenizer with at most `pieces` new ones behind its own, learnt from `texts` as `train` learns them.

    With `characters = "unseen"` a piece is added only if it has a character that the tokenizer writes in bytes, and no
    new piece is rarer than the rarest old one: text without such characters is cut exactly as before.

    Random: the order of each language's texts, from (seed, language).
    Raises: BadInput where there is nothing to add.
    """
    is_text = tokenizer.is_text()
    old = {piece for piece, text in zip(tokenizer.pieces, is_text, strict=True) if text}
    known = {character for piece in old for character in piece}
    rarest = float(tokenizer.scores()[is_text].min())
    learnt = _learn(texts, pieces + MARGIN, alpha, sample_bytes, seed)
    new = {
        piece: max(score, rarest)
        for piece, score in learnt.items()
        if piece not in tokenizer.pieces and (characters == "any" or set(piece) - known)
    }
    if not new:
        langs = ", ".join(sorted(lang.tag for lang in texts))
        raise BadInput(
            f"vocabulary: the tokenizer spells every character of {langs}, so there is nothing to add by "
            'characters = "unseen"; keep the vocabulary, extend it with characters = "any", or replace it'
        )
    # single characters first: without them a word of the new script may still fall to bytes
    chosen = sorted(new, key=lambda piece: (len(piece) > 1, -new[piece], piece))[:pieces]
    model = sentencepiece_model_pb2.ModelProto.FromString(tokenizer.model)
    for piece in chosen:
        model.pieces.add(piece=piece, score=new[piece], type=sentencepiece_model_pb2.ModelProto.SentencePiece.NORMAL)
    model.trainer_spec.vocab_size = len(model.pieces)
    return Tokenizer(model.SerializeToString(deterministic=True), origin)


def _learn(
    texts: Mapping[Lang, Sequence[str]], pieces: int, alpha: float, sample_bytes: int, seed: int
) -> dict[str, float]:
    """Piece -> log-probability, of a unigram model of these texts alone.

    Source: Kudo 2018 (ACL P18-1007).
    """
    sample = balanced_sample(texts, alpha, sample_bytes, seed)
    lines = [line for lang in sample for line in sample[lang]]
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type="unigram",
            vocab_size=pieces,
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            seed_sentencepiece_size=10 * pieces,
            shrinking_factor=0.5,
            max_sentence_length=max(len(line.encode()) for line in lines) + 1,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise BadInput(
            f"vocabulary.pieces: {pieces} could not be learnt from {len(lines)} texts ({str(error).strip()}); lower it "
            "or add text"
        ) from error
    found = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    normal = sentencepiece_model_pb2.ModelProto.SentencePiece.NORMAL
    return {piece.piece: piece.score for piece in found.pieces if piece.type == normal}
