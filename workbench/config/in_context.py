"""What a model is asked in prompts: the labels of sentences, and translations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbench.config.part import Part, Positive

PromptTask = Literal["sib200", "massive", "xsid", "afrisenti", "intents"]
TranslationData = Literal["embedded", "ntrex"]
TranslationMetric = Literal["bleu", "spbleu", "chrf", "chrf++"]


class InContext(Part):
    """Labels scored behind a prompt with k labelled sentences of the pivot; nothing is trained."""

    tasks: tuple[PromptTask, ...] = Field(default=("intents",), min_length=1)
    shots: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(0, 1, 4), min_length=1, description="k: demonstrations in a prompt"
    )
    balanced: bool = Field(default=True, description="demonstrations of all labels in turn, not as they come")
    random_labels: bool = Field(default=True, description="also with demonstrations whose labels are drawn by lot")
    length: int | None = Field(
        default=None, ge=16, description="tokens of a prompt and its label; none given: those of a training row"
    )
    items: int | None = Field(default=None, ge=2, description="the first so many of a language; none given: all")


class Translation(Part):
    """Sentences translated behind a prompt with k translated sentences, from the pivot and into it."""

    data: TranslationData = Field(default="embedded", description="demonstrations: its dev sentences; ntrex: its last")
    languages: tuple[str, ...] = Field(default=(), description="none given: all that are measured")
    shots: int = Field(default=1, ge=0)
    sentences: int = Field(default=100, ge=2, description="the first so many of a language")
    length: int | None = Field(
        default=None, ge=16, description="tokens of a prompt and the translation; none given: those of a training row"
    )
    max_new: Positive = Field(default=32, description="tokens of a translation at most")
    num_beams: Positive = Field(default=1, description="1: greedy search")
    length_penalty: float = Field(default=1.0, ge=0.0, description="beams are ranked by log p / length ** this")
    metrics: tuple[TranslationMetric, ...] = Field(
        default=("bleu", "chrf", "chrf++"),
        min_length=1,
        description="spbleu fetches the tokenizer of FLORES-200, once",
    )
