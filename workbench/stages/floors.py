"""Stages `floors` and `linear`: what needs no model, on the same held-out items and the same resources as an arm."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from workbench import languages
from workbench.config import ParallelData
from workbench.evaluation import floors
from workbench.evaluation.alignment import Retrieval
from workbench.evaluation.probe_sentences import retrieval_floors
from workbench.files import write_jsonl
from workbench.probing import sentences
from workbench.probing.sentences import Parallel
from workbench.records import Lang
from workbench.reports.table import RESULTS_FILE
from workbench.runs.manifest import code_revision
from workbench.sources import embedded
from workbench.stages import prompted_floors, prompted_inflection
from workbench.stages.corpora import arm_documents, held_out, measured, pseudo_labelled, targets
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.rows import Rows, sentence_pairs
from workbench.stages.source import OwnText, Resources, Text, open_resources, open_text, training

FLOOR_BYTES = 8_000_000  # of a base language's text, drawn at random, are read by its floor


def run(stage: Stage, report: Report) -> None:
    config = stage.config
    data = open_text(config.data.source, stage.identity["data_revision"])
    rows = Rows(stage, code_revision())
    langs = measured(config)
    for number, lang in enumerate(langs):
        report(Progress(number, len(langs), note=f"char 6-gram {lang.tag}"))
        has_text = lang in targets(config) if config.adapt.resources else not config.data.targets
        if "bits" in config.measures and has_text:
            _char_lm(stage, data, lang, rows)
        # what depends on no arm is measured once, with the arm that has nothing
        if "retrieval" in config.measures and not config.adapt.resources and lang.tag != config.data.pivot:
            _retrieval(stage, _resources(stage), lang, rows)
    for name in config.evaluate.parallel if not config.adapt.resources else ():
        _alignment(
            data, sentences.pinned(name, config.data.pivot, config.evaluate.parallel_sentences), name, rows, report
        )
    if "in-context" in config.measures and not config.adapt.resources:
        prompted_floors.in_context(stage, rows, report)
    if "translation" in config.measures and not config.adapt.resources:
        prompted_floors.translation(stage, _resources(stage), rows, report)
    if "inflection" in config.measures and not config.adapt.resources:
        prompted_inflection.floor(stage, _resources(stage), rows)
    write_jsonl(stage.folder / RESULTS_FILE, (asdict(row) for row in rows.found))


def _resources(stage: Stage) -> Resources:
    return open_resources(stage.config.data.source, stage.identity["data_revision"])


def _alignment(data: Text, found: Parallel, name: ParallelData, rows: Rows, report: Report) -> None:
    """Character trigrams for every language; glosses where there is a lexicon of it."""
    known = embedded.prepare() if isinstance(data, OwnText) else data
    for number, lang in enumerate(found.others):
        report(Progress(number, len(found.others), note=f"{name} {lang.tag}"))
        lexicon = known.lexicon(lang) if known.has_lexicon(lang) else None
        for row in retrieval_floors(found.pivot, lang, found.texts[found.pivot], found.texts[lang], lexicon):
            rows.alignment(f"floor:{row.method}", name, row)
            if row.method == "char-trigram":
                even = replace(row, method="chance", value=1 / row.n, low=1 / row.n, high=1 / row.n)
                rows.alignment("floor:chance", name, even)


def _char_lm(stage: Stage, data: Text, lang: Lang, rows: Rows) -> None:
    """A model of what the arm gives a target; without targets, of what the base reads of the language."""
    config, setting = stage.config, ""
    if config.data.targets:
        text = [d.text for documents in arm_documents(stage, data, lang).values() for d in documents]
    else:
        most = min(config.data.max_train_bytes, FLOOR_BYTES)
        text = [d.text for d in training(data, lang, most)]
        setting = f"at most {most / 1e6:g} MB of text"
    held = held_out(config, data, lang)
    if not held:
        return
    bits = floors.char_lm_bits(text, held)
    rows.bits(f"floor:char-6gram ({stage.variant})", lang, bits, "char_ngram_bits_per_byte", setting)


def _retrieval(stage: Stage, data: Resources, lang: Lang, rows: Rows) -> None:
    pivot = languages.parse(stage.config.data.pivot)
    pairs = sentence_pairs(data, lang, stage.config.evaluate.split, stage.config.evaluate.retrieval_pairs)
    sources, targets = [pair.source for pair in pairs], [pair.target for pair in pairs]
    for found in floors.retrieval(sources, targets, data.lexicon(lang)):
        rows.retrieval(f"floor:{found.method}", pivot, lang, found)
    chance = np.full(len(pairs), 1.0 / len(pairs))
    for direction in ("pivot>target", "target>pivot"):
        rows.retrieval("floor:chance", pivot, lang, Retrieval("chance", direction, None, chance))


def run_linear(stage: Stage, report: Report) -> None:
    """The linear intent classifier on the labelled data of an arm: English, or English and pseudo-labelled."""
    data, config = _resources(stage), stage.config
    rows = Rows(stage, code_revision())
    pivot = languages.parse(config.data.pivot)
    train, setting = data.intents(pivot, "train"), "train=en"
    if config.evaluate.pseudo_labelled:
        train = train + pseudo_labelled(stage)
        setting = "train=en+pseudo"
    report(Progress(0, 1, note=f"{len(train)} sentences"))
    classifier = floors.IntentFloor(train)
    for lang in measured(config):
        if test := data.intents(lang, config.evaluate.split):
            rows.accuracy(f"floor:char-ngram-svm ({stage.variant})", lang, classifier.correct(test), setting)
            if not config.evaluate.pseudo_labelled:
                guess = floors.guessing(train, test)
                rows.accuracy("floor:majority", lang, np.full(len(test), guess.majority), setting)
    write_jsonl(stage.folder / RESULTS_FILE, (asdict(row) for row in rows.found))
