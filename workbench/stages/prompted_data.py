"""What is asked in prompts: labelled sentences and translations of the languages that a run is measured in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import numpy as np

from workbench import languages
from workbench.config import Config, PromptTask
from workbench.errors import BadInput
from workbench.probing import sentences
from workbench.records import Lang, Pair
from workbench.seeds import stream
from workbench.sources.embedded.splits import Split
from workbench.tasks import examples
from workbench.tasks.task import Example, Task, label_names

if TYPE_CHECKING:
    from workbench.stages.source import Resources


@dataclass(frozen=True, slots=True)
class Labelled:
    """`pool`: the pivot's training sentences, of which demonstrations are drawn. `labels`: all that they have."""

    task: Task
    pool: tuple[Example, ...]
    asked: dict[Lang, tuple[Example, ...]]

    @property
    def labels(self) -> tuple[str, ...]:
        return label_names(self.pool)


def labelled(config: Config, name: PromptTask) -> Labelled:
    """A task in every measured language that it has.

    Raises: BadInput where it has none of them, or no training sentences of the pivot.
    Random: which `items`, from the task's name: the same ones of languages that a data set aligns.
    """
    task = examples.task(name)
    asked = {}
    for lang in _languages(config, task):
        found = examples.examples(task, lang, config.evaluate.split)
        chosen = np.arange(len(found))
        if (items := config.evaluate.in_context.items) is not None:
            chosen = np.sort(stream(0, "prompted", name).permutation(len(found))[:items])
        if len(chosen):
            asked[lang] = tuple(found[i] for i in chosen)
    pivot = languages.parse(config.data.pivot)
    pool = tuple(examples.examples(task, pivot, "train"))
    if not pool or not asked:
        raise BadInput(f"{task.root}: {name} has no training sentences of {pivot.tag}, or no language of this study")
    return Labelled(task, pool, asked)


@dataclass(frozen=True, slots=True)
class Translations:
    """Of each language: the pairs (pivot, language) that are asked for, and others, for demonstrations."""

    asked: dict[Lang, tuple[Pair, ...]]
    pool: dict[Lang, tuple[Pair, ...]]


def translations(config: Config, data: Resources) -> Translations:
    """Raises: BadInput where a language has too few pairs, or the pivot is one that the embedded data do not align."""
    settings, pivot = config.evaluate.translation, languages.parse(config.data.pivot)
    found = Translations({}, {})
    for lang in translated(config):
        match settings.data:
            case "embedded":
                if pivot != sentences.ENGLISH:
                    raise BadInput(f"evaluate.translation: the embedded pairs are with eng-Latn, not with {pivot.tag}")
                asked = sentences.distinct(data.pairs(lang, config.evaluate.split), settings.sentences)
                other: Split = "train" if config.evaluate.split == "dev" else "dev"
                pool = sentences.distinct(data.pairs(lang, other), None)
            case "ntrex":
                texts = sentences.read("ntrex", [lang.tag], pivot.tag)[0].texts
                both = zip(texts[pivot], texts[lang], strict=True)
                pairs = [Pair(f"ntrex-{n:04}", *pair, lang, "translation") for n, pair in enumerate(both, 1)]
                asked, pool = pairs[: settings.sentences], pairs[settings.sentences :]
            case _:
                assert_never(settings.data)
        if len(asked) < 2 or len(pool) < settings.shots:
            raise BadInput(
                f"evaluate.translation: of {lang.tag}, {settings.data} has {len(asked)} pairs to ask for, {len(pool)} "
                f"for demonstrations; wanted 2 and {settings.shots}"
            )
        found.asked[lang], found.pool[lang] = tuple(asked), tuple(pool)
    return found


def translated(config: Config) -> list[Lang]:
    """The languages that are translated from and into, beside the pivot."""
    named = config.evaluate.translation.languages
    chosen = list(map(languages.parse, named or config.data.targets or config.data.pretrain))
    return [lang for lang in chosen if lang.tag != config.data.pivot]


def revisions(config: Config) -> list[str]:
    """What the prompts' data are, beside the study's own text, as hashes."""
    found = []
    if "in-context" in config.measures:
        for name in config.evaluate.in_context.tasks:
            task = examples.task(name)
            asked = {*_languages(config, task), languages.parse(config.data.pivot)}
            found.append(examples.revision(task, sorted(asked)))
    if "translation" in config.measures and config.evaluate.translation.data == "ntrex":
        found.append(sentences.revision("ntrex"))
    return found


def _languages(config: Config, task: Task) -> list[Lang]:
    there = examples.languages_of(task)
    chosen = map(languages.parse, [*(config.data.targets or config.data.pretrain), config.data.pivot])
    return [lang for lang in dict.fromkeys(chosen) if lang in there]
