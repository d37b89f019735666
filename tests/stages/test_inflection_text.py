"""Paradigms as text in a study: adaptation and pretraining of a decoder, what it then writes, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from tests.stages.conftest import write_tables
from workbench import cli, languages, load
from workbench.config import Study, Synth
from workbench.errors import BadInput
from workbench.files import read_json, read_jsonl
from workbench.mixture.packing import pack
from workbench.mixture.schedule import Stretch
from workbench.mixture.stream import Stream
from workbench.sources.embedded import EmbeddedData
from workbench.sources.published import PublishedData
from workbench.stages import paradigms, worker
from workbench.stages.plan import Stage, stages
from workbench.stages.source import revision
from workbench.training.loop import load_model

LEMMAS = [a + b + c + d for a in "bdgklmn" for b in "aeiou" for c in "prstvz" for d in "aeiou"]  # 1,050
ENDS = {("N", "SG"): "m", ("N", "PL"): "rim"}
STUDY = """
name = "tiny"
seeds = [0]
reference = "none"
[base.data]
pretrain = ["eng-Latn"]
targets = ["cym-Latn"]
[base.tokenizer]
vocab_size = 310
sample_bytes = 10000
[base.model]
kind = "decoder"
width = 16
num_layers = 1
num_heads = 2
feed_forward = 32
local_heads = 1
[base.objective]
kind = "causal"
[base.pretrain]
steps = 3
batch_size = 4
length = 16
checkpoint_every = 1
inflection_share = 0.25
optim = { warmup_steps = 2 }
[base.adapt]
steps = 3
batch_size = 4
optim = { warmup_steps = 2 }
[base.synth]
sentences = 10
labelled = 2
inflection_tasks = ["inflect", "fill"]
[base.evaluate]
measures = ["inflection"]
[variants.none]
[variants.inflection.adapt]
resources = ["inflection"]
"""
TABLES = """
study = "tiny"
[[table]]
name = "forms"
title = "Forms"
caption = "Tiny."
task = "prompted-inflection"
metric = "accuracy"
setting = "greedy"
unit = "%"
scale = 100.0
columns = ["cym-Latn"]
rows = [{ variant = "none" }, { variant = "inflection" }, { variant = "floor:copy" }]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("data")
    write_tables(home)
    (folder := next(home.glob("embedded-*")) / "inflections").mkdir()
    for tag, lemmas in (("cym-Latn", LEMMAS), ("eng-Latn", LEMMAS[:40])):
        rows = [f"{lemma}\t{lemma}{end}\t{';'.join(bundle)}\n" for lemma in lemmas for bundle, end in ENDS.items()]
        (folder / f"{tag}.tsv").write_text("".join(["lemma\tform\tfeatures\n", *rows]), "utf-8")
    return home


