"""From a study to its stages: what runs, on what inputs, in which folder.

A stage's folder name carries the hash of everything it depends on, so variants that share a stage share its folder,
and a changed setting makes new folders of exactly the stages it touches.

    tokenizer ──► corpus ──► base (per seed) ──► adapt (per variant, seed) ──► run (evaluation: results.jsonl)
        lexicons ──► synth (per seed) ──┘            floors, linear (per seed; no model) ──► results.jsonl

An arm that does not keep the base's vocabulary has a `vocabulary` (per seed) and a corpus of its own; the arm reads
these, and its run the former. Without targets there is nothing to adapt on: base ──► run, and one floor for all seeds.

A study of inflection has one stage per variant, seed and language (`inflect`: trained, searched and scored), and the
floors of each language.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, get_args

from typing_extensions import TypeVar

from workbench.config import AnyStudy, Config, InflectionConfig, InflectionStudy, Part, Study, Task, Where
from workbench.config.adapt import Made
from workbench.files import content_hash
from workbench.objectives.build import document_end
from workbench.stages import start
from workbench.vocab import Vocab

Kind = Literal[
    "tokenizer", "corpus", "base", "synth", "vocabulary", "adapt", "run", "floors", "linear", "task-floors",
    "inflect", "inflect-floors",
]  # fmt: skip
C = TypeVar("C", default=Config)

# Raised when a stage's meaning changes (a default of its config included: identities leave defaults out), so that
# folders made by the older code are not taken for its output.
VERSIONS: dict[Kind, int] = {
    "tokenizer": 1,
    "corpus": 2,
    "base": 1,
    "synth": 1,
    "vocabulary": 1,
    "adapt": 1,
    "run": 3,
    "floors": 1,
    "task-floors": 2,
    "linear": 1,
    "inflect": 2,
    "inflect-floors": 2,  # 1 had no `floor:nonneural`
}


@dataclass(frozen=True, slots=True)
class Stage(Generic[C]):
    """One unit of work. `inputs` maps a role ("tokenizer", "base", …) to the stage that fills it."""

    kind: Kind
    label: str
    folder: Path
    identity: dict[str, Any]
    inputs: dict[str, Stage[C]]
    config: C
    study: str
    variant: str
    seed: int
    cost: float
    where: Where

    @property
    def trains(self) -> bool:
        """True of what runs on all hosts and devices at once."""
        return self.kind in ("base", "adapt")

    @property
    def measures(self) -> bool:
        """True of what leaves result rows."""
        return self.kind in ("run", "floors", "linear", "task-floors", "inflect", "inflect-floors")

    @property
    def root(self) -> Path:
        """The folder of the whole study."""
        return Path(self.where.runs) / self.study

    def __hash__(self) -> int:
        return hash(self.folder)


def stages(study: AnyStudy, data_revision: str) -> list[Stage[Any]]:
    """Every stage of `study`, each once, inputs before users; the order is also the order of starting.

    `cost` is a rough forward+backward token count, used only to predict how long the rest will take.
    """
    if isinstance(study, InflectionStudy):
        return _inflection(study, data_revision)
    return language_model_stages(study, data_revision)


def language_model_stages(study: Study, data_revision: str) -> list[Stage]:
    """Those of a study of language models."""
    plan = _Plan(study, data_revision)
    runs = [(name, config, seed) for seed in study.seeds for name, config in study.variants.items()]
    for _, config, seed in runs:
        plan.base(config, seed)
    for _, config, seed in runs:
        plan.synth(config, seed)
    for name, config, seed in runs:
        plan.run(name, config, seed)
    for name, config, seed in runs:
        plan.floors(name, config, seed)
        if "intents" in config.measures:
            plan.linear(name, config, seed)
        for task in config.evaluate.tasks:
            plan.task_floors(config, task)
    return list(plan.found.values())


class _Plan:
    """Stages by folder, as they are asked for: asking twice for the same inputs gives the same stage."""

    def __init__(self, study: Study, data_revision: str) -> None:
        self.study = study
        self.data_revision = data_revision
        self.root = Path(study.where.runs) / study.name
        self.found: dict[Path, Stage] = {}

    def tokenizer(self, config: Config) -> Stage:
        # One per study, not one per seed: pieces must mean the same in every row of a table.
        if config.pretrain.start:
            more = {"start": start.revision(config.pretrain.start)}
            return self._add("tokenizer", "", config, 0, ("data",), {}, cost=10_000.0, more=more)
        return self._add("tokenizer", "", config, 0, ("data", "tokenizer"), {}, cost=120_000.0)

    def text(self, config: Config) -> dict[str, Stage]:
        """What every training stage reads: the tokenizer, and the base text cut and packed."""
        tokenizer = self.tokenizer(config)
        return {"tokenizer": tokenizer, "corpus": self._corpus(config, tokenizer)}

    def _corpus(self, config: Config, tokenizer: Stage) -> Stage:
        more: dict[str, Any] = {"length": config.pretrain.length}
        if document_end(config.objective, Vocab(config.tokenizer.vocab_size)) is not None:
            more["documents_end"] = True
        inputs = {"tokenizer": tokenizer}
        return self._add("corpus", "", config, tokenizer.seed, ("data",), inputs, cost=60_000.0, more=more)

    def adapted_text(self, config: Config, seed: int) -> dict[str, Stage]:
        """The same for the arm: of its own vocabulary, where it does not keep the base's."""
        settings = config.adapt.vocabulary
        if settings.kind == "keep":
            return self.text(config)
        learnt = {name: value for name, value in settings.identity().items() if name != "initialise"}
        more = {"resources": list(config.adapt.resources), "vocabulary": learnt}
        inputs = {"tokenizer": self.tokenizer(config), **self.synth(config, seed)}
        vocabulary = self._add("vocabulary", "", config, seed, ("data",), inputs, cost=60_000.0, more=more)
        return {"tokenizer": vocabulary, "corpus": self._corpus(config, vocabulary)}

    def base(self, config: Config, seed: int) -> Stage:
        train = config.pretrain
        cost, more = float(train.steps * train.batch_size * train.length), dict[str, Any]()
        if train.start:
            cost, more = 10_000.0, {"start": start.revision(train.start)}
        if train.inflection_share:
            read = ("inflection_tasks", "permute_paradigms")
            more["paradigms"] = {name: value for name, value in config.synth.identity().items() if name in read}
        parts = ("data", "model", "objective", "pretrain")
        return self._add("base", "", config, seed, parts, self.text(config), cost, more=more)

    def synth(self, config: Config, seed: int) -> dict[str, Stage]:
        if not set(get_args(Made)) & set(config.adapt.resources):
            return {}
        asked = sorted({"code-switched", "lexical-pairs"} & set(config.adapt.resources))
        more = {"also": asked} if asked else {}  # what is not made for every arm
        return {"synth": self._add("synth", "", config, seed, ("data", "synth"), {}, cost=60_000.0, more=more)}

    def model(self, name: str, config: Config, seed: int) -> Stage:
        """The stage whose model the run evaluates: the base itself where there is nothing to adapt on."""
        start.refuse_unfit(name, config)
        base, adapt = self.base(config, seed), config.adapt
        if not adapt.resources:
            return base
        inputs = {**self.adapted_text(config, seed), "base": base, **self.synth(config, seed)}
        cost = float(adapt.steps * adapt.batch_size * config.pretrain.length)
        more: dict[str, Any] = {}
        if "synth" not in inputs and _reads_permuted(config):
            more["permute_lexicon"] = True
        if start.is_published(config.pretrain.start):
            more["masked"] = 2  # 1 masked roles that a published tokenizer has among its pieces
            if adapt.method.kind == "lora":
                more["low_rank"] = 2  # 1 took its matrices, [out, in], for [in, out]
        return self._add("adapt", name, config, seed, ("adapt",), inputs, cost, more=more)

    def run(self, name: str, config: Config, seed: int) -> Stage:
        tokenizer = self.adapted_text(config, seed)["tokenizer"]
        inputs = {"tokenizer": tokenizer, "model": self.model(name, config, seed)}
        inputs |= self.synth(config, seed) if config.evaluate.pseudo_labelled else {}
        cost = 80_000.0
        if "intents" in config.measures:
            # a fine-tuned sentence costs about as much as two tokens of training: only its embeddings are trained
            fine_tunes = 2 if config.evaluate.pseudo_labelled else 1
            cost += fine_tunes * config.evaluate.intent_steps * config.evaluate.intent_batch_size * 2
        for task in config.evaluate.tasks:
            fine = task.fine_tune
            cost += len(task.train) * fine.steps * fine.batch_size * 24
        more = {"study": self.study.name, "variant": name}  # its rows carry these names
        return self._add("run", name, config, seed, tuple(Config.model_fields), inputs, cost, more=more)

    def floors(self, name: str, config: Config, seed: int) -> None:
        """The floors of what the arm has beside a model; without targets they are those of the base's text alone."""
        if not {"bits", "retrieval", "alignment", "in-context", "translation", "inflection"} & set(config.measures):
            return
        if config.data.targets:
            parts, more = ("data", "adapt", "synth", "evaluate"), {"study": self.study.name, "variant": name}
            self._add("floors", name, config, seed, parts, self.synth(config, seed), cost=40_000.0, more=more)
        else:  # no seed, no arm: variants of the same data share the first one's
            more = {"study": self.study.name}
            self._add("floors", name, config, self.study.seeds[0], ("data", "evaluate"), {}, cost=40_000.0, more=more)

    def task_floors(self, config: Config, task: Task) -> None:
        """The floors of a labelled task: of the data alone, whatever is trained on them, and of the first seed."""
        unread = ("fine_tune", "selection", "few_shot", "train", "pseudo_share")
        more = {
            "study": self.study.name,
            "split": config.evaluate.split,
            "source": config.data.source.identity(),
            "named": task.told,
            "task": {name: value for name, value in task.identity().items() if name not in unread},
        }
        self._add("task-floors", task.told, config, self.study.seeds[0], (), {}, cost=200_000.0, more=more)

    def linear(self, name: str, config: Config, seed: int) -> Stage:
        """The intent floor of the arm's labelled data; arms with the same labelled data share the first one's."""
        labelled = config.evaluate.pseudo_labelled
        inputs = self.synth(config, seed) if labelled else {}
        more = {"study": self.study.name, "split": config.evaluate.split, "pseudo_labelled": labelled}
        return self._add("linear", name, config, seed, ("data",), inputs, cost=60_000.0, more=more)

    def _add(
        self,
        kind: Kind,
        variant: str,
        config: Config,
        seed: int,
        parts: tuple[str, ...],
        inputs: dict[str, Stage],
        cost: float,
        more: dict[str, Any] | None = None,
    ) -> Stage:
        """The stage of `kind` that depends on these parts of the config and on these inputs, and on nothing else."""
        identity: dict[str, Any] = {
            "kind": kind,
            "version": VERSIONS[kind],
            "data_revision": self.data_revision,
            "seed": seed,
            "config": {part: getattr(config, part).identity() for part in parts},
            "inputs": {role: stage.folder.name for role, stage in sorted(inputs.items())},
            **(more or {}),
        }
        if kind == "run":
            folder = self.root / f"{variant}-s{seed}-{content_hash(identity)[:8]}"
        else:
            folder = self.root / "stages" / f"{kind}-s{seed}-{content_hash(identity)}"
        if folder not in self.found:
            label = " ".join(filter(None, [kind, variant, f"s{seed}"]))
            self.found[folder] = Stage(
                kind, label, folder, identity, inputs, config, self.study.name, variant, seed, cost, self.study.where
            )
        return self.found[folder]


