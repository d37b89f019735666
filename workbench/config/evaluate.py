"""What a run is measured on."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from workbench.config.in_context import InContext, Translation
from workbench.config.part import Part, Positive, Rate
from workbench.config.tasks import Task

Measure = Literal[
    "bits",
    "retrieval",
    "intents",
    "alignment",
    "tasks",
    "in-context",
    "translation",
    "inflection",
    "cost",
    "fertility",
]
ParallelData = Literal["ntrex", "sib200"]


class Evaluate(Part):
    """What is measured on held-out text, and the small classifier trained for intents."""

    split: Literal["dev", "test"] = "test"
    measures: tuple[Measure, ...] = Field(
        default=(), description="none given: bits, and over targets of the embedded data retrieval and intents"
    )
    parallel: tuple[ParallelData, ...] = Field(
        default=(), description="sentences in many languages, from $WORKBENCH_DATA, whose alignment is measured"
    )
    parallel_sentences: int | None = Field(
        default=None, ge=2, description="the first so many of each, which are then the candidates too; none given: all"
    )
    tasks: tuple[Task, ...] = Field(default=(), description="labelled tasks to fine-tune on, from $WORKBENCH_DATA")
    in_context: InContext = InContext()
    translation: Translation = Translation()
    mask_groups: Positive = Field(default=7, description="passes of the masked pseudo-likelihood")
    base_documents: Positive = Field(
        default=300,
        description="held-out texts whose bits are measured: of the pivot; with no targets, of all",
    )
    retrieval_pairs: int = Field(default=200, ge=10)
    intent_steps: Positive = 300
    intent_batch_size: Positive = 64
    intent_learning_rate: float = Field(default=2e-3, gt=0.0, lt=1.0)
    pseudo_labelled: bool = Field(default=False, description="also train on lexicon-translated intents")
    pseudo_share: Rate = Field(default=0.7, description="of that training: share of pseudo-labelled examples")

    @model_validator(mode="after")
    def _not_chosen_on_what_is_measured(self) -> Self:
        if self.split == "dev" and (chosen := [one.told for one in self.tasks if one.selection == "target-dev"]):
            raise ValueError(
                f"selection: {chosen[0]} would be measured on the very dev examples that chose its checkpoint; set "
                'split to "test", or selection to "english-dev"'
            )
        return self
