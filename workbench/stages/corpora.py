"""The text that each resource gives a target language: what the adaptation reads, and what the floors read too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from workbench import languages
from workbench.config import Config, Resource
from workbench.errors import BadInput
from workbench.files import read_jsonl, write_jsonl
from workbench.records import Document, Lang, Pair
from workbench.seeds import stream
from workbench.stages.plan import Stage
from workbench.stages.source import Text, leading, read


def targets(config: Config) -> list[Lang]:
    return [languages.parse(tag) for tag in config.data.targets]


def measured(config: Config) -> list[Lang]:
    """The languages that a run is measured in, the pivot last: the targets, or without any those of pretraining."""
    pivot = languages.parse(config.data.pivot)
    others = targets(config) or [languages.parse(tag) for tag in config.data.pretrain]
    return [*(lang for lang in others if lang != pivot), pivot]


def write_documents(path: Path, documents: Iterable[Document]) -> int:
    rows = ({"id": d.id, "text": d.text, "source": d.source, "parents": list(d.parents)} for d in documents)
    return write_jsonl(path, rows)


def read_documents(path: Path, lang: Lang) -> list[Document]:
    return [Document(row["id"], row["text"], lang, row["source"], tuple(row["parents"])) for row in read_jsonl(path)]


def synthetic_file(folder: Path, resource: Resource, lang: Lang) -> Path:
    """Where the synth stage in `folder` keeps one kind of text of one language."""
    return folder / resource / f"{lang.tag}.jsonl"


def held_out(config: Config, data: Text, lang: Lang) -> list[Document]:
    """The documents whose bits are measured: of a target all, of a base language `evaluate.base_documents`."""
    limit = None if lang in targets(config) else config.evaluate.base_documents
    return read(data, lang, config.evaluate.split, limit)


def arm_documents(stage: Stage, data: Text, lang: Lang) -> dict[Resource, list[Document]]:
    """Resource -> its documents in `lang`, for the resources of the stage's arm; one without documents is left out.

    Random: which real sentences the few-text arms see depends on (seed, language) only: arms that share few-text
        share its sentences.
    """
    config = stage.config
    found: dict[Resource, list[Document]] = {}
    for resource in config.adapt.resources:
        match resource:
            case "pseudo" | "word-list" | "inflection" | "code-switched" | "lexical-pairs":
                documents = read_documents(synthetic_file(stage.inputs["synth"].folder, resource, lang), lang)
            case "few-text":
                real = read(data, lang, "train")
                order = stream(stage.seed, "few-text", lang.tag).permutation(len(real))
                documents = [real[i] for i in order[: config.data.few_text]]
            case "all-text":
                documents = list(leading(data.documents(lang, "train"), config.data.max_train_bytes))
        if documents:
            found[resource] = documents
    if config.adapt.resources and not found:
        raise BadInput(f"{stage.label}: {lang} has nothing for adapt.resources = {list(config.adapt.resources)}")
    return found


def write_labelled(path: Path, pairs: Iterable[Pair]) -> int:
    rows = ({"id": p.id, "text": p.source, "label": p.target, "task": p.task, "weight": p.weight} for p in pairs)
    return write_jsonl(path, rows)


def pseudo_labelled(stage: Stage) -> list[Pair]:
    """The labelled sentences that the arm's synth stage put through every target's lexicon."""
    folder = stage.inputs["synth"].folder
    return [
        Pair(row["id"], row["text"], row["label"], lang, row["task"], row["weight"])
        for lang in targets(stage.config)
        for row in read_jsonl(labelled_file(folder, lang))
    ]


def labelled_file(folder: Path, lang: Lang) -> Path:
    """Where the synth stage in `folder` keeps the pseudo-labelled sentences of one language."""
    return folder / "labelled" / f"{lang.tag}.jsonl"
