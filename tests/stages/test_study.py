"""What a study shows is read, and held against the study, before anything is computed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console

from tests.stages.test_study_end_to_end import run as run_command
from workbench import load
from workbench.errors import BadInput
from workbench.reports import spec
from workbench.reports.spec import TableSpec
from workbench.stages import source, study
from workbench.stages.plan import stages

ROOT = Path(__file__).resolve().parents[2]
STUDIES = sorted(path.parent for path in (ROOT / "experiments").glob("*/study.toml"))
QUICKSTART = ROOT / "experiments" / "quickstart"
OWN = """
name = "mine"
seeds = [0]
reference = "base"
[base.data]
source = { kind = "files", folder = "text", licence = "CC0-1.0" }
pretrain = ["eng-Latn", "cym-Latn"]
[variants.base]
"""


def shown(path: Path, *overrides: str) -> spec.Spec:
    return study._spec(path, load.study(path, overrides), overrides, Console())


def refused(path: Path, *overrides: str) -> str:
    with pytest.raises(BadInput) as caught:
        study.run(path, overrides, retry_failed=False, dry_run=False)
    assert not (path.parent / "runs").exists()
    return str(caught.value)


@pytest.fixture(autouse=True)
def _in_its_folder(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tiny_data))
    monkeypatch.chdir(tmp_path)


def test_a_study_without_tables_is_refused_before_it_runs(tiny_study: Path) -> None:
    (tiny_study / "table.toml").unlink()
    assert "table.toml: no such file; it says which tables the study has" in refused(tiny_study)


def test_the_study_file_itself_is_a_study_too(tiny_study: Path) -> None:
    file = tiny_study / "study.toml"
    assert study.run(file, [], retry_failed=False, dry_run=True) == 0
    with pytest.raises(BadInput, match="absent, wanted done; `workbench run` finishes it"):
        study.freeze(file, [])
    for check in (False, True):
        with pytest.raises(BadInput, match=rf"{tiny_study / 'results.jsonl'}: no such file"):
            study.table(file, check=check)


def test_bits_of_another_setting_than_the_tables_show_are_refused_before_it_runs(tiny_study: Path) -> None:
    said = "'bits' shows masked_bits_per_byte of setting 'K=7', but the study measures K=5; write that there"
    assert said in refused(tiny_study, "evaluate.mask_groups=5")


def test_folders_are_told_whole_for_they_are_what_other_commands_are_given(
    tiny_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overrides = [f"where.runs={tmp_path / ('long' * 30)}"]
    made = load.study(tiny_study, overrides)
    folders = {str(stage.folder) for stage in stages(made, source.revision(made))}
    study.status(tiny_study, overrides)
    study.run(tiny_study, overrides, retry_failed=False, dry_run=True)
    told = [word for line in capsys.readouterr().out.splitlines() for word in line.split() if "longlong" in word]
    assert sorted(told) == sorted([*folders, *folders])


def test_rows_and_columns_that_the_study_has_not_are_refused_before_it_runs(tiny_study: Path) -> None:
    file = tiny_study / "table.toml"
    text = file.read_text("utf-8")
    file.write_text(text.replace('"lexicon"', '"lexikon"'), "utf-8")
    assert "rows of ['lexikon'], but the study's variants are ['none', 'lexicon']" in refused(tiny_study)
    file.write_text(text.replace('["cym-Latn"]', '["cym-Latn", "gle-Latn"]'), "utf-8")
    assert "columns of gle-Latn, but the study measures cym-Latn, eng-Latn; leave them out" in refused(tiny_study)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_every_committed_study_shows_what_it_measures(path: Path) -> None:
    assert shown(path) == spec.load(path)


@pytest.mark.parametrize(
    ("overrides", "columns"),
    [
        (['data.targets=["cym-Latn"]'], ("cym-Latn",)),
        (['data.targets=["afr-Latn", "hye-Armn"]'], ("hye-Armn", "afr-Latn")),
        (['data.targets=["deu-Latn"]', 'data.pretrain=["eng-Latn"]'], ("deu-Latn",)),
    ],
)
def test_languages_that_set_leaves_out_leave_the_tables_and_this_is_said(
    overrides: list[str], columns: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    found, whole = shown(QUICKSTART, *overrides), spec.load(QUICKSTART)
    said = capsys.readouterr().out
    assert said.startswith("the tables are without ")
    assert "gle-Latn" in said
    assert said.count("\n") == 1
    assert all(one.columns == columns for one in (*found.table, *found.layer_figures))
    assert [one.aside for one in found.table] == [one.aside for one in whole.table]
    assert (found.claim, len(found.figure)) == (whole.claim, len(whole.figure))


def test_what_is_told_of_a_lost_column_is_left_out_with_it(tiny_study: Path) -> None:
    table = spec.load(tiny_study).table[0].model_dump()
    made = spec.Spec.model_validate(
        {
            "study": "tiny",
            "table": [
                table
                | {
                    "columns": ["cym-Latn", "gle-Latn"],
                    "absent": [
                        {"row": "none", "columns": ["gle-Latn"], "why": "x"},
                        {"row": "lexicon", "columns": ["gle-Latn", "cym-Latn"], "why": "y"},
                    ],
                },
                table | {"name": "topics", "task": "sib200", "columns": ["gle-Latn"]},
            ],
            "claim": [
                {"kind": "forgetting", "title": tag, "table": "bits", "reference": "none", "column": tag}
                for tag in ("gle-Latn", "eng-Latn")
            ],
        }
    )
    found = spec.over(made, ["lm"], ["cym-Latn"], "eng-Latn")
    bits, topics = found.table
    assert isinstance(bits, TableSpec)
    assert [(one.row, one.columns) for one in bits.absent] == [("lexicon", ("cym-Latn",))]
    assert topics == made.table[1]  # a task has its own languages
    assert [one.title for one in found.claim] == ["eng-Latn"]


def test_a_study_over_fewer_languages_than_its_tables_ends_in_a_report(
    tiny_data: Path, tiny_study: Path, tmp_path: Path
) -> None:
    for name in ("study.toml", "table.toml"):
        file = tiny_study / name
        file.write_text(file.read_text("utf-8").replace('["cym-Latn"]', '["cym-Latn", "gle-Latn"]'), "utf-8")
    done = run_command(tiny_data, tiny_study, tmp_path / "runs", "--set", 'data.targets=["cym-Latn"]')
    assert done.returncode == 0, done.stderr
    assert "the tables are without gle-Latn, which --set left out; they show cym-Latn" in done.stdout
    assert (tmp_path / "runs" / "tiny" / "report" / "report.html").is_file()


def test_the_tables_of_the_readme_fit_a_study_of_ones_own_text(tmp_path: Path) -> None:
    (tables,) = re.findall(r"^```toml\n(study = .*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "table.toml").write_text(tables, "utf-8")
    (folder / "study.toml").write_text(OWN, "utf-8")
    for tag in ("eng-Latn", "cym-Latn"):
        for split in ("train", "dev", "test"):
            path = tmp_path / "text" / tag / f"{split}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("one sentence\n", "utf-8")
    assert study.run(folder, [], retry_failed=False, dry_run=True) == 0
    config = load.study(folder).variants["base"]
    assert (config.model.kind, config.evaluate.mask_groups, config.pretrain.length) == ("encoder", 7, 64)
