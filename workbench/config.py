"""The schema of a study: frozen pydantic models, the only home of defaults and range checks.

Everything here but `Where` is a run's identity and enters its hash; `Where` says only on what it runs.
A study file (TOML) gives `[base]` values and named `[variants.<row name>]` differences; see `workbench.load`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from workbench import languages
from workbench.errors import BadInput

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]


class Part(BaseModel):
    """Frozen, strict about types and unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _toml_arrays_are_tuples(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


class Data(Part):
    """Which text, in which languages. Tags are ISO 639-3 with ISO 15924 (`cym-Latn`)."""

    source: Literal["embedded"] = "embedded"
    pretrain: tuple[str, ...] = Field(min_length=1, description="languages whose real text the base model reads")
    targets: tuple[str, ...] = Field(min_length=1, description="languages that the base never reads")
    pivot: str = "eng-Latn"
    max_train_bytes: int = Field(default=4_000_000, ge=1_000, description="text read per language, UTF-8 bytes")
    few_text: Positive = Field(default=20, description="real sentences per target in the few-text arms")

    @field_validator("pretrain", "targets")
    @classmethod
    def _known_and_distinct(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for tag in tags:
            try:
                languages.parse(tag)
            except BadInput as error:
                raise ValueError(str(error)) from error  # so that it is reported with its place, and with all others
        if len(set(tags)) != len(tags):
            raise ValueError(f"languages must be distinct, got {list(tags)}")
        return tags

    @model_validator(mode="after")
    def _targets_unseen(self) -> Self:
        if both := sorted(set(self.pretrain) & set(self.targets)):
            raise ValueError(f"targets must not be in pretrain (the base would have read them): {both}")
        if self.pivot not in self.pretrain:
            raise ValueError(f"pivot {self.pivot!r} must be one of pretrain")
        return self


class Tokenizer(Part):
    """SentencePiece unigram with byte fallback, over text balanced by p ~ n^alpha."""

    vocab_size: int = Field(default=6000, ge=300, le=1_000_000)
    alpha: Rate = Field(default=0.3, description="exponent over languages; 1 keeps the skew, 0 is uniform")
    sample_bytes: int = Field(default=3_000_000, ge=10_000, description="training text in all, UTF-8 bytes")


class Model(Part):
    """One pre-norm transformer encoder: RMSNorm, RoPE, GeGLU, tied embeddings."""

    width: Positive = 96
    num_layers: Positive = 2
    num_heads: Positive = 4
    feed_forward: Positive = 256
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    local_heads: int = Field(default=2, ge=0, description="heads that start out attending to fixed local offsets")

    @model_validator(mode="after")
    def _shapes(self) -> Self:
        if self.width % self.num_heads or (self.width // self.num_heads) % 2:
            raise ValueError(
                f"width {self.width} must be num_heads ({self.num_heads}) times an even number (RoPE turns pairs)"
            )
        if self.local_heads > self.num_heads:
            raise ValueError(f"local_heads {self.local_heads} must not exceed num_heads {self.num_heads}")
        return self


class Objective(Part):
    """BERT's masked LM. Source: Devlin et al. 2019, section 3.1: 15 %, of which 80/10/10."""

    kind: Literal["mlm"] = "mlm"
    mask_rate: float = Field(default=0.15, gt=0.0, lt=1.0)
    replace_rate: Rate = Field(default=0.8, description="of the chosen: share replaced by the mask symbol")
    random_rate: Rate = Field(default=0.1, description="of the chosen: share replaced by a random piece")
    whole_words: bool = False

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.replace_rate + self.random_rate > 1.0 + 1e-9:
            raise ValueError(f"replace_rate + random_rate must be <= 1, got {self.replace_rate + self.random_rate}")
        return self


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


Resource = Literal["pseudo", "word-list", "inflection", "few-text", "all-text"]


class Adapt(Part):
    """Continued masked-LM training of the base on what each target language has."""

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


class Synth(Part):
    """Pseudo text: pivot sentences with words replaced through the lexicon.

    Source: Wang, Ruder & Neubig 2022, section 3 (arXiv 2203.09435); longest match for phrases is ours.
    """

    sentences: Positive = Field(default=2000, description="pseudo sentences per target")
    min_replaced: int = Field(default=3, ge=0, description="keep a sentence only with this many replaced words")
    min_rate: Rate = Field(default=0.0, description="keep a sentence only with this share of its words replaced")
    rate: Rate = Field(default=1.0, description="share of the matched words that are replaced")
    max_phrase: Positive = Field(default=4, description="longest lexicon phrase matched, in words")
    permute_lexicon: bool = Field(default=False, description="control: the lexicon's meanings shuffled")
    labelled: Positive = Field(default=1500, description="labelled pivot sentences translated per target")


class Evaluate(Part):
    """What is measured on held-out text, and the small classifier trained for intents."""

    split: Literal["dev", "test"] = "test"
    mask_groups: Positive = Field(default=7, description="passes of the masked pseudo-likelihood")
    pivot_documents: Positive = Field(default=300, description="held-out pivot texts whose bits are measured")
    retrieval_pairs: int = Field(default=200, ge=10)
    intent_steps: Positive = 300
    intent_batch_size: Positive = 64
    intent_learning_rate: float = Field(default=2e-3, gt=0.0, lt=1.0)
    pseudo_labelled: bool = Field(default=False, description="also train on lexicon-translated intents")
    pseudo_share: Rate = Field(default=0.7, description="of that training: share of pseudo-labelled examples")


class Config(Part):
    """Everything that makes one run what it is (the seed is beside it)."""

    data: Data
    tokenizer: Tokenizer = Tokenizer()
    model: Model = Model()
    objective: Objective = Objective()
    pretrain: Train = Train()
    adapt: Adapt = Adapt()
    synth: Synth = Synth()
    evaluate: Evaluate = Evaluate()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.evaluate.pseudo_labelled and "pseudo" not in self.adapt.resources:
            raise ValueError("evaluate.pseudo_labelled needs 'pseudo' among adapt.resources (no lexicon, no labels)")
        return self


class Where(Part):
    """Where a study runs; never part of its identity."""

    runs: str = "runs"
    jobs: int = Field(default=0, ge=0, description="worker processes; 0 = one per CPU core (1 on an accelerator)")
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"


class Study(Part):
    """Base plus named variants x seeds. Variant names are the table's row names."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    seeds: tuple[int, ...] = Field(min_length=1)
    reference: str = Field(description="the variant that the others are tested against")
    variants: dict[str, Config] = Field(min_length=1)
    where: Where = Where()

    @model_validator(mode="after")
    def _names(self) -> Self:
        if self.reference not in self.variants:
            raise ValueError(f"reference {self.reference!r} is not a variant; variants are {sorted(self.variants)}")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must be distinct, got {list(self.seeds)}")
        return self
