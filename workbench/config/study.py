"""A study: a base configuration, named variants of it, seeds, and where it runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from workbench.config.adapt import Adapt, Made
from workbench.config.data import Data, Source
from workbench.config.evaluate import Evaluate, Measure
from workbench.config.inflection import InflectionConfig
from workbench.config.mesh import Hosts, Mesh
from workbench.config.model import Model
from workbench.config.objective import MaskedLM, Objective
from workbench.config.part import Part, Rate, refuse_repeated
from workbench.config.synth import Synth
from workbench.config.training import Train


class Tokenizer(Part):
    """SentencePiece unigram with byte fallback, over text balanced by p ~ n^alpha."""

    vocab_size: int = Field(default=6000, ge=300, le=1_000_000)
    alpha: Rate = Field(default=0.3, description="exponent over languages; 1 keeps the skew, 0 is uniform")
    sample_bytes: int = Field(default=3_000_000, ge=10_000, description="training text in all, UTF-8 bytes")
    target_words: bool = Field(default=True, description="also learn from the target words of the lexicons")
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
        if self.data.targets and self.data.source.kind != "files":
            return ("bits", "retrieval", "intents")
        return ("bits",)

    @property
    def bits(self) -> tuple[str, str]:
        """The metric of held-out text that fits the kind of model, and its setting (of AlexaTM's two, the first)."""
        match self.model.kind:
            case "encoder":
                return "masked_bits_per_byte", f"K={self.evaluate.mask_groups}"
            case "decoder":
                return "bits_per_byte", f"context={self.pretrain.length}"
            case "encoder-decoder":
                kind = self.objective.kind
                return "conditional_bits_per_byte", "alexatm denoising" if kind == "alexatm" else kind

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
    def _align_fits(self) -> Self:
        align = self.adapt.align
        if align.any and self.objective.kind != "mlm":
            raise ValueError(
                f"adapt.method.align stands beside objective.kind 'mlm', not beside {self.objective.kind!r}"
            )
        if align.layer is not None and align.layer > self.model.num_layers:
            raise ValueError(f"adapt.method.align.layer {align.layer}: the model has 0 to {self.model.num_layers}")
        if align.concepts and self.data.source.kind == "files":
            raise ValueError("adapt.method.align.concepts are of lexicons, which data.source 'files' has not")
        return self

    @model_validator(mode="after")
    def _resources_exist(self) -> Self:
        resources, own_text = self.adapt.resources, self.data.source.kind == "files"
        if resources and not self.data.targets:
            raise ValueError(f"adapt.resources {list(resources)} are of target languages, but data.targets is empty")
        if own_text and (made := [name for name in resources if name in get_args(Made)]):
            raise ValueError(
                f"adapt.resources {made} are made from lexicons and paradigms, which data.source 'files' has not; "
                "leave 'few-text' and 'all-text', or use the embedded data"
            )
        if own_text and self.pretrain.inflection_share:
            raise ValueError("pretrain.inflection_share: data.source 'files' has no paradigms; leave it out")
        labelled = [name for name in self.measures if name in ("retrieval", "intents", "translation", "inflection")]
        if own_text and labelled:
            raise ValueError(
                f"evaluate.measures {labelled} need translated or labelled sentences, or paradigms, which data.source "
                "'files' has not; leave 'bits' and 'cost'"
            )
        if self.evaluate.pseudo_labelled and "pseudo" not in resources:
            raise ValueError("evaluate.pseudo_labelled needs 'pseudo' among adapt.resources (no lexicon, no labels)")
        asked = [name for name in self.measures if name in ("in-context", "translation", "inflection")]
        if asked and (self.model.kind == "encoder" or self.objective.kind == "deshuffle"):
            raise ValueError(
                f"evaluate.measures {asked} need a model that goes on behind a prompt: a decoder, or an "
                "encoder-decoder trained by 'alexatm', 'denoise' or 'span-corruption'"
            )
        if "inflection" in self.measures and not self.data.targets:
            raise ValueError("evaluate.measures 'inflection' asks for forms of target languages; data.targets is empty")
        if ("alignment" in self.measures) != bool(self.evaluate.parallel):
            raise ValueError(
                "evaluate.measures 'alignment' reads the sentences that evaluate.parallel names (ntrex, sib200), and "
                f"nothing else does; got measures {list(self.measures)} and parallel {list(self.evaluate.parallel)}"
            )
        if "ntrex" in self.evaluate.parallel and self.data.source.kind == "published":
            raise ValueError("evaluate.parallel 'ntrex' tests on all of NTREX, but data.source 'published' reads some")
        if self.evaluate.parallel_sentences is not None and not self.evaluate.parallel:
            raise ValueError("evaluate.parallel_sentences: there is no evaluate.parallel whose sentences it limits")
        if ("tasks" in self.measures) != bool(self.evaluate.tasks):
            raise ValueError(
                "evaluate.measures 'tasks' fine-tunes on what evaluate.tasks lists, nothing else does; got measures "
                f"{list(self.measures)} and {len(self.evaluate.tasks)} task(s)"
            )
        if len({task.told for task in self.evaluate.tasks}) != len(self.evaluate.tasks):
            raise ValueError("evaluate.tasks: each task may stand there once (an own one is called by its folder)")
        refuse_repeated("evaluate.parallel", self.evaluate.parallel)
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


class _Study(Part):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    question: str = Field(default="", description="what the study asks; stands over its report")
    seeds: tuple[int, ...] = Field(min_length=1)
    reference: str = Field(description="the variant that the others are tested against")
    where: Where = Where()

    @model_validator(mode="after")
    def _distinct_seeds(self) -> Self:
        refuse_repeated("seeds", self.seeds)
        return self


class Study(_Study):
    """Base plus named variants x seeds. Variant names are the table's row names."""

    kind: Literal["language-model"] = "language-model"
    variants: dict[str, Config] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> Self:
        _among(self.reference, self.variants)
        sources = {name: config.data.source for name, config in self.variants.items()}
        first = next(iter(sources))
        if others := [name for name, source in sources.items() if source != sources[first]]:
            raise ValueError(
                f"variants {others} read another data.source than {first!r}: numbers over different data cannot share "
                "a table; make two studies"
            )
        return self

    @property
    def data_source(self) -> Source:
        """The one that all variants read."""
        return next(iter(self.variants.values())).data.source


class InflectionStudy(_Study):
    """The same of character models that inflect: every variant x seed x language is one training."""

    kind: Literal["inflection"]
    variants: dict[str, InflectionConfig] = Field(min_length=1)

    @model_validator(mode="after")
    def _names(self) -> Self:
        _among(self.reference, self.variants)
        return self


AnyStudy = Study | InflectionStudy


def _among(reference: str, variants: Iterable[str]) -> None:
    if reference not in (names := sorted(variants)):
        raise ValueError(f"reference {reference!r} is not a variant; variants are {names}")
