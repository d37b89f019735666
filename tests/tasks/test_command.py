from __future__ import annotations

from pathlib import Path

import pytest

from workbench import cli


def test_check_tells_what_is_wrong_repeated_and_shared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "orders" / "eng-Latn"
    folder.mkdir(parents=True)
    (folder / "train.tsv").write_text("text\tlabel\nopen it\tOpen\nopen it\tOpen\nshut it\tShut\n")
    (folder / "test.tsv").write_text("text\tlabel\nopen it\tOpen\nsing\tSing\n")
    assert cli.main(["tasks", "check", str(folder.parent)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[1:] == [
        "eng-Latn: train 3, test 1",
        "  train: 1 of 3 rows stand there before",
        "  test: 1 of 1 texts are in train too",
        "2 labels, 0 tags",
        "left out 1: a label that no training split has (it could never be predicted); the first at "
        f"{folder / 'test.tsv'}:3: 'Sing'",
    ]
    (folder / "test.tsv").write_text("text\tlabel\nopen it\tOpen\n")
    assert cli.main(["tasks", "check", str(folder.parent)]) == 0


def test_the_rows_of_a_file_that_holds_all_splits_are_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    root = tmp_path / "massive"
    root.mkdir()
    (root / "meta.tsv").write_text("id\tpartition\tscenario\tintent\n0\ttrain\talarm\talarm_set\n1\ttest\tqa\tqa\n")
    (root / "en-US.tsv").write_text("id\tannot_utt\n0\twake me [time : at nine]\n1\t\n")
    assert cli.main(["tasks", "check", "massive"]) == 1
    assert "left out 1: " in capsys.readouterr().out


def test_what_is_no_task_is_refused_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["tasks", "check", "massif"]) == 2
    assert "neither a known task (massive, xsid" in capsys.readouterr().err
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert cli.main(["tasks", "list"]) == 0
    assert "not here" in capsys.readouterr().out
