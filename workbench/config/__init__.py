"""The schema of a study: frozen pydantic models, the only home of defaults and range checks.

Everything here but `Where` is a run's identity and enters its hash; `Where` says only on what it runs.
A study file (TOML) gives `[base]` values and named `[variants.<row name>]` differences; see `workbench.load`.
"""

from workbench.config.adapt import Adapt, Resource
from workbench.config.alignment import Adversarial, Align, Concepts, Contrastive
from workbench.config.data import Data, Embedded, Files, NewLanguage, Published, Source
from workbench.config.evaluate import Evaluate, Measure, ParallelData
from workbench.config.in_context import InContext, PromptTask, Translation, TranslationData, TranslationMetric
from workbench.config.inflection import (
    Hallucinate,
    InflectionConfig,
    InflectionData,
    InflectionTrain,
    Search,
    Transducer,
)
from workbench.config.mesh import Hosts, Mesh
from workbench.config.model import Adapters, Compute, Model
from workbench.config.objective import (
    AlexaTM,
    Causal,
    Denoise,
    Deshuffle,
    MaskedLM,
    Objective,
    PrefixLM,
    SpanCorruption,
)
from workbench.config.part import Part, Positive, Rate
from workbench.config.study import AnyStudy, Config, InflectionStudy, Study, Tokenizer, Where
from workbench.config.synth import Synth
from workbench.config.tasks import FineTune, Freeze, Heads, Pooling, Selection, Task, TaskName, Training
from workbench.config.training import (
    ExplicitMixture,
    ExponentMixture,
    Keep,
    Mixture,
    MixtureStage,
    Optim,
    StagedMixture,
    Train,
    UniMaxMixture,
    Unstaged,
    Validation,
)

__all__ = [
    "Adapt",
    "Adapters",
    "Adversarial",
    "AlexaTM",
    "Align",
    "AnyStudy",
    "Causal",
    "Compute",
    "Concepts",
    "Config",
    "Contrastive",
    "Data",
    "Denoise",
    "Deshuffle",
    "Embedded",
    "Evaluate",
    "ExplicitMixture",
    "ExponentMixture",
    "Files",
    "FineTune",
    "Freeze",
    "Hallucinate",
    "Heads",
    "Hosts",
    "InContext",
    "InflectionConfig",
    "InflectionData",
    "InflectionStudy",
    "InflectionTrain",
    "Keep",
    "MaskedLM",
    "Measure",
    "Mesh",
    "Mixture",
    "MixtureStage",
    "Model",
    "NewLanguage",
    "Objective",
    "Optim",
    "ParallelData",
    "Part",
    "Pooling",
    "Positive",
    "PrefixLM",
    "PromptTask",
    "Published",
    "Rate",
    "Resource",
    "Search",
    "Selection",
    "Source",
    "SpanCorruption",
    "StagedMixture",
    "Study",
    "Synth",
    "Task",
    "TaskName",
    "Tokenizer",
    "Train",
    "Training",
    "Transducer",
    "Translation",
    "TranslationData",
    "TranslationMetric",
    "UniMaxMixture",
    "Unstaged",
    "Validation",
    "Where",
]
