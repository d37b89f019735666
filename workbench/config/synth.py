"""Synthetic text: what is made from a lexicon and from paradigms."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench.config.part import Part, Positive, Rate, refuse_repeated

InflectionTask = Literal["paradigm", "inflect", "reinflect", "analyse", "fill", "segment", "derive"]


class Synth(Part):
    """Pseudo text: pivot sentences with words replaced through the lexicon.

    Source: Wang, Ruder & Neubig 2022, section 3 (arXiv 2203.09435); longest match for phrases is ours.
    """

    rule: Literal["longest", "wang2022"] = Field(
        default="longest", description="wang2022: the published rule to the letter, of which nothing can be set"
    )
    senses: Literal["uniform", "frequency", "context"] = Field(
        default="uniform", description="of a word with several translations: any, the attested ones, by its sentence"
    )
    morphology: Literal["none", "lemma", "inflected"] = Field(
        default="none", description="English forms the lexicon lacks: left, as their lemma, inflected as they are"
    )
    induced: int = Field(default=0, ge=0, description="translated sentences from which more entries are induced")
    switch_rate: Rate = Field(default=0.5, description="of code-switched text: share of the matched words replaced")
    sentences: Positive = Field(default=2000, description="pseudo sentences per target")
    min_replaced: int = Field(default=3, ge=0, description="keep a sentence only with this many replaced words")
    min_rate: Rate = Field(default=0.0, description="keep a sentence only with this share of its words replaced")
    rate: Rate = Field(default=1.0, description="share of the matched words that are replaced")
    max_phrase: Positive = Field(default=4, description="longest lexicon phrase matched, in words")
    permute_lexicon: bool = Field(default=False, description="control: the lexicon's meanings shuffled")
    inflection_tasks: tuple[InflectionTask, ...] = Field(
        default=("paradigm",), min_length=1, description="what lines `inflection` text is, one after the other"
    )
    permute_paradigms: bool = Field(default=False, description="control: which form stands in which cell, by lot")
    labelled: Positive = Field(default=1500, description="labelled pivot sentences translated per target")

    @field_validator("inflection_tasks")
    @classmethod
    def _distinct(cls, tasks: tuple[InflectionTask, ...]) -> tuple[InflectionTask, ...]:
        refuse_repeated("inflection_tasks", tasks)
        return tasks

    @model_validator(mode="after")
    def _published_rule_is_whole(self) -> Self:
        settings = ("senses", "min_replaced", "min_rate", "rate", "max_phrase", "switch_rate")
        fields = type(self).model_fields
        changed = [name for name in settings if getattr(self, name) != fields[name].default]
        if self.rule == "wang2022" and changed:
            raise ValueError(f"rule 'wang2022' is the published one, of which nothing can be set: leave out {changed}")
        return self