@pytest.fixture
def folder(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    found = tmp_path / "tiny"
    found.mkdir()
    (found / "study.toml").write_text(STUDY, "utf-8")
    (found / "table.toml").write_text(TABLES, "utf-8")
    return found


def planned(folder: Path, *overrides: str) -> list[Stage[Any]]:
    study = load.study(folder, overrides)
    return stages(study, revision(study))


def test_a_decoder_is_pretrained_and_adapted_on_tasks_and_asked_for_forms(folder: Path) -> None:
    made = {(one.kind, one.variant): one for one in planned(folder)}
    for stage in made.values():
        worker.perform(stage, lambda _: None)
    synth, base = made["synth", ""], made["base", ""]
    (report,) = read_json(synth.folder / "report.json")
    assert report["inflection_tasks"] == {"inflect": 2000, "fill": 1000}
    assert report["inflection_lines"] == 3000
    drawn = {row["lang"]: row["num_rows_drawn"] for row in read_json(base.folder / "mixture.json")}
    assert drawn == {"eng-Latn": 9, "eng-Latn inflection": 3}  # a quarter of 12
    stages_measured = (made["run", "none"], made["run", "inflection"], made["floors", "none"])
    rows = [row for stage in stages_measured for row in read_jsonl(stage.folder / "results.jsonl")]
    assert [(row["task"], row["variant"], row["n"]) for row in rows] == [
        ("prompted-inflection", variant, 50) for variant in ("none", "inflection", "floor:copy")
    ]
    assert rows[-1]["value"] == 0.0  # every form has an ending
    asked = list(read_jsonl(made["run", "inflection"].folder / "inflection" / "inflection_cym-Latn.jsonl"))
    lines = read_jsonl(synth.folder / "inflection" / "cym-Latn.jsonl")
    read = {word for row in lines for word in row["parents"]}
    assert not {row["lemma"] for row in asked} & read
    assert {row["lemma"] for row in asked} | read == set(LEMMAS)
    assert rows[1]["value"] == np.mean([row["predicted"] in row["gold"] for row in asked])


def test_pretraining_on_paradigms_that_dies_goes_on_to_the_same_weights(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = (
        [one for one in planned(folder, f"where.runs={name}") if one.kind in ("tokenizer", "corpus", "base")]
        for name in ("whole", "killed")
    )
    for stage in (*whole, *killed[:-1]):
        worker.perform(stage, lambda _: None)
    batch = Stream.batch

    def dies(self: Stream, step: int) -> object:
        if step == 2:
            raise KeyboardInterrupt
        return batch(self, step)

    with monkeypatch.context() as patched:
        patched.setattr(Stream, "batch", dies)
        with pytest.raises(KeyboardInterrupt):
            worker.perform(killed[-1], lambda _: None)
    worker.perform(killed[-1], lambda _: None)
    model, other = (load_model(one[-1].folder, one[-1].config.model, 310) for one in (whole, killed))
    assert all(map(np.array_equal, jax.tree.leaves(model), jax.tree.leaves(other)))


def test_the_share_is_taken_of_languages_with_paradigms_alone() -> None:
    rows = {"isl": pack([np.arange(8)], 8)}
    after = paradigms.beside_text((Stretch(10, {"eng": 0.5, "isl": 0.5}),), rows, 0.25)
    assert after == (Stretch(10, {"eng": 0.5, "isl": 0.375, "isl inflection": 0.125}),)


def test_identities_know_what_paradigms_a_base_read_and_only_then(folder: Path) -> None:
    def bases(*overrides: str) -> set[Path]:
        return {one.folder for one in planned(folder, *overrides) if one.kind == "base"}

    tasks = 'synth.inflection_tasks=["analyse"]'
    assert bases() != bases(tasks) != bases(tasks, "synth.permute_paradigms=true")
    without = "pretrain.inflection_share=0"
    assert bases(without) == bases(without, tasks, "synth.permute_paradigms=true") != bases()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ('synth.inflection_tasks=["inflect", "segment"]', "'segment' reads segmentations, of which"),
        ('synth.inflection_tasks=["derive"]', "'derive' reads derivations, of which"),
    ],
)
def test_a_task_that_no_language_has_data_for_is_refused_before_anything_runs(
    folder: Path, override: str, said: str
) -> None:
    assert cli.main(["run", str(folder), "--set", override]) == 2
    study = load.study(folder, [override])
    assert isinstance(study, Study)
    with pytest.raises(BadInput, match=said):
        paradigms.refuse_without_data(study, revision(study))
    assert not (folder.parent / "runs").exists()


def test_forms_are_asked_for_only_where_lemmas_are_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = load.study(folder)
    assert isinstance(study, Study)
    paradigms.refuse_without_data(study, revision(study))
    monkeypatch.setattr("workbench.synth.inflection_tasks.MAX_LEMMAS", len(LEMMAS))
    with pytest.raises(BadInput, match="none of cym-Latn has more"):
        paradigms.refuse_without_data(study, revision(study))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["pretrain.start=there"], "inflection_share: nothing is pretrained where there is a start"),
        (["synth.inflection_tasks=[]"], "inflection_tasks"),
        (['synth.inflection_tasks=["fill", "fill"]'], "inflection_tasks must be distinct"),
        (["model.kind=encoder", "objective.kind=mlm"], "goes on behind a prompt"),
        (["data.targets=[]", "variants.inflection.adapt.resources=[]"], "asks for forms of target languages"),
        (["pretrain.inflection_share=1"], "inflection_share"),
    ],
)
def test_what_cannot_be_is_explained(folder: Path, overrides: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load.study(folder, overrides)


def test_segmentations_and_derivations_become_lines_where_their_files_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    (folder := tmp_path / "unimorph" / "bak").mkdir(parents=True)
    (folder / "bak").write_text("ат\tаттар\tN;PL\n", "utf-8")
    (folder / "bak.segmentations").write_text("ат\tаттар\tN;PL\tат|тар\n", "utf-8")
    (folder / "bak.derivations").write_text("ат\tатлы\tN:ADJ\t-лы\n", "utf-8")
    data, synth = PublishedData(EmbeddedData(tmp_path, "test"), "test"), Synth(inflection_tasks=("segment", "derive"))
    made = paradigms.lines(data, languages.parse("bak"), synth, seed=0)
    assert {task: [one.text for one in documents] for task, documents in made.items()} == {
        "segment": ["аттар / ат|тар"],
        "derive": ["ат + -лы, N ADJ: атлы"],
    }
