"""What a model is trained to predict."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from workbench.config.part import Part, Rate


class MaskedLM(Part):
    """BERT's masked LM; as `translation-lm`, over two sentences that mean the same, side by side. For an encoder.

    Source: Devlin et al. 2019, section 3.1 (N19-1423): 15 %, of which 80/10/10; Conneau & Lample 2019, section 3.3
        (arXiv 1901.07291).
    """

    kind: Literal["mlm", "translation-lm"] = "mlm"
    mask_rate: float = Field(default=0.15, gt=0.0, lt=1.0)
    replace_rate: Rate = Field(default=0.8, description="of the chosen: share replaced by the mask symbol")
    random_rate: Rate = Field(default=0.1, description="of the chosen: share replaced by a random piece")
    whole_words: bool = False

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.replace_rate + self.random_rate > 1.0 + 1e-9:
            raise ValueError(f"replace_rate + random_rate must be <= 1, got {self.replace_rate + self.random_rate}")
        return self


class Causal(Part):
    """Next-token prediction within each document. For a decoder."""

    kind: Literal["causal"] = "causal"


class SpanCorruption(Part):
    """Spans replaced by sentinels, the decoder writes them. For an encoder-decoder.

    Source: Raffel et al. 2020, section 3.1.4 (JMLR 21-140): 15 % of the tokens in spans of 3 on average.
    """

    kind: Literal["span-corruption"] = "span-corruption"
    noise_rate: float = Field(default=0.15, gt=0.0, lt=1.0)
    mean_span: float = Field(default=3.0, ge=1.0)


class Deshuffle(Part):
    """Tokens in random order, the decoder writes them in theirs. For an encoder-decoder. Source: Liu et al. 2019."""

    kind: Literal["deshuffle"] = "deshuffle"


class Denoise(Part):
    """Text infilling and sentence permutation, the decoder writes the whole document. For an encoder-decoder.

    Source: Lewis et al. 2020, section 2.2 (2020.acl-main.703): spans of Poisson(3) tokens, each one mask symbol.
    """

    kind: Literal["denoise"] = "denoise"
    noise_rate: float = Field(default=0.3, gt=0.0, lt=1.0)
    poisson_mean: float = Field(default=3.0, gt=0.0)
    permute_sentences: bool = True


class AlexaTM(Part):
    """Denoising with the spans simply gone, mixed with causal continuation behind `[CLM]`. For an encoder-decoder.

    Source: Soltan et al. 2022 (arXiv 2208.01448).
    """

    kind: Literal["alexatm"] = "alexatm"
    noise_rate: float = Field(default=0.15, gt=0.0, lt=1.0)
    mean_span: float = Field(default=3.0, ge=1.0)
    causal_rate: Rate = Field(default=0.2, description="share of documents that are continued, not denoised")


class PrefixLM(Part):
    """The target is written after the source, which is read in both directions. For a decoder or encoder-decoder.

    Source: Raffel et al. 2020, section 3.2.1 (JMLR 21-140).
    """

    kind: Literal["prefix-lm"] = "prefix-lm"


Objective = Annotated[
    MaskedLM | Causal | SpanCorruption | Deshuffle | Denoise | AlexaTM | PrefixLM,
    Field(discriminator="kind"),
]
