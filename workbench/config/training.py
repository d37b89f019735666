"""Mixtures of languages, the optimizer and the training run."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from workbench.config.part import Part, Positive, Rate


class ExponentMixture(Part):
    """p_l ~ n_l^alpha (XLM-R alpha 0.3; Conneau et al. 2020, section 3.1)."""

    kind: Literal["exponent"] = "exponent"
    alpha: Rate = 0.3


class UniMaxMixture(Part):
    """As uniform as a cap on epochs allows. Source: Chung et al. 2023, arXiv 2304.09151, algorithm 1."""

    kind: Literal["unimax"] = "unimax"
    max_epochs: float = Field(default=4.0, gt=0.0)


class ExplicitMixture(Part):
    """A weight for every language, by tag; weights need not sum to one."""

    kind: Literal["explicit"] = "explicit"
    weights: dict[str, Annotated[float, Field(gt=0.0)]] = Field(min_length=1)


Unstaged = Annotated[ExponentMixture | UniMaxMixture | ExplicitMixture, Field(discriminator="kind")]


class MixtureStage(Part):
    """One stretch of a run and its mixture."""

    share: float = Field(gt=0.0, le=1.0, description="of the run's steps")
    mixture: Unstaged


class StagedMixture(Part):
    """One mixture after another. A cap on epochs holds within its stage; realised epochs are counted over the run."""

    kind: Literal["staged"] = "staged"
    stages: tuple[MixtureStage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs((total := sum(stage.share for stage in self.stages)) - 1.0) > 1e-6:
            raise ValueError(f"the stages' shares must sum to 1, got {total:g}")
        return self


Mixture = Annotated[
    ExponentMixture | UniMaxMixture | ExplicitMixture | StagedMixture,
    Field(discriminator="kind"),
]

_BETA2_DEFAULTS = {"adamw": 0.98, "lion": 0.99, "muon": 0.98}
_BETA1_DEFAULTS = {"adamw": 0.9, "lion": 0.9, "muon": 0.95}


class Optim(Part):
    """An optimizer, and the learning rate over the run: linear warm-up, then `schedule`.

    `adamw`: Loshchilov & Hutter 2019. `adafactor`: Shazeer & Stern 2018, updates relative to each weight's size, no
    momentum unless beta1 is given. `lion`: Chen et al. 2023; wants a learning rate 3 to 10 times smaller, and a decay
    as much larger. `muon`: Jordan et al. 2024 for the matrices of the blocks and the head, with updates as large as
    AdamW's (Liu et al. 2025), and AdamW for embeddings, norms and biases.
    """

    kind: Literal["adamw", "adafactor", "lion", "muon"] = "adamw"
    learning_rate: float = Field(default=3e-3, gt=0.0, lt=1.0)
    warmup_steps: int = Field(default=30, ge=0)
    schedule: Literal["cosine", "linear", "inverse-sqrt", "constant"] = Field(
        default="cosine",
        description="cosine and linear end at 0; inverse-sqrt falls as 1 / sqrt(step) from the warm-up on",
    )
    weight_decay: float = Field(default=0.01, ge=0.0, description="times the learning rate; of matrices only")
    beta1: float | None = Field(
        default=None, ge=0.0, lt=1.0, description="momentum; adamw and lion 0.9, muon 0.95, adafactor none"
    )
    beta2: float | None = Field(
        default=None,
        gt=0.0,
        lt=1.0,
        description="adamw 0.98, lion 0.99, muon 0.98 (in what it leaves to AdamW); adafactor reads none",
    )
    clip_norm: float = Field(default=1.0, gt=0.0, description="of all gradients together")
    ema_decay: float | None = Field(
        default=None, gt=0.0, lt=1.0, description="average the weights, and evaluate and save the average"
    )

    @model_validator(mode="after")
    def _read(self) -> Self:
        if self.kind == "adafactor" and self.beta2 is not None:
            raise ValueError("beta2: adafactor does not read it (its second moment decays as 1 - step^-0.8)")
        if self.schedule == "inverse-sqrt" and self.warmup_steps < 1:
            raise ValueError("warmup_steps: inverse-sqrt falls from the end of the warm-up, which must be at least 1")
        return self

    @property
    def betas(self) -> tuple[float | None, float]:
        """The two moments' decays, with the kind's own where none is given."""
        beta1 = _BETA1_DEFAULTS.get(self.kind) if self.beta1 is None else self.beta1
        return beta1, _BETA2_DEFAULTS.get(self.kind, 0.0) if self.beta2 is None else self.beta2


def refuse_short(steps: int, optim: Optim) -> None:
    """Raises: ValueError where the steps end before the warm-up does."""
    if optim.warmup_steps >= steps:
        raise ValueError(
            f"optim.warmup_steps: {optim.warmup_steps} must be fewer than steps ({steps}); lower it, or raise steps"
        )


class Keep(Part):
    """Which checkpoints stay on disk, beside the best one where there is a patience."""

    last: Positive = Field(default=1, description="the newest ones")
    every: Positive | None = Field(default=None, description="and those at multiples of so many steps")


class Validation(Part):
    """Held-out loss per language while training, and stopping early on it."""

    every: Positive = Field(default=100, description="steps")
    documents: Positive = Field(default=200, description="the first dev documents of each language")
    patience: Positive | None = Field(
        default=None, description="stop after so many looks without a new best, and end with the best weights"
    )
    metric: str | None = Field(default=None, description="what patience looks at: a language tag, or all, evenly")

    @model_validator(mode="after")
    def _read(self) -> Self:
        if self.metric is not None and self.patience is None:
            raise ValueError("metric: only patience reads it; give a patience or leave the metric out")
        return self


class Train(Part):
    """A training run: how long, on what batches, by which mixture of languages."""

    start: str = Field(
        default="",
        description="folder of a finished run, or of a model exported or imported, that is the base as it is: nothing "
        "is pretrained, its tokenizer is the study's. Not part of the identity: what the folder holds is",
    )
    steps: Positive = 600
    batch_size: Positive = Field(default=16, description="rows per update")
    accumulate: Positive = Field(default=1, description="parts that a batch is read in, to need less memory")
    length: int = Field(default=64, ge=8, le=8192, description="tokens per packed row")
    pivot_share: Rate | None = Field(default=None, description="share given to the pivot before the mixture")
    mixture: Mixture = ExponentMixture()
    inflection_share: float = Field(
        default=0.0, ge=0.0, lt=1.0, description="of a language's rows, where it has paradigms: lines made of them"
    )
    optim: Optim = Optim()
    checkpoint_every: Positive = 200
    keep: Keep = Keep()
    validation: Validation | None = None

    def identity(self) -> dict[str, Any]:
        return {name: value for name, value in super().identity().items() if name != "start"}

    @model_validator(mode="after")
    def _trains(self) -> Self:
        refuse_short(self.steps, self.optim)
        return self

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        if self.batch_size % self.accumulate:
            raise ValueError(f"accumulate: {self.accumulate} parts do not divide batch_size {self.batch_size}")
        mixtures = [one.mixture for one in self.mixture.stages] if self.mixture.kind == "staged" else [self.mixture]
        if self.pivot_share is not None and any(one.kind == "explicit" for one in mixtures):
            raise ValueError("pivot_share: an explicit mixture gives the pivot its weight; leave one of them out")
        return self

    @model_validator(mode="after")
    def _pretrains(self) -> Self:
        if self.start and self.inflection_share:
            raise ValueError("inflection_share: nothing is pretrained where there is a start; leave one of them out")
        return self
