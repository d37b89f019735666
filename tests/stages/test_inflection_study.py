"""A study of inflection: from tables of forms to a table of results, floors beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.stages.test_study_end_to_end import workbench
from workbench.inflection import rows as files
from workbench.reports import collect

STUDY = """
question = "How well does it inflect?"
name = "toy"
kind = "inflection"
seeds = [0]
reference = "both"
[base]
data = {{ folder = "{folder}", languages = ["tur"] }}
model = {{ width = 16, num_layers = 1, num_decoder_layers = 1, num_heads = 2, feed_forward = 16, local_heads = 1 }}
train = {{ steps = 4, look_every = 2, batch_size = 8, optim = {{ warmup_steps = 1 }} }}
hallucinate = {{ rows = 40 }}
search = {{ max_length = 16, batch_size = 16 }}
[variants.both]
directions = "both"
"""
TABLES = """
study = "toy"
[[table]]
name = "exact"
title = "Exact"
caption = "Tiny."
task = "inflection"
metric = "exact_match"
unit = "%"
scale = 100
columns = ["tur-Latn"]
rows = [
    { variant = "both" },
    { variant = "floor:rules" },
    { variant = "floor:nonneural" },
    { variant = "floor:copy-lemma" },
]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "tables").mkdir()
    for split, number in {"trn": 40, "dev": 8, "tst": 12}.items():
        lemmas = ["".join(rng.choice(list("abdeklmnort"), 5)) for _ in range(number)]
        lines = [f"{lemma}\tN;NOM(PL)\t{lemma}lar\n" for lemma in lemmas]
        (tmp_path / "tables" / f"tur.{split}").write_text("".join(lines), "utf-8")
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "study.toml").write_text(STUDY.format(folder=tmp_path / "tables"), "utf-8")
    (folder / "table.toml").write_text(TABLES, "utf-8")
    return folder


def test_one_study_file_goes_from_tables_of_forms_to_scores_beside_the_floors(study: Path, tmp_path: Path) -> None:
    runs, data = tmp_path / "runs", tmp_path / "no-data"
    line = (study, "--set", f'where.runs="{runs}"', "--set", "where.jobs=2")
    done = workbench(data, "run", *line, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [row for path in runs.rglob("results.jsonl") for row in collect.read(path)]
    whole = {row.variant: row.value for row in rows if row.metric == "exact_match" and not row.setting}
    assert set(whole) == {"both", "floor:rules", "floor:nonneural", "floor:copy-lemma"}
    assert whole["floor:rules"] == whole["floor:nonneural"] == 1.0  # one suffix for all
    assert whole["floor:copy-lemma"] == 0.0
    assert {row.setting for row in rows if row.metric == "exact_match"} == {"", "pos=N"}
    (written,) = runs.rglob("predictions/tur.tst")
    gold, given = files.read(tmp_path / "tables" / "tur.tst"), files.read(written, submission=True)
    assert [(row.lemma, row.features) for row in given.rows] == [(row.lemma, row.features) for row in gold.rows]
    again = workbench(data, "run", *line, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "2 stages, 2 already done, 0 to run" in again.stderr + again.stdout


def test_a_study_of_a_test_without_forms_is_refused(study: Path, tmp_path: Path) -> None:
    table = tmp_path / "tables" / "tur.tst"
    table.write_text("".join(f"{line.rsplit(chr(9), 1)[0]}\n" for line in table.read_text("utf-8").splitlines()))
    done = workbench(tmp_path / "no-data", "run", study, "--set", f'where.runs="{tmp_path / "runs"}"', cwd=tmp_path)
    assert done.returncode != 0
    assert f"{table}: a covered file" in done.stderr


def test_the_tables_have_a_column_for_each_file_that_set_names(study: Path, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    for split in ("trn", "dev", "tst"):
        for name in ("heb", "heb_unvoc"):
            (tables / f"{name}.{split}").write_bytes((tables / f"tur.{split}").read_bytes())
    plan = ["run", study, "--set", f'where.runs="{tmp_path / "runs"}"', "--set"]
    line = [*plan, 'base.data.languages=["heb_unvoc", "tur", "heb"]']
    done = workbench(tmp_path / "no-data", *line, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the tables show heb-Hebr unvocalized, tur-Latn, heb-Hebr, as --set has them" in done.stdout
    (table,) = (tmp_path / "runs").rglob("exact.csv")
    with table.open(encoding="utf-8") as file:
        found = [row["column"] for row in csv.DictReader(file) if row["row"] == "both"]
    assert found == ["heb-Hebr unvocalized", "tur-Latn", "heb-Hebr", "mean"]
    (report,) = (tmp_path / "runs").rglob("report.html")
    assert "Hebrew, unvocalized" in report.read_text("utf-8")


def test_a_column_without_a_file_is_refused_before_anything_runs(study: Path, tmp_path: Path) -> None:
    text = (study / "table.toml").read_text("utf-8").replace('["tur-Latn"]', '["tur-Latn", "deu-Latn"]')
    (study / "table.toml").write_text(text, "utf-8")
    done = workbench(tmp_path / "no-data", "run", study, "--set", f'where.runs="{tmp_path / "runs"}"', cwd=tmp_path)
    assert done.returncode == 2
    assert "table.toml: columns of deu-Latn, but the study measures tur-Latn; leave them out" in done.stderr
    assert not (tmp_path / "runs").exists()
