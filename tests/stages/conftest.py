"""A tiny study on data that this file writes: an English of two hundred sentences, and a Welsh that is its cipher."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from workbench.sources import embedded

SUBJECTS = ["the cat", "a dog", "my sister", "this teacher", "our neighbour", "the small bird"]
VERBS = ["sees", "opens", "buys", "likes", "carries", "cleans"]
OBJECTS = ["the door", "a red lamp", "the window", "some bread", "an old book", "the garden"]
WORDS = sorted({word for phrase in SUBJECTS + VERBS + OBJECTS for word in phrase.split()})
CIPHER = {word: "".join(chr((ord(c) - 97 + 7) % 26 + 97) for c in word) + "wy" for word in WORDS}
REQUESTS = {
    "TurnOn": ["turn on the lamp", "lamp on now please", "switch on a lamp"],
    "TurnOff": ["turn off the lamp", "lamp off now please", "switch off a lamp"],
    "Open": ["open the door", "please open a window", "open my garden door"],
}

# an adaptation of test size, for `workbench adapt --set`
SMALL = [
    "adapt.steps=6",
    "adapt.batch_size=4",
    "adapt.optim.warmup_steps=2",
    "synth.sentences=40",
    "evaluate.base_documents=10",
    "where.jobs=1",
]

STUDY = """
name = "tiny"
seeds = [0]
reference = "none"
[base.data]
pretrain = ["eng-Latn"]
targets = ["cym-Latn"]
few_text = 5
[base.tokenizer]
vocab_size = 310
sample_bytes = 10000
[base.model]
width = 16
num_layers = 1
num_heads = 2
feed_forward = 32
local_heads = 1
[base.pretrain]
steps = 12
batch_size = 4
length = 16
checkpoint_every = 3
optim = { warmup_steps = 2 }
[base.adapt]
steps = 8
batch_size = 4
checkpoint_every = 3
optim = { warmup_steps = 2 }
[base.synth]
sentences = 40
labelled = 6
[base.evaluate]
base_documents = 10
retrieval_pairs = 20
intent_steps = 12
intent_batch_size = 8
[variants.none]
[variants.lexicon]
adapt.resources = ["pseudo"]
evaluate.pseudo_labelled = true
"""

TABLES = """
study = "tiny"
[[table]]
name = "bits"
title = "Bits"
caption = "Tiny."
task = "lm"
metric = "masked_bits_per_byte"
setting = "K=7"
unit = "bits per byte"
columns = ["cym-Latn"]
aside = ["eng-Latn"]
rows = [{ variant = "none" }, { variant = "lexicon" }]
"""


def _write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def cipher(text: str, words: Mapping[str, str] = CIPHER) -> str:
    return " ".join(words.get(word, word) for word in text.split())


def write_tables(home: Path) -> None:
    """What `embedded.prepare()` finds ready under `home`: nothing is downloaded."""
    root = home / f"embedded-{embedded.revision()}"
    sentences = [f"{s} {v} {o}" for s in SUBJECTS for v in VERBS for o in OBJECTS]
    order = np.random.default_rng(0).permutation(len(sentences))
    splits = {"train": order[:160], "dev": order[160:185], "test": order[185:]}
    for split, numbers in splits.items():
        english = [{"id": f"s{n}", "english": "", "text": sentences[n], "source": "test"} for n in numbers]
        welsh = [row | {"english": row["text"], "text": cipher(row["text"])} for row in english]
        _write_rows(root / "text" / "eng-Latn" / f"{split}.jsonl", english)
        _write_rows(root / "text" / "cym-Latn" / f"{split}.jsonl", welsh)
        requests = [{"text": text, "intent": intent, "template": ""} for intent, t in REQUESTS.items() for text in t]
        _write_rows(root / "intents" / "eng-Latn" / f"{split}.jsonl", requests)
        if split != "train":
            ciphered = [row | {"text": cipher(row["text"])} for row in requests]
            _write_rows(root / "intents" / "cym-Latn" / f"{split}.jsonl", ciphered)
    (root / "lexicon").mkdir()
    rows = ["english\tword\tpos\tweight\tsource", *(f"{e}\t{w}\t\t1\tdjango" for e, w in CIPHER.items())]
    (root / "lexicon" / "cym-Latn.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    counts = {tag: {"train strings": 160} for tag in ("eng-Latn", "cym-Latn")}
    (root / "counts.json").write_text(json.dumps(counts), "utf-8")
    (root / "DONE").write_text("{}", "utf-8")


@pytest.fixture(scope="module")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("data")
    write_tables(home)
    return home


@pytest.fixture
def tiny_study(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY, "utf-8")
    (folder / "table.toml").write_text(TABLES, "utf-8")
    yield folder
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)
