"""Stages `tokenizer` (the pieces, and how each language fares) and `corpus` (the base text cut and packed, once)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from workbench import languages
from workbench.config import Config
from workbench.files import atomic_open, write_json
from workbench.mixture.packing import pack
from workbench.objectives.batch import Rows
from workbench.records import Lang
from workbench.seeds import stream
from workbench.sources import embedded
from workbench.sources.embedded import EmbeddedData
from workbench.stages.corpora import capped, targets
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.tokenizer import fertility
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train

MODEL = "tokenizer.model"


def run(stage: Stage, report: Report) -> None:
    data, config = embedded.prepare(), stage.config
    texts = {lang: base_text(data, config, lang) for lang in map(languages.parse, config.data.pretrain)}
    report(Progress(1, 3, note="learning pieces"))
    # Targets have no text; their lexicon's words keep their script and spelling from falling to bytes in every arm.
    words = {lang: lexicon_words(data, lang) for lang in targets(config)}
    tokenizer = train({**texts, **words}, config.tokenizer, stage.folder / MODEL, seed=stage.seed)
    report(Progress(2, 3, note="fertility"))
    held_out = {lang: [d.text for d in data.documents(lang, "dev")] for lang in [*texts, *words]}
    rows = [asdict(row) for row in fertility.report(tokenizer, held_out)]
    write_json(stage.folder / "fertility.json", rows)


def base_text(data: EmbeddedData, config: Config, lang: Lang) -> list[str]:
    """The training text of one base language, in an order of its own, up to the cap."""
    documents = data.documents(lang, "train")
    order = stream(0, "base-text", lang.tag).permutation(len(documents))
    return [d.text for d in capped([documents[i] for i in order], config.data.max_train_bytes)]


def lexicon_words(data: EmbeddedData, lang: Lang) -> list[str]:
    """Each distinct target word or phrase of the lexicon, once."""
    entries = data.lexicon(lang).entries.values()
    return sorted({translation.word for translations in entries for translation in translations})


def run_corpus(stage: Stage, report: Report) -> None:
    data, config = embedded.prepare(), stage.config
    tokenizer = Tokenizer.load(stage.inputs["tokenizer"].folder / MODEL)
    for number, lang in enumerate(map(languages.parse, config.data.pretrain)):
        report(Progress(number, len(config.data.pretrain), note=lang.tag))
        rows = pack(tokenizer.encode_all(base_text(data, config, lang)), config.pretrain.length)
        with atomic_open(_rows_file(stage.folder, lang.tag)) as file:
            np.savez(file, ids=rows.ids, segments=rows.segments, positions=rows.positions)


def read_corpus(folder: Path, config: Config) -> dict[str, Rows]:
    """Language tag -> its packed pretraining text, as the corpus stage in `folder` left it."""
    found = {}
    for tag in config.data.pretrain:
        with np.load(_rows_file(folder, tag)) as arrays:
            found[tag] = Rows(arrays["ids"], arrays["segments"], arrays["positions"])
    return found


def _rows_file(folder: Path, tag: str) -> Path:
    return folder / f"{tag}.npz"
