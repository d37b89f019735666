"""Adaptation: which resources of a target language the base goes on training on, and how."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench.config.alignment import Align
from workbench.config.part import Part, Positive, Rate, refuse_repeated
from workbench.config.training import Keep, Optim, Validation, refuse_short

Made = Literal["pseudo", "word-list", "inflection", "code-switched", "lexical-pairs"]  # from lexicons and paradigms
Resource = Literal[Made, "few-text", "all-text"]
Initialise = Literal["random", "mean", "subword-average", "lexicon-aligned", "overlap"]


class KeepVocabulary(Part):
    """The base's pieces; a script that they do not spell falls to bytes."""

    kind: Literal["keep"] = "keep"


class ExtendVocabulary(Part):
    """The base's pieces under their ids, and behind them pieces learnt from what the arm reads of the targets.

    With `characters = "unseen"` every new piece has a character that the base spells in bytes, so text that the base
    could spell is cut as before; "any" also takes pieces that may cut such text otherwise.
    """

    kind: Literal["extend"] = "extend"
    pieces: Positive = Field(default=1000, description="new ones, at most")
    characters: Literal["unseen", "any"] = "unseen"
    initialise: Initialise = Field(default="lexicon-aligned", description="vectors of the new pieces")


class ReplaceVocabulary(Part):
    """Pieces learnt anew, from what the arm reads of the targets and from as much text of the pivot."""

    kind: Literal["replace"] = "replace"
    pieces: int = Field(default=6000, ge=300, le=1_000_000, description="in all")
    initialise: Initialise = Field(default="overlap", description="vectors of the pieces that the base has not")


Vocabulary = Annotated[KeepVocabulary | ExtendVocabulary | ReplaceVocabulary, Field(discriminator="kind")]


class Full(Part):
    """Every weight is trained, by the masked LM alone or by what aligns languages too."""

    kind: Literal["full"] = "full"
    align: Align = Align()


class LoRA(Part):
    """A change of low rank to each matrix is trained, and added to the matrix in the end.

    Source: Hu et al. 2021 (arXiv 2106.09685): W + alpha / rank * down up, up starting at 0.
    """

    kind: Literal["lora"] = "lora"
    rank: Positive = 8
    alpha: float = Field(default=16.0, gt=0.0)
    leaves: tuple[str, ...] = Field(
        default=(), description="which matrices, by name (query, value, ..); none given: all of the blocks'"
    )


class MADX(Part):
    """A language adapter is trained: a bottleneck behind each feed-forward layer, and an invertible one around all.

    Source: Pfeiffer et al. 2020, section 3 (2020.emnlp-main.617): language adapters reduce the width by 2.
    """

    kind: Literal["madx"] = "madx"
    reduction: Positive = 2
    invertible: bool = True


Method = Annotated[Full | LoRA | MADX, Field(discriminator="kind")]


class ResourceShares(Part):
    """What part of a target's share a resource has where there is other text of the target beside it."""

    few_text: Rate = 0.3
    inflection: Rate = 0.2

    @model_validator(mode="after")
    def _leave_something(self) -> Self:
        if self.few_text + self.inflection >= 1.0:
            raise ValueError("few_text + inflection must leave something for the other resources")
        return self


class Adapt(Part):
    """Continued training of the base, by the same objective, on what each target language has.

    With LoRA or MAD-X the base's weights stay as they are, but for the embeddings where the vocabulary changed.
    """

    resources: tuple[Resource, ...] = Field(default=(), description="empty: the base as it is")
    vocabulary: Vocabulary = KeepVocabulary()
    method: Method = Full()
    steps: Positive = 300
    batch_size: Positive = 16
    accumulate: Positive = Field(default=1, description="parts that a batch is read in, to need less memory")
    target_share: float = Field(default=0.6, gt=0.0, le=1.0, description="rest: replay of the base mixture")
    resource_shares: ResourceShares = ResourceShares()
    optim: Optim = Optim(learning_rate=2e-3)
    checkpoint_every: Positive = 200
    keep: Keep = Keep()
    validation: Validation | None = Field(
        default=None, description="on real dev text of targets and pivot, which a language without text has not"
    )

    @property
    def align(self) -> Align:
        """What is trained beside the masked LM."""
        return self.method.align if self.method.kind == "full" else Align()

    @model_validator(mode="after")
    def _trains(self) -> Self:
        refuse_short(self.steps, self.optim)
        return self

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.batch_size % self.accumulate:
            raise ValueError(f"accumulate: {self.accumulate} parts do not divide batch_size {self.batch_size}")
        return self

    @model_validator(mode="after")
    def _read(self) -> Self:
        changed = {"vocabulary": self.vocabulary.kind != "keep", "method": self.method.kind != "full"}
        if any(changed.values()) and not self.resources:
            named = " and ".join(name for name, is_changed in changed.items() if is_changed)
            raise ValueError(f"{named}: nothing is adapted without resources; name some")
        return self

    @model_validator(mode="after")
    def _muon(self) -> Self:
        if self.method.kind == "lora" and self.optim.kind == "muon":
            raise ValueError("optim.kind 'muon' is of whole matrices, which method 'lora' does not train; take 'adamw'")
        return self

    @model_validator(mode="after")
    def _aligned(self) -> Self:
        if not self.align.any:
            return self
        if not self.resources or (self.align.contrastive and "pseudo" not in self.resources):
            raise ValueError(
                f"method.align: contrastive reads pseudo text, the others some text; got {list(self.resources)}"
            )
        if self.accumulate > 1:
            raise ValueError("method.align: wants accumulate = 1 (a pair is told from all others of its step)")
        return self

    @field_validator("resources")
    @classmethod
    def _distinct(cls, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
        refuse_repeated("resources", resources)
        return resources
