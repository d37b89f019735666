"""`workbench inflect` with files as people have them: names of any year, packed ones, other Unicode forms."""

from __future__ import annotations

import gzip
from pathlib import Path
from unicodedata import normalize

import pytest
from pydantic import ValidationError

from workbench import cli, config
from workbench.inflection import rows as files
from workbench.inflection.rows import Row

QUICK = ["model.width=16", "model.feed_forward=16", "model.num_heads=2", "model.local_heads=1", "train.steps=2"]
QUICK += ["train.look_every=2", "train.batch_size=8", "train.optim.warmup_steps=1", "search.max_length=16"]
QUICK += ["hallucinate.kind='none'", "directions='forward'", "search.beams=1", "model.num_layers=1"]
QUICK += ["model.num_decoder_layers=1", "train.buckets=1"]


def language(lemmas: str, lang: str = "toy") -> list[Row]:
    return [
        Row(lang, f"{one}t{two}", features, f"{one}t{two}{end}")
        for one in lemmas
        for two in lemmas
        for features, end in {"N;PL": "lar", "N;SG": ""}.items()
    ]


def write(path: Path, rows: list[Row], order: tuple[int, int] = (2, 1)) -> Path:
    files.write_rows(path, rows, order)
    return path


def run(*line: object) -> int:
    return cli.main(["inflect", *map(str, line)])


def train(out: Path, training: list[Path], dev: list[Path]) -> int:
    return run("train", *training, "--dev", *dev, "--out", out, *(part for one in QUICK for part in ("--set", one)))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on files named as in 2017 and as in 2022, of one language each."""
    folder = tmp_path_factory.mktemp("model")
    training = [
        write(folder / "toy-train-low", language("aeä")),
        write(folder / "heb_unvoc_small.train", language("aeä", "heb_unvoc")),
    ]
    assert train(folder / "m", training, [write(folder / "toy-dev", language("iä"))]) == 0
    return folder / "m"


def test_files_of_2017_and_2022_are_of_the_languages_that_their_names_begin_with(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    covered = tmp_path / "heb_unvoc-covered-test"
    covered.write_text("".join(f"{row.lemma}\t{row.features}\n" for row in language("ou")), "utf-8")
    assert run("predict", covered, "--model", model, "--out", tmp_path / "out") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out' / covered.name}\n"
    gold = write(tmp_path / "heb_unvoc-uncovered-test", language("ou"))
    with pytest.raises(SystemExit, match="2"):
        run("evaluate", gold)
    write(tmp_path / "out" / "heb_unvoc-uncovered-test", language("ou"))
    assert run("evaluate", gold, "--given", tmp_path / "out") == 0


def test_what_dev_does_not_say_is_said_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = [write(tmp_path / f"{lang}.trn", language("ae", lang)) for lang in ("toy", "other")]
    dev = [write(tmp_path / "toy.dev", language("ao"))]
    (tmp_path / "file").write_text("", "utf-8")
    assert train(tmp_path / "file" / "m", training, dev) == 2
    assert f"--out: {tmp_path / 'file'} is a file; wanted a folder" in capsys.readouterr().err
    assert train(tmp_path / "m", training, dev) == 0
    said = capsys.readouterr().err
    assert "--dev: 1 of 4 dev lemmas were trained on" in said
    assert "--dev: no rows of other; the weights kept are chosen on toy alone" in said


def test_a_packed_file_is_answered_by_a_plain_one_and_found_again(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write(tmp_path / "plain" / "toy.tst", language("ou"))
    packed = tmp_path / "toy.tst.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    out = tmp_path / "out"
    assert run("predict", packed, "--model", model, "--out", out) == 0
    assert [path.name for path in out.iterdir()] == ["toy.tst"]
    assert len(files.read(out / "toy.tst", submission=True).rows) == len(language("ou"))
    write(out / "toy.dev", language("a"))
    assert run("evaluate", packed, "--given", out) == 0
    capsys.readouterr()
    assert run("predict", packed, "--model", model, "--out", tmp_path) == 2  # beside it, where its contents may lie
    assert f"{tmp_path / 'toy.tst'} is the file that is read" in capsys.readouterr().err
    assert run("predict", packed, plain, "--model", model, "--out", out) == 2
    assert f"another file is also written to {out / 'toy.tst'}" in capsys.readouterr().err
    assert run("predict", packed, "--model", model, "--out", packed) == 2
    assert f"--out: {packed} is a file; wanted a folder" in capsys.readouterr().err


def test_scores_are_of_forms_as_they_stand_and_what_their_writing_costs_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gold = language("aä")
    write(tmp_path / "toy.tst", gold)
    apart = [Row(row.lang, row.lemma, row.features, normalize("NFD", row.form or "") + " ") for row in gold]
    write(tmp_path / "given" / "toy.tst", apart)
    assert run("evaluate", tmp_path / "toy.tst", "--given", tmp_path / "given") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split()[:4] == ["given", "exact", "match", "0.00"]
    assert said[2].strip() == "8 more would be right in NFC, without spaces around"
    assert run("evaluate", tmp_path / "toy.tst", "--given", tmp_path / "toy.tst") == 0
    assert "more would be right" not in capsys.readouterr().out


def test_columns_that_look_swapped_and_files_in_another_unicode_form_are_said(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swapped = [Row(row.lang, row.form or "", row.features, row.lemma) for row in language("aeiou")]
    path = write(tmp_path / "toy.tst", swapped)
    assert run("evaluate", path, "--given", path) == 0
    assert "50 different lemmas, but 25 different forms: are lemma and form swapped?" in capsys.readouterr().err
    apart = [Row(row.lang, normalize("NFD", row.lemma), row.features, row.form) for row in language("aä")]
    path = write(tmp_path / "toy.dev", apart)
    assert run("predict", path, "--model", model, "--out", tmp_path / "out") == 0
    assert "3 of 4 lemmas are in Unicode's NFD, and the model was trained on NFC" in capsys.readouterr().err


def test_made_up_rows_stand_beside_real_ones_and_never_in_their_place() -> None:
    with pytest.raises(ValidationError, match="less than 1"):
        config.Hallucinate(share=1.0)
