"""Which bits of held-out text a model can be asked for: by its kind, and by what it was trained to predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from workbench import config, models
from workbench.evaluation.document_bits import DocumentBits
from workbench.evaluation.perplexity import masked_bits
from workbench.evaluation.written_bits import causal_bits, conditional_bits
from workbench.models.published import XLMR, ModernBERT, Published
from workbench.objectives.build import Objective, build
from workbench.records import Document
from workbench.tokenizer.processor import TextTokenizer


def built(settings: config.Config, tokenizer: TextTokenizer) -> Objective:
    """The objective of a study's variant, over rows of its length."""
    return build(
        settings.objective,
        tokenizer.vocab,
        tokenizer.starts_word,
        tokenizer.ends_sentence,
        model=settings.model,
        length=settings.pretrain.length,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """`setting` says which variant of the metric this is; `documents` are in the order of those given, all of them."""

    metric: str
    setting: str
    documents: list[DocumentBits]


def measure(
    settings: config.Config, model: models.Model | Published, tokenizer: TextTokenizer, documents: Sequence[Document]
) -> list[Measured]:
    """Bits of each document.

    An encoder's are `masked_bits_per_byte`, a pseudo-likelihood; a decoder's `bits_per_byte`; an encoder-decoder's
    `conditional_bits_per_byte`, of an AlexaTM model twice: of the whole text from its remains (`denoising`), and of a
    text's later part from its earlier one (`[CLM]`).
    """
    length, kind = settings.pretrain.length, settings.objective.kind
    match model:
        case models.Encoder() | ModernBERT() | XLMR():
            groups = settings.evaluate.mask_groups
            found = masked_bits(model, tokenizer, documents, groups, seed=0, length=length)
            return [Measured("masked_bits_per_byte", f"K={groups}", found)]
        case models.Decoder():
            found = causal_bits(model, tokenizer, documents, built(settings, tokenizer), length=length)
            return [Measured("bits_per_byte", f"context={length}", found)]
        case models.EncoderDecoder():
            modes: dict[str, config.Config] = {kind: settings}
            if isinstance(settings.objective, config.AlexaTM):
                modes = {
                    f"{kind} {name}": settings.model_copy(
                        update={"objective": settings.objective.model_copy(update={"causal_rate": rate})}
                    )
                    for name, rate in (("denoising", 0.0), ("[CLM]", 1.0))
                    if tokenizer.vocab.has_clm or not rate
                }
            measured = []
            for name, mode in modes.items():
                found = conditional_bits(model, tokenizer, documents, built(mode, tokenizer), length=length)
                measured.append(Measured("conditional_bits_per_byte", name, found))
            return measured
        case _:
            assert_never(model)
