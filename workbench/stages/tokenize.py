"""Stages `tokenizer` (the pieces, and how each language fares) and `corpus` (the base text cut and packed, once)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from workbench import languages
from workbench.config import Config
from workbench.errors import BadInput
from workbench.files import atomic_open, write_json
from workbench.mixture.packing import pack
from workbench.objectives.batch import Rows
from workbench.objectives.build import document_end
from workbench.records import Lang
from workbench.stages import start
from workbench.stages.corpora import targets
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.source import OwnText, Resources, Text, open_text, read, training
from workbench.tokenizer import fertility
from workbench.tokenizer.kept import kept
from workbench.tokenizer.processor import TextTokenizer
from workbench.tokenizer.train import train

MODEL = "tokenizer.model"
TOKENIZER_BYTES = 64_000_000  # of a language's text, drawn at random, are looked at to learn pieces
FERTILITY_DOCUMENTS = 20_000
ENCODED_TOGETHER = 1024  # documents
PACKED_TOGETHER = 2**22  # tokens: about 50 MB of rows in memory
PARTS = ("ids", "segments", "positions")


def run(stage: Stage, report: Report) -> None:
    config = stage.config
    if config.pretrain.start:
        start.run_tokenizer(stage, stage.folder / MODEL)
        return
    data = open_text(config.data.source, stage.identity["data_revision"])
    base = map(languages.parse, config.data.pretrain)
    texts = {lang: base_text(data, config, lang, TOKENIZER_BYTES) for lang in base}
    report(Progress(1, 3, note="learning pieces"))
    # Targets have no text; their lexicon's words keep their script and spelling from falling to bytes in every arm,
    # unless the study is of a base that never met them.
    words: dict[Lang, list[str]] = {}
    if config.tokenizer.target_words and not isinstance(data, OwnText):
        words = {lang: lexicon_words(data, lang) for lang in targets(config)}
    tokenizer = train({**texts, **words}, config.tokenizer, stage.folder / MODEL, seed=stage.seed)
    report(Progress(2, 3, note="fertility"))
    langs = [*texts, *targets(config)]
    held_out = {lang: [d.text for d in read(data, lang, "dev", FERTILITY_DOCUMENTS)] for lang in langs}
    rows = [asdict(row) for row in fertility.report(tokenizer, held_out)]
    write_json(stage.folder / "fertility.json", rows)


def base_text(data: Text, config: Config, lang: Lang, max_bytes: int) -> list[str]:
    """The training text of one base language, up to the config's cap and `max_bytes`."""
    return [d.text for d in training(data, lang, min(config.data.max_train_bytes, max_bytes))]


def lexicon_words(data: Resources, lang: Lang) -> list[str]:
    """Each distinct target word or phrase of the lexicon, once."""
    entries = data.lexicon(lang).entries.values()
    return sorted({translation.word for translations in entries for translation in translations})


def run_corpus(stage: Stage, report: Report) -> None:
    """Never holds more than `PACKED_TOGETHER` tokens of a language in memory; less text than that is packed as one."""
    config = stage.config
    data = open_text(config.data.source, stage.identity["data_revision"])
    tokenizer = kept(stage.inputs["tokenizer"].folder / MODEL)
    for number, lang in enumerate(map(languages.parse, config.data.pretrain)):
        report(Progress(number, len(config.data.pretrain), note=lang.tag))
        texts = (document.text for document in training(data, lang, config.data.max_train_bytes))
        groups = packed(lambda some: encode(tokenizer, some, config), texts, config.pretrain.length)
        if not write_rows(stage.folder, lang.tag, groups, config.pretrain.length):
            raise BadInput(f"{lang}: no training text fits into data.max_train_bytes = {config.data.max_train_bytes}")


def encode(tokenizer: TextTokenizer, texts: Sequence[str], config: Config) -> list[np.ndarray]:
    """Ids of each text: with what a published tokenizer puts around it, else with the end that the objective wants."""
    before, after = tokenizer.around
    end = document_end(config.objective, tokenizer.vocab)
    after = after or (() if end is None else (end,))
    encoded = tokenizer.encode_all(texts)
    if not before and not after:
        return encoded
    first, last = np.array(before, np.int32), np.array(after, np.int32)
    return [np.concatenate([first, ids, last]) for ids in encoded]


def packed(
    encode: Callable[[list[str]], list[np.ndarray]], texts: Iterable[str], length: int, together: int = PACKED_TOGETHER
) -> Iterator[Rows]:
    """Rows of the texts, packed in groups of about `together` tokens."""
    waiting: list[np.ndarray] = []
    num_tokens = 0
    every = iter(texts)
    while some := list(islice(every, ENCODED_TOGETHER)):
        encoded = encode(some)
        waiting += encoded
        num_tokens += sum(map(len, encoded))
        if num_tokens >= together:
            yield pack(waiting, length)
            waiting, num_tokens = [], 0
    if num_tokens:
        yield pack(waiting, length)


def write_rows(folder: Path, name: str, groups: Iterable[Rows], length: int) -> int:
    """Write all groups to one .npy file a part, group by group; return how many rows they have together."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}.") as scratch:
        bodies = {part: Path(scratch, part) for part in PARTS}
        num_rows = 0
        files: dict[str, IO[bytes]] = {part: path.open("wb") for part, path in bodies.items()}
        try:
            for rows in groups:
                num_rows += len(rows)
                for part, file in files.items():
                    np.ascontiguousarray(getattr(rows, part), "<i4").tofile(file)
        finally:
            for file in files.values():
                file.close()
        # a .npy file opens with the number of its rows, which is known only now
        header = {"descr": "<i4", "fortran_order": False, "shape": (num_rows, length)}
        for part, body in bodies.items():
            with atomic_open(_rows_file(folder, name, part)) as whole, body.open("rb") as file:
                np.lib.format.write_array_header_1_0(whole, header)
                shutil.copyfileobj(file, whole, 2**22)
    return num_rows


def read_corpus(folder: Path, config: Config) -> dict[str, Rows]:
    """Language tag -> its packed pretraining text, as the corpus stage in `folder` left it: mapped, not read."""
    return {
        tag: Rows(*(np.load(_rows_file(folder, tag, part), mmap_mode="r") for part in PARTS))
        for tag in config.data.pretrain
    }


def _rows_file(folder: Path, tag: str, part: str) -> Path:
    return folder / f"{tag}.{part}.npy"
