"""Studies without targets: one's own text, models that write, a scaling law, through the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.stages.test_study_end_to_end import workbench
from workbench.reports import collect

STUDY = """
question = "Which of these writes English best?"
name = "own"
seeds = [0]
reference = "decoder"
[base.data]
source = {{ kind = "files", folder = "{folder}", licence = "CC0-1.0" }}
pretrain = ["eng-Latn", "cym-Latn"]
[base.tokenizer]
vocab_size = 320
sample_bytes = 10000
sentinels = 4
clm = true
[base.model]
width = 16
num_layers = 1
num_heads = 2
feed_forward = 32
local_heads = 1
[base.pretrain]
steps = 6
batch_size = 4
length = 16
optim = {{ warmup_steps = 2 }}
[base.evaluate]
measures = ["bits", "cost"]
base_documents = 10
[variants.decoder]
model.kind = "decoder"
objective.kind = "causal"
[variants.mlm]
[variants.alexatm]
model.kind = "encoder-decoder"
objective.kind = "alexatm"
[variants.spans]
model.kind = "encoder-decoder"
objective.kind = "span-corruption"
"""
TABLES = """
study = "own"
[[table]]
name = "bits"
title = "Bits"
caption = "Tiny."
task = "lm"
metric = "bits_per_byte"
setting = "context=16"
unit = "bits per byte"
columns = ["eng-Latn", "cym-Latn"]
rows = [
    { variant = "decoder" },
    { variant = "mlm", metric = "masked_bits_per_byte", setting = "K=7" },
    { variant = "alexatm", metric = "conditional_bits_per_byte", setting = "alexatm [CLM]" },
    { variant = "spans", metric = "conditional_bits_per_byte", setting = "span-corruption" },
    { variant = "floor:char-6gram (decoder)", metric = "char_ngram_bits_per_byte", setting = "at most 4 MB of text" },
]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    syllables = {"eng-Latn": ("th", "st", "w", "br", "sh", "ck"), "cym-Latn": ("ll", "dd", "gw", "rh", "ff", "ch")}
    for tag, onsets in syllables.items():
        some = [a + v + b + w for a in onsets for v in "aeo" for b in onsets[:3] for w in "iy"]
        for split, count in (("train", 200), ("dev", 20), ("test", 20)):
            path = tmp_path / "text" / tag / f"{split}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(" ".join(rng.choice(some, 7)) + "\n" for _ in range(count)), "utf-8")
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY.format(folder=tmp_path / "text"), "utf-8")
    (folder / "table.toml").write_text(TABLES, "utf-8")
    return folder


def test_one_study_file_goes_from_ones_own_text_to_bits_of_every_kind_of_model(own: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    where = ("--set", f'where.runs="{runs}"')
    done = workbench(tmp_path / "no-data", "run", own, *where, "--set", "where.jobs=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "no-data" / "downloads").exists()  # the embedded default was never asked for
    rows = [row for path in runs.rglob("results.jsonl") for row in collect.read(path)]
    measured = {(row.variant, row.metric) for row in rows if row.task == "lm"}
    assert measured == {
        ("decoder", "bits_per_byte"),
        ("mlm", "masked_bits_per_byte"),
        ("alexatm", "conditional_bits_per_byte"),
        ("spans", "conditional_bits_per_byte"),
        ("floor:char-6gram (decoder)", "char_ngram_bits_per_byte"),
    }
    assert {row.lang for row in rows if row.task == "lm"} == {"eng-Latn", "cym-Latn"}
    costs = {row.metric: row.value for row in rows if row.task == "cost" and row.variant == "decoder"}
    assert 0 < costs["training_tokens"] <= 6 * 4 * 16
    assert costs["inference_flops_per_token"] > 0
    assert not list(runs.rglob("linear-*"))
    assert len(list(runs.rglob("floors-*"))) == 1
    (stage,) = runs.rglob("tokenizer-*")
    assert {row["lang"] for row in json.loads((stage / "fertility.json").read_text())} == {"eng-Latn", "cym-Latn"}
    page = (runs / "own" / "report" / "report.html").read_text()
    assert "Which of these writes English best?" in page
    assert "train bytes" in page
    assert workbench(tmp_path / "no-data", "freeze", own, *where, cwd=tmp_path).returncode == 0
    assert workbench(tmp_path / "no-data", "table", own, cwd=tmp_path).returncode == 0


def test_a_missing_split_ends_the_command_before_anything_runs(own: Path, tmp_path: Path) -> None:
    (tmp_path / "text" / "cym-Latn" / "test.txt").unlink()
    done = workbench(tmp_path / "no-data", "run", own, cwd=tmp_path)
    assert done.returncode == 2
    assert re.search(r"cym-Latn: no test text among \['dev.txt', 'train.txt'\]", done.stderr)
    assert not list(tmp_path.rglob("status.json"))
