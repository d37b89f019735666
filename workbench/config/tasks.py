"""Labelled tasks: what a model is fine-tuned on, how, and how it is chosen."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench import languages
from workbench.config.part import Part, Positive, Rate, refuse_repeated
from workbench.config.training import Optim, refuse_short
from workbench.errors import BadInput

TaskName = Literal[
    "massive", "xsid", "sib200", "afrisenti", "ud-pos", "masakhapos", "masakhaner", "intents", "own"
]  # fmt: skip
Pooling = Literal["mean", "first", "max"]
Freeze = Literal["nothing", "embeddings", "encoder"]
Selection = Literal["english-dev", "target-dev"]
Training = Literal["en", "en+pseudo"]


class Heads(Part):
    """What reads a model's states, linear or with one hidden layer: a label pooled ones, a tag each token's."""

    layer: int | None = Field(default=None, ge=0, description="that a label reads; 0: embeddings; none: the last")
    tag_layer: int | None = Field(default=None, ge=0, description="that tags read; 0: embeddings; none: the last")
    pooling: Pooling = "mean"
    width: int = Field(default=0, ge=0, description="of a hidden layer in each head; 0: the heads are linear")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="on the states that the heads read")


class FineTune(Part):
    """Heads on a model's states; the whole model is trained unless frozen."""

    steps: Positive = 600
    batch_size: Positive = 32
    max_length: int = Field(
        default=128, ge=8, description="pieces of training texts; a test text is cut at the model's limit"
    )
    optim: Optim = Optim(learning_rate=1e-3, schedule="linear")
    heads: Heads = Heads()
    freeze: Freeze = Field(default="nothing", description="what keeps the pretrained weights")
    tag_weight: float = Field(default=1.0, gt=0.0, description="of the tags' loss beside the label's, in joint tasks")
    checks: Positive = Field(default=4, description="times that dev is looked at, evenly spaced; the last is the end")
    few_shot_steps: Positive = Field(default=100, description="of going on with a language's own examples")

    @model_validator(mode="after")
    def _trains(self) -> Self:
        refuse_short(self.steps, self.optim)
        if self.optim.ema_decay is not None:
            raise ValueError("optim.ema_decay: fine-tuning keeps no average of the weights; leave it out")
        if self.checks > self.steps:
            raise ValueError(f"checks: {self.checks} are more than the steps ({self.steps})")
        return self


class Task(Part):
    """Train on the examples of one language, English unless said, and test on every language.

    `selection = "target-dev"` chooses each language's checkpoint by its own dev set: that is not zero-shot, and its
    rows say so. `few_shot` goes on, from the English checkpoint, with so many examples of each language.

    Source: Hu et al. 2020, XTREME, section 3 (arXiv 2003.11080); few-shot: Lauscher et al. 2020 (arXiv 2005.00633).
    """

    name: TaskName
    folder: str = Field(default="", description="of one's own task; what its files hold is the identity, not its place")
    source: str = Field(default="eng-Latn", description="the language trained on, whose dev set chooses")
    languages: tuple[str, ...] = Field(default=(), description="tested; none given: all that the data have")
    train: tuple[Training, ...] = Field(default=("en",), min_length=1, description="en+pseudo: also through lexicons")
    pseudo_share: Rate = Field(default=0.5, description="of the training: pseudo-labelled examples")
    pseudo_examples: Positive = Field(default=1000, description="English examples translated, per language")
    train_examples: Positive | None = Field(default=None, description="English ones, drawn at random; none given: all")
    test_examples: Positive | None = Field(
        default=None, description="so many of each language, at equal distances; none given: all"
    )
    selection: Selection = "english-dev"
    few_shot: tuple[Positive | Literal["all"], ...] = ()
    fine_tune: FineTune = FineTune()

    @field_validator("languages", "source")
    @classmethod
    def _known(cls, tags: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for tag in [tags] if isinstance(tags, str) else tags:
            try:
                languages.parse(tag)
            except BadInput as error:
                raise ValueError(str(error)) from error
        if not isinstance(tags, str):
            refuse_repeated("languages", tags)
        return tags

    @model_validator(mode="after")
    def _read(self) -> Self:
        if (self.name == "own") != bool(self.folder):
            raise ValueError("folder: the task 'own' reads one, and no other does")
        if len(set(self.train)) != len(self.train) or len(set(self.few_shot)) != len(self.few_shot):
            raise ValueError("train and few_shot must name each thing once")
        return self

    @property
    def told(self) -> str:
        """Its name in rows: one's own task is called by its folder's name."""
        return self.folder.rstrip("/").rpartition("/")[2] if self.name == "own" else self.name

    def identity(self) -> dict[str, object]:
        return {name: value for name, value in super().identity().items() if name != "folder"}
