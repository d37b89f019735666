"""Adaptation: which resources of a target language the base goes on training on, and how."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench.config.part import Part, Positive, Rate
from workbench.config.training import Optim

Resource = Literal["pseudo", "word-list", "inflection", "few-text", "all-text"]


class Adapt(Part):
    """Continued training of the base, by the same objective, on what each target language has."""

    resources: tuple[Resource, ...] = Field(default=(), description="empty: the base as it is")
    steps: Positive = 300
    batch_size: Positive = 16
    target_share: float = Field(default=0.6, gt=0.0, le=1.0, description="rest: replay of the base mixture")
    few_text_share: Rate = Field(default=0.3, description="of a target's share, beside other text of it")
    inflection_share: Rate = Field(default=0.2, description="of a target's share, beside other text of it")
    optim: Optim = Optim(learning_rate=2e-3)
    checkpoint_every: Positive = 200

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.few_text_share + self.inflection_share >= 1.0:
            raise ValueError("few_text_share + inflection_share must leave something for the other resources")
        return self

    @field_validator("resources")
    @classmethod
    def _distinct(cls, resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
        if len(set(resources)) != len(resources):
            raise ValueError(f"resources must be distinct, got {list(resources)}")
        return resources
