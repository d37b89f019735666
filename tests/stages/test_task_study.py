"""A study with a labelled task, end to end: predictions, floors, results that the predictions give again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from workbench import cli, config, load
from workbench.errors import BadInput
from workbench.languages import parse
from workbench.stages.plan import stages
from workbench.stages.source import revision
from workbench.stages.task_data import TaskData

STUDY = """
name = "tiny-tasks"
seeds = [0]
reference = "base"
[base.data]
pretrain = ["eng-Latn"]
[base.tokenizer]
vocab_size = 300
sample_bytes = 10000
[base.model]
width = 16
num_layers = 1
num_heads = 2
feed_forward = 32
local_heads = 1
[base.pretrain]
steps = 4
batch_size = 4
length = 16
optim = { warmup_steps = 1 }
[base.evaluate]
measures = ["tasks"]
[[base.evaluate.tasks]]
name = "own"
folder = "FOLDER"
train = ["en+pseudo"]
few_shot = [2]
pseudo_examples = 8
fine_tune = { steps = 4, batch_size = 4, checks = 2, few_shot_steps = 2, optim = { warmup_steps = 1 } }
[variants.base]
"""
TABLES = """
study = "tiny-tasks"
[[table]]
name = "slots"
title = "Slots"
caption = "Tiny."
task = "orders"
metric = "slot_f1"
setting = "train=en+pseudo"
unit = "share"
columns = ["cym-Latn"]
aside = ["eng-Latn"]
rows = [{ variant = "base" }, { variant = "floor:majority", setting = "train=en" }]
"""


@pytest.fixture
def study(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_DATA", str(tiny_data))
    monkeypatch.chdir(tmp_path)
    words = dict(
        line.split("\t")[:2] for line in next(tiny_data.rglob("lexicon/cym-Latn.tsv")).read_text().splitlines()[1:]
    )
    own = tmp_path / "orders"
    rows = [
        {"words": f"the cat {verb} {thing}".split(), "tags": ["O", "O", "O", "B-it", "I-it"], "label": verb}
        for verb in ("opens", "buys", "likes")
        for thing in ("the door", "some bread", "a lamp")
    ]
    for lang, split in (
        ("eng-Latn", "train"),
        ("eng-Latn", "dev"),
        ("eng-Latn", "test"),
        ("cym-Latn", "train"),
        ("cym-Latn", "test"),
    ):
        put = rows if lang == "eng-Latn" else [one | {"words": [words.get(w, w) for w in one["words"]]} for one in rows]
        (own / lang).mkdir(parents=True, exist_ok=True)
        (own / lang / f"{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in put))
    folder = tmp_path / "tiny-tasks"
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY.replace("FOLDER", str(own)))
    (folder / "table.toml").write_text(TABLES)
    return folder


def test_every_setting_and_floor_has_rows_and_they_come_again_from_the_predictions(
    study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", str(study), "--set", "where.jobs=1"]) == 0
    runs = study.parent / "runs" / "tiny-tasks"
    rows = [json.loads(line) for path in runs.rglob("results.jsonl") for line in path.read_text().splitlines()]
    cells = {(row["variant"], row["setting"], row["lang"]) for row in rows if row["metric"] == "exact_match"}
    both = ("cym-Latn", "eng-Latn")
    assert cells == {
        *(("base", "train=en+pseudo", lang) for lang in both),
        ("base", "train=en+pseudo k=2", "cym-Latn"),
        *(
            (f"floor:{name}", "train=en", lang)
            for name in ("majority", "naive-bayes", "char-ngram-svm")
            for lang in both
        ),
        *((f"floor:{name}", "train=en+pseudo", "cym-Latn") for name in ("naive-bayes", "char-ngram-svm")),
        ("floor:translate-test", "train=en", "cym-Latn"),
    }
    assert {row["metric"] for row in rows} == {"exact_match", "intent_accuracy", "slot_f1"}
    assert {row["n"] for row in rows} == {9}
    floors = {
        (row["variant"], row["setting"], row["metric"]): row["value"] for row in rows if row["lang"] == "cym-Latn"
    }
    assert floors["floor:translate-test", "train=en", "slot_f1"] > floors["floor:char-ngram-svm", "train=en", "slot_f1"]
    assert cli.main(["score", str(runs), "--check"]) == 0
    assert f"{len(rows)} of {len(rows)} scores" in capfd.readouterr().out
    told = json.loads(next(runs.glob("base-s0-*/tasks.json")).read_text())
    assert told[0]["shared"][0]["rows"] == 9  # train and dev are the same here, and it is said
    shutil.rmtree(runs)


def test_the_data_revision_is_also_of_the_tasks_files_and_floors_do_not_depend_on_training(study: Path) -> None:
    before = load.study(study, [])
    first = revision(before, lambda _: None)
    longer = study / "study.toml"
    longer.write_text(longer.read_text().replace("{ steps = 4", "{ steps = 9"))
    plans = [{stage.kind: stage.folder for stage in stages(one, first)} for one in (before, load.study(study, []))]
    assert plans[0]["task-floors"] == plans[1]["task-floors"]
    assert plans[0]["run"] != plans[1]["run"]
    path = study.parent / "orders" / "cym-Latn" / "test.jsonl"
    path.write_text(path.read_text() + path.read_text().splitlines()[0] + "\n")
    assert revision(before, lambda _: None) != first


def test_the_measure_and_the_tasks_go_together(study: Path) -> None:
    with pytest.raises(BadInput, match=r"evaluate\.measures 'tasks' fine-tunes on what evaluate\.tasks lists"):
        load.study(study, ["evaluate.tasks=[]"])


def test_more_shots_than_there_are_examples_are_refused_and_none_are_left_out(study: Path) -> None:
    settings = config.Task(name="own", folder=str(study.parent / "orders"), few_shot=(100, "all"))
    data = TaskData(settings, "test", 0)
    assert len(data.few(parse("cym-Latn"), "all")) == 9
    with pytest.raises(BadInput, match=r"few_shot = 100 wants more .* than the 9 there are in cym-Latn; lower it, or"):
        data.few(parse("cym-Latn"), 100)
    (study.parent / "orders" / "cym-Latn" / "train.jsonl").unlink()
    assert data.few(parse("cym-Latn"), 100) == []


def test_what_is_measured_does_not_choose_its_own_checkpoint(study: Path) -> None:
    own = f'evaluate.tasks=[{{name="own", folder="{study.parent / "orders"}", selection="target-dev"}}]'
    with pytest.raises(BadInput, match="measured on the very dev examples that chose its checkpoint"):
        load.study(study, [own, "evaluate.split=dev"])
    load.study(study, [own])


def test_some_of_the_test_examples_are_spread_over_all_of_them(study: Path) -> None:
    """Published test files are in the order of their labels."""
    settings = config.Task(name="own", folder=str(study.parent / "orders"))
    whole = TaskData(settings, "test", 0).held_out(parse("cym-Latn"))
    assert [one.label for one in whole] == ["opens"] * 3 + ["buys"] * 3 + ["likes"] * 3
    some = {n: TaskData(settings.model_copy(update={"test_examples": n}), "test", 0) for n in (3, 4, 9, 100)}
    assert [one.label for one in some[3].held_out(parse("cym-Latn"))] == ["opens", "buys", "likes"]
    assert [one.id for one in some[4].held_out(parse("cym-Latn"))] == [whole[place].id for place in (0, 2, 4, 6)]
    assert some[9].held_out(parse("cym-Latn")) == some[100].held_out(parse("cym-Latn")) == whole
