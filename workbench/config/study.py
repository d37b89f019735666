"""A study: a base configuration, named variants of it, seeds, and where it runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from workbench import languages, licences
from workbench.config.mesh import Hosts, Mesh
from workbench.config.model import Model
from workbench.config.objective import MaskedLM, Objective
from workbench.config.part import Part, Positive, Rate
from workbench.config.training import Optim, Train
from workbench.errors import BadInput


class Embedded(Part):
    """The real text, lexicons, paradigms and labelled requests that PyPI packages ship: fetched and built once."""

    kind: Literal["embedded"] = "embedded"


class Files(Part):
    """One's own text: `<folder>/<language>/<split>.txt`, split being train, dev or test; see `stages/source.py`."""

    kind: Literal["files"] = "files"
    folder: str = Field(min_length=1, description="never part of the identity: what the files hold is")
    unit: Literal["line", "paragraph"] = Field(default="line", description="what a document of a .txt is")
    column: str = Field(default="text", min_length=1, description="of a table: which column is the text")
    licence: str = Field(default="", description="SPDX, of the text; every manifest and report names it")
    accept_licence: bool = Field(default=False, description="yes, my use is allowed: of one not free, or not stated")

    @model_validator(mode="after")
    def _licence_allows(self) -> Self:
        try:
            licences.want_yes(
                f"the text in {self.folder!r}", self.licence, self.accept_licence, "accept_licence = true"
            )
        except BadInput as error:
            raise ValueError(f"{error}; or name a free one with licence = ...") from error
        return self

    def identity(self) -> dict[str, Any]:
        unread = ("folder", "licence", "accept_licence")
        return {name: value for name, value in super().identity().items() if name not in unread}


Source = Annotated[Embedded | Files, Field(discriminator="kind")]


class Data(Part):
    """Which text, in which languages. Tags are ISO 639-3 with ISO 15924 (`cym-Latn`)."""

    source: Source = Embedded()
    pretrain: tuple[str, ...] = Field(min_length=1, description="languages whose real text the base model reads")
    targets: tuple[str, ...] = Field(default=(), description="languages that the base never reads; none: no adapting")
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
    sentinels: int = Field(default=0, ge=0, description="of the pieces: <extra_id_0>.. for span corruption (T5: 100)")
    clm: bool = Field(default=False, description="one of the pieces: [CLM], which AlexaTM's objective writes")

    @model_validator(mode="after")
    def _room_for_text(self) -> Self:
        if self.vocab_size - self.sentinels - self.clm < 300:
            raise ValueError(
                f"vocab_size {self.vocab_size} with {self.sentinels} sentinels leaves "
                f"{self.vocab_size - self.sentinels - self.clm} pieces; 261 are special or bytes, 300 are the least"
            )
        return self


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


Measure = Literal["bits", "retrieval", "intents", "alignment", "cost"]
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


