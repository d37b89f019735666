"""Mixtures of languages, the optimizer and the training run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from workbench.config.part import Part, Positive, Rate


class ExponentMixture(Part):
    """p_l ~ n_l^alpha (XLM-R alpha 0.3; Conneau et al. 2020, section 3.1)."""

    kind: Literal["exponent"] = "exponent"
    alpha: Rate = 0.3


class UniMaxMixture(Part):
    """As uniform as a cap on epochs allows. Source: Chung et al. 2023, arXiv 2304.09151, algorithm 1."""

    kind: Literal["unimax"] = "unimax"
    max_epochs: float = Field(default=4.0, gt=0.0)


Mixture = Annotated[ExponentMixture | UniMaxMixture, Field(discriminator="kind")]


class Optim(Part):
    """AdamW with linear warm-up and cosine decay to zero."""

    learning_rate: float = Field(default=3e-3, gt=0.0, lt=1.0)
    warmup_steps: int = Field(default=30, ge=0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    beta2: float = Field(default=0.98, gt=0.0, lt=1.0)
    clip_norm: float = Field(default=1.0, gt=0.0)


class Train(Part):
    """A training run: how long, on what batches, by which mixture of languages."""

    steps: Positive = 600
    batch_size: Positive = 16
    length: int = Field(default=64, ge=8, le=8192, description="tokens per packed row")
    pivot_share: Rate | None = Field(default=None, description="share given to the pivot before the mixture")
    mixture: Mixture = ExponentMixture()
    optim: Optim = Optim()
    checkpoint_every: Positive = 200
