from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from workbench import cli
from workbench.errors import BadInput
from workbench.evaluation import predictions
from workbench.evaluation.predictions import Head, Predicted
from workbench.evaluation.scores import Prediction

HEAD = Head(
    variant="floor:x (y)", task="xsid", lang="bar-Latn", split="test", setting="train=en", scheme="xsid",
    metrics=("exact_match", "slot_f1"),
)  # fmt: skip
FOUND = [
    Prediction("a-1", "i", "i", ("O", "B-x", "O"), ("O", "B-x", "O"), "a"),
    Prediction("b-1", "i", "j", ("B-y", "O", "O"), ("O", "O", "O"), "b"),
]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = predictions.write(tmp_path, Predicted(HEAD, FOUND))
    again = predictions.read(path)
    assert again.head == HEAD
    assert [asdict(one) for one in again.predictions] == [asdict(one) for one in FOUND]
    assert predictions.files([tmp_path]) == [path]


def test_varieties_are_scored_beside_the_whole(tmp_path: Path) -> None:
    parts = Predicted(HEAD, FOUND).varieties()
    assert {name: part.scores()[0].interval.value for name, part in parts.items()} == {"a": 1.0, "b": 0.0}
    assert parts["a"].head.setting == "train=en variety=a"


def test_scores_are_computed_again_and_held_against_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions.write(tmp_path, Predicted(HEAD, FOUND))
    assert cli.main(["score", str(tmp_path), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["metric"], row["setting"], row["value"], row["n"]) for row in rows[:2]] == [
        ("exact_match", "train=en", 0.5, 2),
        ("slot_f1", "train=en", 0.666667, 2),
    ]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli.main(["score", str(tmp_path), "--check"]) == 0
    rows[1]["value"] = 0.9
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli.main(["score", str(tmp_path), "--check"]) == 1
    assert "the predictions give 0.666667, results say 0.9" in capsys.readouterr().out


def test_each_run_of_a_study_is_held_against_its_own_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seeds of one variant: the same rows, other values."""
    for seed, said in enumerate((FOUND, FOUND[:1])):
        run = tmp_path / f"base-s{seed}"
        path = predictions.write(run, Predicted(HEAD, said))
        capsys.readouterr()
        assert cli.main(["score", str(path), "--json"]) == 0
        (run / "results.jsonl").write_text(capsys.readouterr().out)
    assert cli.main(["score", str(tmp_path), "--check"]) == 0
    (tmp_path / "base-s1" / "results.jsonl").write_text((tmp_path / "base-s0" / "results.jsonl").read_text())
    assert cli.main(["score", str(tmp_path), "--check"]) == 1
    told = capsys.readouterr().out
    assert "base-s1: " in told
    assert "base-s0: " not in told


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{}"], ":1: wanted the head"),
        ([HEAD.model_dump_json(), '{"label": "x"}'], ":2: wanted a prediction; id"),
        ([HEAD.model_dump_json(), '{"id": "x", "tags": "O O", "predicted_tags": "O"}'], ":2: 1 tags predicted"),
    ],
)
def test_a_file_that_is_no_predictions_is_refused_where_it_is_wrong(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(BadInput, match=said):
        predictions.read(path)


def test_a_folder_without_predictions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file of predictions"):
        predictions.files([tmp_path])
    with pytest.raises(BadInput, match="no such file"):
        predictions.files([tmp_path / "absent"])
