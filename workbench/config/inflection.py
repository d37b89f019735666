"""Inflection: lemma and features to form, by a character model of its own."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.config.model import Model
from workbench.config.part import Part, Positive, Rate, refuse_repeated
from workbench.config.training import Optim, refuse_short


class InflectionData(Part):
    """Files `<language>.trn`, `.dev` and `.tst` of one folder, in the layout of the SIGMORPHON shared tasks."""

    folder: str = Field(default="sigmorphon2023", description="under WORKBENCH_DATA, or a path")
    languages: tuple[str, ...] = Field(min_length=1, description="as the files are named, e.g. deu, heb_unvoc")
    multilingual: bool = Field(default=False, description="one model for all languages, in place of one each")
    alpha: Rate = Field(default=0.5, description="multilingual: languages are drawn by p ~ rows^alpha")
    train_size: Positive | None = Field(default=None, description="the first so many triples of a random order; all")
    max_slots: Positive = Field(default=16, description="distinct unknown characters of a word told apart")
    min_lemmas: Positive = Field(
        default=3, description="a character of fewer training lemmas, and never written anew, is only ever copied"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_repeated("languages", self.languages)
        return self


class Transducer(Part):
    """An encoder over features and characters, a decoder of characters, and a pointer that copies from the source."""

    width: Positive = 128
    num_layers: Positive = 2
    num_decoder_layers: Positive = 2
    num_heads: Positive = 4
    feed_forward: Positive = 256
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    local_heads: int = Field(default=4, ge=0, description="heads that start out attending to fixed local offsets")
    pointer: bool = Field(default=True, description="copying source characters competes with writing them")
    cross_rope: bool = Field(
        default=True,
        description="attention from decoder to encoder knows how far apart two places are",
    )
    monotonic_pointer: bool = Field(
        default=False, description="the pointer never moves back; its alignments are summed over exactly"
    )

    @property
    def stack(self) -> Model:
        """The same as settings of the general encoder-decoder."""
        return Model(
            kind="encoder-decoder",
            width=self.width,
            num_layers=self.num_layers,
            num_decoder_layers=self.num_decoder_layers,
            num_heads=self.num_heads,
            feed_forward=self.feed_forward,
            dropout=self.dropout,
            local_heads=self.local_heads,
        )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _ = self.stack
        if self.monotonic_pointer and not self.pointer:
            raise ValueError("monotonic_pointer = true is about a pointer, but pointer = false; set one of the two")
        return self


class InflectionTrain(Part):
    """How long and on what batches; the weights kept are those with the best exact match on dev."""

    steps: Positive = 1200
    batch_size: Positive = 32
    optim: Optim = Optim(learning_rate=2e-3, warmup_steps=50)
    look_every: Positive = Field(default=400, description="steps between two looks at dev")
    patience: Positive | None = Field(default=None, description="stop after so many looks without a new best")
    buckets: int = Field(default=3, ge=1, le=4, description="batches are cut to so many shapes, by length")

    @model_validator(mode="after")
    def _trains(self) -> Self:
        refuse_short(self.steps, self.optim)
        return self


class Hallucinate(Part):
    """Made-up stems in real paradigms. Source: Anastasopoulos & Neubig 2019, section 4.2 (arXiv 1908.05838)."""

    kind: Literal["none", "stems"] = "stems"
    rows: Positive = Field(default=10_000, description="to make")
    share: float = Field(default=0.3, ge=0.0, lt=1.0, description="of each batch, beside the real rows")
    min_stem: Positive = Field(default=3, description="characters of a common stretch that may be replaced")
    rate: Rate = Field(default=0.5, description="of a stretch's characters that are replaced")


class Search(Part):
    """How forms are written."""

    beams: Positive = Field(default=1, description="1 is greedy search")
    length_penalty: float = Field(default=1.0, ge=0.0)
    max_length: int = Field(default=64, ge=8, description="characters; longer where training forms ask for it")
    batch_size: Positive = Field(
        default=64, description="hypotheses read at once; few rows in a batch wait little for its longest form"
    )


class InflectionConfig(Part):
    """Everything that makes one inflection run what it is (the seed is beside it)."""

    data: InflectionData
    directions: Literal["forward", "both"] = Field(
        default="forward",
        description="both: the model also learns to write forms from their end, and that is written which is likeliest "
        "from both ends",
    )
    model: Transducer = Transducer()
    train: InflectionTrain = InflectionTrain()
    hallucinate: Hallucinate = Hallucinate()
    search: Search = Search()
    split: Literal["dev", "test"] = "test"
