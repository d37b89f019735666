"""Stage `tokenizer`: the pieces, the pretraining text cut into them once, and how each language fares."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from workbench import languages
from workbench.config import Config
from workbench.files import atomic_open, write_json
from workbench.records import Lang
from workbench.seeds import stream
from workbench.sources import embedded
from workbench.sources.embedded import EmbeddedData
from workbench.stages.corpora import capped, targets
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.tokenizer import fertility
from workbench.tokenizer.train import train

MODEL = "tokenizer.model"


def run(stage: Stage, report: Report) -> None:
    data, config = embedded.prepare(), stage.config
    texts = {lang: base_text(data, config, lang) for lang in map(languages.parse, config.data.pretrain)}
    report(Progress(1, 4, note="learning pieces"))
    # Targets have no text; their lexicon's words keep their script and spelling from falling to bytes in every arm.
    words = {lang: lexicon_words(data, lang) for lang in targets(config)}
    tokenizer = train({**texts, **words}, config.tokenizer, stage.folder / MODEL, seed=stage.seed)
    report(Progress(2, 4, note="cutting text"))
    for lang, documents in texts.items():
        _write_tokens(_tokens_file(stage.folder, lang), tokenizer.encode_all(documents))
    report(Progress(3, 4, note="fertility"))
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


def read_tokens(folder: Path, lang: Lang) -> list[np.ndarray]:
    """The pretraining documents of `lang` as ids, as the tokenizer stage in `folder` cut them."""
    with np.load(_tokens_file(folder, lang)) as arrays:
        return np.split(arrays["ids"].astype(np.int32), arrays["ends"][:-1])


def _tokens_file(folder: Path, lang: Lang) -> Path:
    return folder / "tokens" / f"{lang.tag}.npz"


def _write_tokens(path: Path, documents: list[np.ndarray]) -> None:
    with atomic_open(path) as file:
        np.savez(file, ids=np.concatenate(documents).astype(np.uint32), ends=np.cumsum([len(d) for d in documents]))
