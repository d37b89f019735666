"""What an objective is, and which one a config asks for."""

from __future__ import annotations

from typing import Protocol, assert_never

import numpy as np

from workbench import config
from workbench.errors import BadInput
from workbench.objectives.alexatm import AlexaTM
from workbench.objectives.batch import Batch, Rows
from workbench.objectives.causal import Causal
from workbench.objectives.denoise import Denoise
from workbench.objectives.deshuffle import Deshuffle
from workbench.objectives.mlm import MaskedLM
from workbench.objectives.prefix_lm import PrefixLM
from workbench.objectives.span_corruption import SpanCorruption
from workbench.vocab import Vocab


class Objective(Protocol):
    """Makes a training batch of packed rows: numpy, no state, and shapes that depend on the rows' shape alone."""

    def __call__(self, rows: Rows, rng: np.random.Generator) -> Batch: ...


def build(
    settings: config.Objective,
    vocab: Vocab,
    starts_word: np.ndarray,
    ends_sentence: np.ndarray,
    *,
    model: config.Model,
    length: int,
) -> Objective:
    """The objective that `settings` ask for, over rows of `length` tokens.

    Shapes: starts_word [V] bool, ends_sentence [V] int8, as `Tokenizer` has them
    Raises: BadInput for a vocabulary without the symbols that it writes, or a model that it cannot train.
    """
    match settings:
        case config.MaskedLM():
            roles = sorted({vocab.pad, vocab.unk, vocab.bos, vocab.eos, vocab.mask})
            special = tuple(id for id in roles if id >= vocab.first_byte)
            return MaskedLM(settings, vocab.size, vocab.mask, vocab.first_byte, starts_word, special)
        case config.Causal():
            return Causal(vocab.bos)
        case config.SpanCorruption():
            spans = SpanCorruption(settings, vocab)
            if (wanted := spans.num_sentinels(length)) > vocab.num_sentinels:
                raise BadInput(
                    f"tokenizer.sentinels: span corruption of rows of {length} tokens needs up to {wanted}, this "
                    f"vocabulary has {vocab.num_sentinels}; set tokenizer.sentinels = {wanted} or more"
                )
            return spans
        case config.Deshuffle():
            return Deshuffle(vocab)
        case config.Denoise():
            return Denoise(settings, vocab, starts_word, ends_sentence)
        case config.AlexaTM():
            if settings.causal_rate and not vocab.has_clm:
                raise BadInput(
                    "tokenizer.clm: objective alexatm writes [CLM], which this vocabulary has not; set tokenizer.clm = "
                    "true, or objective.causal_rate = 0"
                )
            return AlexaTM(settings, vocab)
        case config.PrefixLM():
            if model.kind == "encoder":
                raise BadInput("objective.kind: prefix-lm trains a decoder or encoder-decoder, model.kind is 'encoder'")
            return PrefixLM(vocab, model.kind)
        case _:
            assert_never(settings)


def fitted(objective: Objective, *several: Rows) -> Objective:
    """The same objective with the shortest static shapes that hold every one of these rows.

    Not needed for correctness: without it shapes suffice for any rows, but a span-corruption decoder is then mostly
    padding.
    """
    if isinstance(objective, SpanCorruption | PrefixLM):
        return objective.fitted(*several)
    return objective


def document_end(settings: config.Objective, vocab: Vocab) -> int | None:
    """The `eos` that packing puts behind each document, or None: a masked LM over documents has no use for one."""
    return None if settings.kind == "mlm" else vocab.eos
