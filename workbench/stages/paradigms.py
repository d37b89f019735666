"""Paradigms as text: of a target beside what else it has, of a base language in its share of pretraining."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import chain, product
from typing import Literal, assert_never

from workbench import languages
from workbench.config import Config, Study, Synth
from workbench.config.synth import InflectionTask
from workbench.errors import BadInput
from workbench.mixture.packing import pack
from workbench.mixture.schedule import Stretch
from workbench.objectives.batch import Rows
from workbench.records import Document, Lang
from workbench.stages.source import Resources, open_resources
from workbench.stages.tokenize import encode
from workbench.synth import inflection_tasks
from workbench.tokenizer.processor import TextTokenizer

_Kind = Literal["inflections", "segmentations", "derivations"]
_MADE_OF: dict[InflectionTask, _Kind] = {"segment": "segmentations", "derive": "derivations"}


def lines(data: Resources, lang: Lang, synth: Synth, seed: int) -> dict[InflectionTask, list[Document]]:
    """Task -> its lines in `lang`, for the tasks that the study asks for."""
    tasks = synth.inflection_tasks
    return inflection_tasks.documents(
        data.inflections(lang),
        seed,
        tasks,
        data.segmentations(lang) if "segment" in tasks else (),
        data.derivations(lang) if "derive" in tasks else (),
        permute=synth.permute_paradigms,
    )


def pretraining_rows(config: Config, data_revision: str, tokenizer: TextTokenizer, seed: int) -> dict[str, Rows]:
    """Base language -> its paradigm lines cut and packed; a language without paradigms is left out."""
    data = open_resources(config.data.source, data_revision)
    rows = {}
    for tag in config.data.pretrain:
        made = lines(data, languages.parse(tag), config.synth, seed)
        if texts := [document.text for document in chain.from_iterable(made.values())]:
            rows[tag] = pack(encode(tokenizer, texts, config), config.pretrain.length)
    return rows


def beside_text(stretches: tuple[Stretch, ...], tags: Mapping[str, Rows], share: float) -> tuple[Stretch, ...]:
    """The same stretches, in which the languages of `tags` give `share` of their rows to their paradigms."""
    return tuple(replace(one, shares=_divided(one.shares, tags, share)) for one in stretches)


def pool(tag: str) -> str:
    """What a base language's paradigms are called among the rows of a run."""
    return f"{tag} inflection"


def _divided(shares: Mapping[str, float], tags: Mapping[str, Rows], share: float) -> dict[str, float]:
    text = {tag: whole * (1.0 - share) if tag in tags else whole for tag, whole in shares.items()}
    return text | {pool(tag): shares[tag] * share for tag in tags}


def refuse_without_data(study: Study, data_revision: str) -> None:
    """What can be known before anything is trained: that nothing can be made for a task.

    Raises: BadInput where none of the languages whose paradigms a variant reads has what one of its
        `synth.inflection_tasks` is made of (targets are not asked for plain `paradigm` lines: their arm may have other
        resources), or where no target has a lemma left that the measure `inflection` could ask for.
    """

    @cache
    def data() -> Resources:
        return open_resources(study.data_source, data_revision)

    @cache
    def num_lemmas(tag: str) -> int:
        return len({cell.lemma for cell in data().inflections(languages.parse(tag))})

    @cache
    def has(tag: str, kind: _Kind) -> bool:
        match kind:
            case "inflections":
                return num_lemmas(tag) > 0
            case "segmentations":
                return bool(data().segmentations(languages.parse(tag)))
            case "derivations":
                return bool(data().derivations(languages.parse(tag)))
            case _:
                assert_never(kind)

    for name, variant in study.variants.items():
        measured = "inflection" in variant.evaluate.measures
        if measured and not any(num_lemmas(tag) > inflection_tasks.MAX_LEMMAS for tag in variant.data.targets):
            raise BadInput(
                f"variants.{name}: evaluate.measures 'inflection' asks for forms of lemmas that no line holds, but "
                f"lines hold up to {inflection_tasks.MAX_LEMMAS} lemmas a language, and none of "
                f"{', '.join(variant.data.targets)} has more; leave the measure out, or add a language with more"
            )
        tasks = variant.synth.inflection_tasks
        readers = {"pretrain.inflection_share": variant.data.pretrain} if variant.pretrain.inflection_share else {}
        if "inflection" in variant.adapt.resources and tasks != ("paradigm",):
            readers["adapt.resources 'inflection'"] = variant.data.targets
        for (reader, tags), task in product(readers.items(), tasks):
            kind = _MADE_OF.get(task, "inflections")
            if not any(has(tag, kind) for tag in tags):
                raise BadInput(
                    f"variants.{name}: {reader} with synth.inflection_tasks {task!r} reads {kind}, of which "
                    f"{', '.join(tags)} have none; leave the task out, or add a language that has them"
                )
