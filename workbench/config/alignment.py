"""What pulls languages together while an encoder adapts, beside the masked LM."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from workbench.config.part import Part, Positive

Weight = Field(default=1.0, gt=0.0, le=100.0)


class Contrastive(Part):
    """A pivot sentence is told from others by its pseudo-translation, and the other way round: InfoNCE.

    Source: van den Oord et al. 2018, section 2.3 (arXiv 1807.03748); both directions as Radford et al. 2021, section
        2.3 (arXiv 2103.00020); pairs from a lexicon are ours.
    """

    weight: float = Weight
    temperature: float = Field(default=0.1, gt=0.0, le=10.0, description="of the cosines of mean states")
    pairs: int = Field(default=16, ge=2, description="per step; each is told from all the others")
    length: int = Field(default=32, ge=8, le=8192, description="tokens of a sentence that are read")


class Adversarial(Part):
    """A classifier of each token's language behind a gradient reversal, which grows from 0 to `weight`.

    Source: Ganin & Lempitsky 2015, section 3 (arXiv 1409.7495), its schedule too; on a speech encoder: Adams et al.
        2019 (N19-1009), of which this is the analogue over text.
    """

    weight: float = Weight


class Concepts(Part):
    """A classifier of each word's concept, the lexicons' pivot word that it translates: a tag that no language owns.

    Source: Adams et al. 2019 (N19-1009), with concepts in the place of its phonemes.
    """

    weight: float = Weight
    number: Positive = Field(default=1000, description="the pivot words that most of the targets' lexicons translate")


class Align(Part):
    """None of them, and the masked LM is all there is."""

    contrastive: Contrastive | None = None
    adversarial: Adversarial | None = None
    concepts: Concepts | None = None
    layer: int | None = Field(default=None, ge=0, description="whose states are aligned, 0 the embedding; none: last")

    @property
    def any(self) -> bool:
        return bool(self.contrastive or self.adversarial or self.concepts)

    @model_validator(mode="after")
    def _read(self) -> Self:
        if self.layer is not None and not self.any:
            raise ValueError("layer: nothing is aligned without contrastive, adversarial or concepts; name one")
        return self
