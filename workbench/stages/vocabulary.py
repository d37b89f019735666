"""Stage `vocabulary`: the tokenizer of an arm that does not keep the base's, and how the targets fare by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import assert_never

from workbench import config, languages
from workbench.config.adapt import ExtendVocabulary, KeepVocabulary, ReplaceVocabulary
from workbench.errors import BadInput, WorkbenchError
from workbench.files import write_json
from workbench.records import Lang
from workbench.stages.corpora import arm_documents, targets
from workbench.stages.plan import Stage
from workbench.stages.progress import Report
from workbench.stages.source import open_text, read, training
from workbench.stages.tokenize import FERTILITY_DOCUMENTS, MODEL
from workbench.tokenizer import fertility
from workbench.tokenizer.expand import extend
from workbench.tokenizer.kept import kept
from workbench.tokenizer.processor import TextTokenizer, Tokenizer
from workbench.tokenizer.train import train


def run(stage: Stage, report: Report) -> None:
    """`fertility.json`: rows of the base's tokenizer and of the arm's over the same dev text, where there is any."""
    settings = stage.config
    data = open_text(settings.data.source, stage.identity["data_revision"])
    before = kept(stage.inputs["tokenizer"].folder / MODEL)
    texts = {lang: arm_texts(stage, lang, spelling=True) for lang in targets(settings)}
    after = _tokenizer(stage, before, texts)
    after.save(stage.folder / MODEL)
    pivot = languages.parse(settings.data.pivot)
    held_out = {lang: [d.text for d in read(data, lang, "dev", FERTILITY_DOCUMENTS)] for lang in (*texts, pivot)}
    held_out = {lang: found for lang, found in held_out.items() if found}
    rows = {"before": fertility.report(before, held_out), "after": fertility.report(after, held_out)}
    write_json(stage.folder / "fertility.json", [{"by": by} | asdict(row) for by, some in rows.items() for row in some])


def arm_texts(stage: Stage, lang: Lang, *, spelling: bool = False) -> list[str]:
    """All that the stage's arm reads of a target; to learn its `spelling`, without the pivot's words where it can be.

    So arms whose lexicons differ in meaning alone learn the same pieces, and their bits may be compared.
    """
    data = open_text(stage.config.data.source, stage.identity["data_revision"])
    found = arm_documents(stage, data, lang)
    own = {resource: some for resource, some in found.items() if resource in ("word-list", "few-text", "all-text")}
    return [document.text for some in (own if spelling and own else found).values() for document in some]


def _tokenizer(stage: Stage, before: TextTokenizer, texts: dict[Lang, list[str]]) -> Tokenizer:
    settings, shared = stage.config.adapt.vocabulary, stage.config.tokenizer
    match settings:
        case ExtendVocabulary():
            if not isinstance(before, Tokenizer):
                raise BadInput(
                    f"{stage.label}: adapt.vocabulary.kind = 'extend' adds pieces to a SentencePiece model of the "
                    "workbench, and the base's tokenizer is a published one; take 'replace' or 'keep'"
                )
            return extend(
                before,
                texts,
                settings.pieces,
                characters=settings.characters,
                alpha=shared.alpha,
                sample_bytes=shared.sample_bytes,
                seed=stage.seed,
                origin=str(stage.folder / MODEL),
            )
        case ReplaceVocabulary():
            pivot = languages.parse(stage.config.data.pivot)
            longest = max(sum(len(text.encode()) for text in some) for some in texts.values())
            by_lang: dict[Lang, Sequence[str]] = {**texts, pivot: pivot_texts(stage, longest)}
            pieces = config.Tokenizer.model_validate(shared.model_dump() | {"vocab_size": settings.pieces})
            return train(by_lang, pieces, stage.folder / MODEL, seed=stage.seed)
        case KeepVocabulary():
            raise WorkbenchError(f"{stage.label}: keeps its vocabulary, so there is none to make")
        case _:
            assert_never(settings)


def pivot_texts(stage: Stage, max_bytes: int) -> list[str]:
    data = open_text(stage.config.data.source, stage.identity["data_revision"])
    return [d.text for d in training(data, languages.parse(stage.config.data.pivot), max_bytes)]
