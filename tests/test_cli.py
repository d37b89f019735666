"""What `main` makes of errors: a line on stderr and an exit code, no traceback."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from workbench import cli
from workbench.stages import study


def test_an_os_error_is_one_line_and_exit_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(study, "run", refused)
    assert cli.main(["run", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"workbench: [Errno 13] Permission denied: '{tmp_path}'\n"


@pytest.mark.parametrize(
    ("arguments", "code"), [(["run", "x"], 75), (["run", "x", "--dry-run"], 0), (["status", "x"], 0)]
)
def test_a_reader_that_went_away_is_no_error_unless_it_cut_a_study_short(
    arguments: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(*_: object, **__: object) -> int:
        raise BrokenPipeError

    for verb in ("run", "status"):
        monkeypatch.setattr(study, verb, unread)
    monkeypatch.setattr("sys.stderr", io.StringIO())  # it is closed
    assert cli.main(arguments) == code


def test_only_where_a_study_runs_can_be_overridden_when_it_is_frozen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[object, ...]] = []

    def frozen(*given: object) -> int:
        asked.append(given)
        return 0

    monkeypatch.setattr(study, "freeze", frozen)
    assert cli.main(["freeze", "x", "--set", "where.runs=there"]) == 0
    assert asked == [(Path("x"), ["where.runs=there"])]
    assert cli.main(["freeze", "x", "--set", "where.runs=there", "--set", "pretrain.steps=2"]) == 2
    assert len(asked) == 1
    assert "freeze --set pretrain.steps=2: wanted where.* alone" in capsys.readouterr().err


def test_a_table_which_is_of_frozen_rows_takes_no_override(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["table", "x", "--set", "pretrain.steps=2"])
    assert "unrecognized arguments: --set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "least"),
    [
        ("synth --lexicon L --text T --target cym --out O --seed -1", 0),
        ("synth --lexicon L --text T --target cym --out O --sentences 0", 1),
        ("synth --lexicon L --text T --target cym --out O --min-replaced -2", 0),
        ("inflect train A.trn --dev A.dev --out O --seed -1", 0),
        ("inflect predict A.tst --model M --out O --beams 0", 1),
        ("data shard A.txt --lang cym --out O --rows 0", 1),
        ("data clean SHARDS --out O --workers two", 1),
    ],
)
def test_numbers_out_of_range_are_wrong_usage(line: str, least: int, capsys: pytest.CaptureFixture[str]) -> None:
    *_, option, value = line.split()
    with pytest.raises(SystemExit, match="2"):
        cli.main(line.split())
    said = capsys.readouterr().err
    assert f"argument {option}: wanted a whole number of at least {least}, got {value!r}" in said