def _reads_permuted(config: Config) -> bool:
    """True where the adapt stage itself, not the text made for it, reads a lexicon whose meanings are shuffled."""
    vocabulary = config.adapt.vocabulary
    aligned = vocabulary.kind != "keep" and vocabulary.initialise == "lexicon-aligned"
    return config.synth.permute_lexicon and (aligned or config.adapt.align.concepts is not None)


def _inflection(study: InflectionStudy, data_revision: str) -> list[Stage[Any]]:
    """One training per variant, seed and language (or per variant and seed, where one model reads all), and floors.

    The floors depend on the data alone: variants that read the same rows share the first one's.
    """
    found: dict[Path, Stage[Any]] = {}

    def add(kind: Kind, name: str, config: InflectionConfig, seed: int, langs: tuple[str, ...], cost: float) -> None:
        parts = ("data", "split") if kind == "inflect-floors" else tuple(InflectionConfig.model_fields)
        own = config.model_copy(update={"data": config.data.model_copy(update={"languages": langs})})
        identity: dict[str, Any] = {
            "kind": kind,
            "version": VERSIONS[kind],
            "data_revision": data_revision,
            "seed": seed,
            "study": study.name,
            "config": {part: _identity(getattr(own, part)) for part in parts},
            **({"variant": name} if kind == "inflect" else {}),
        }
        root = Path(study.where.runs) / study.name
        label = "-".join(langs) if len(langs) == 1 else "multilingual"
        folder = root / "stages" / f"floors-{label}-s{seed}-{content_hash(identity)}"
        if kind == "inflect":
            folder = root / f"{name}-{label}-s{seed}-{content_hash(identity)[:8]}"
        if folder not in found:
            title = f"{kind} {name} {label} s{seed}"
            found[folder] = Stage(kind, title, folder, identity, {}, own, study.name, name, seed, cost, study.where)

    for seed in study.seeds:
        for name, config in study.variants.items():
            each = [config.data.languages] if config.data.multilingual else [(one,) for one in config.data.languages]
            for langs in each:
                add("inflect", name, config, seed, langs, float(config.train.steps * config.train.batch_size))
    for name, config in study.variants.items():
        for seed in study.seeds if config.data.train_size else study.seeds[:1]:
            for one in config.data.languages:
                add("inflect-floors", name, config, seed, (one,), 2_000.0)
    return list(found.values())


def _identity(value: Any) -> Any:
    return value.identity() if isinstance(value, Part) else value