class Config(Part):
    """Everything that makes one run what it is (the seed is beside it)."""

    data: Data
    tokenizer: Tokenizer = Tokenizer()
    model: Model = Model()
    objective: Objective = MaskedLM()
    pretrain: Train = Train()
    adapt: Adapt = Adapt()
    synth: Synth = Synth()
    evaluate: Evaluate = Evaluate()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What a run of this config measures."""
        if self.evaluate.measures:
            return self.evaluate.measures
        if self.data.targets and self.data.source.kind == "embedded":
            return ("bits", "retrieval", "intents")
        return ("bits",)

    @model_validator(mode="after")
    def _objective_fits_model(self) -> Self:
        match self.objective.kind:
            case "mlm" | "translation-lm":
                fitting = ["an encoder"]
            case "causal":
                fitting = ["a decoder"]
            case "prefix-lm":
                fitting = ["a decoder", "an encoder-decoder"]
            case _:
                fitting = ["an encoder-decoder"]
        if not any(name.endswith(f" {self.model.kind}") for name in fitting):
            raise ValueError(
                f"objective.kind {self.objective.kind!r} trains {' or '.join(fitting)}, but model.kind is "
                f"{self.model.kind!r}"
            )
        if self.objective.kind == "span-corruption" and not self.tokenizer.sentinels:
            raise ValueError("objective.kind 'span-corruption' writes sentinels; set tokenizer.sentinels (T5: 100)")
        if self.objective.kind == "alexatm" and self.objective.causal_rate and not self.tokenizer.clm:
            raise ValueError("objective.kind 'alexatm' writes [CLM]; set tokenizer.clm = true")
        if self.objective.kind in ("translation-lm", "prefix-lm"):
            raise ValueError(
                f"objective.kind {self.objective.kind!r} reads pairs, but a study's base reads running text; set it to "
                "'mlm' (encoder), 'causal' (decoder), 'span-corruption', 'denoise', 'deshuffle' or 'alexatm'"
            )
        return self

    @model_validator(mode="after")
    def _resources_exist(self) -> Self:
        resources, own_text = self.adapt.resources, self.data.source.kind == "files"
        if resources and not self.data.targets:
            raise ValueError(f"adapt.resources {list(resources)} are of target languages, but data.targets is empty")
        if own_text and (made := [name for name in resources if name in ("pseudo", "word-list", "inflection")]):
            raise ValueError(
                f"adapt.resources {made} are made from lexicons and paradigms, which data.source 'files' has not; "
                "leave 'few-text' and 'all-text', or use the embedded data"
            )
        labelled = [name for name in self.measures if name in ("retrieval", "intents")]
        if own_text and labelled:
            raise ValueError(
                f"evaluate.measures {labelled} need translated or labelled sentences, which data.source 'files' has "
                "not; leave 'bits' and 'cost'"
            )
        if self.evaluate.pseudo_labelled and "pseudo" not in resources:
            raise ValueError("evaluate.pseudo_labelled needs 'pseudo' among adapt.resources (no lexicon, no labels)")
        if ("alignment" in self.measures) != bool(self.evaluate.parallel):
            raise ValueError(
                "evaluate.measures 'alignment' reads the sentences that evaluate.parallel names (ntrex, sib200), and "
                f"nothing else does; got measures {list(self.measures)} and parallel {list(self.evaluate.parallel)}"
            )
        if len(set(self.evaluate.parallel)) != len(self.evaluate.parallel):
            raise ValueError(f"evaluate.parallel must be distinct, got {list(self.evaluate.parallel)}")
        if self.evaluate.pseudo_labelled and "intents" not in self.measures:
            raise ValueError("evaluate.pseudo_labelled trains on intents, but they are not among evaluate.measures")
        return self


class Where(Part):
    """Where a study runs; never part of its identity."""

    runs: str = "runs"
    jobs: int = Field(default=0, ge=0, description="worker processes; 0 = one per CPU core (1 on an accelerator)")
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    mesh: Mesh = Field(default=Mesh(), description="of devices; a CPU then plays as many as it asks for")
    hosts: Hosts = Hosts()

    @model_validator(mode="after")
    def _hosts_share_the_mesh(self) -> Self:
        if (wanted := self.mesh.num_devices) is not None and wanted % self.hosts.count:
            raise ValueError(f"mesh: {wanted} devices cannot be shared evenly by {self.hosts.count} hosts")
        if self.jobs > 1 and (self.hosts.count > 1 or wanted != 1):
            raise ValueError(f"jobs: a mesh or several hosts need all devices for one job, got jobs = {self.jobs}")
        return self


class Study(Part):
    """Base plus named variants x seeds. Variant names are the table's row names."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    question: str = Field(default="", description="what the study asks; stands over its report")
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
        sources = {name: config.data.source for name, config in self.variants.items()}
        first = next(iter(sources))
        if others := [name for name, source in sources.items() if source != sources[first]]:
            raise ValueError(
                f"variants {others} read another data.source than {first!r}: numbers over different data cannot share "
                "a table; make two studies"
            )
        return self

    @property
    def data_source(self) -> Embedded | Files:
        """The one that all variants read."""
        return next(iter(self.variants.values())).data.source
