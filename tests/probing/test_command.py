"""`workbench probe`: from a model folder and parallel sentences to a table and rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.evaluation.conftest import TEXTS
from workbench import cli, config, models
from workbench.evaluation.pairwise import METHODS
from workbench.evaluation.probe_rows import PROBES
from workbench.exchange import native
from workbench.exchange.tensors import CONFIG, write
from workbench.files import write_json
from workbench.probing import command, reader
from workbench.probing.reader import open_model
from workbench.records import Lang
from workbench.tokenizer.train import train

ENGLISH = [f"the {a} {b} the {c}" for a in ("cat", "dog") for b in ("sees", "likes") for c in ("door", "lamp", "road")]
WELSH = [text[::-1] for text in ENGLISH]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tokenizer = train(
        {Lang("eng", "Latn"): TEXTS},
        config.Tokenizer(vocab_size=310, sample_bytes=10_000),
        folder / native.SENTENCEPIECE,
        seed=0,
    )
    settings = config.Model(width=8, num_layers=1, num_heads=2, feed_forward=8, local_heads=1)
    written = native.write(models.build(settings, tokenizer.vocab.size, seed=0), settings)
    write_json(folder / CONFIG, written.config)
    write(folder, written.tensors)
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    for tag, lines in (("eng-Latn", ENGLISH), ("cym-Latn", WELSH)):
        (folder / f"{tag}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def test_the_options_name_what_the_library_has() -> None:
    assert command.PROBES == PROBES
    assert command.METHODS == METHODS


def test_a_look_at_a_model_prints_a_table_and_writes_rows(
    model: Path, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))  # where no lexicon is
    out, probes = tmp_path / "rows.jsonl", "retrieval,similarity,space,language,round-trip"
    arguments = ["probe", str(model), "--pairs", str(texts), "--cache", str(tmp_path / "cache"), "--out", str(out)]
    assert cli.main([*arguments, "--probes", probes]) == 0
    shown = capsys.readouterr().out
    assert "12 sentences, 1 pair(s)" in shown
    assert "eng-Latn cym-Latn" in shown
    assert "trigram" in shown
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {row["probe"] for row in rows} == set(probes.split(","))
    assert {row["layer"] for row in rows} == {None, 0, 1}
    retrieval = [row for row in rows if row["probe"] == "retrieval" and row["layer"] is not None]
    assert len(retrieval) == 2 * 7 * 2  # layers, methods, directions
    for row in retrieval:
        assert row["n"] == row["candidates"] == 12
        assert row["chance"] == pytest.approx(1 / 12)
        assert set(row["floors"]) == {"char-trigram"}
        assert row["model"] == str(model)
        assert len(row["model_sha256"]) == 64
    kept = sorted((tmp_path / "cache").rglob("*.npy"))
    stamps = [path.stat().st_mtime_ns for path in kept]
    assert cli.main([*arguments, "--probes", "retrieval", "--layers", "last", "--methods", "csls,cosine"]) == 0
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "cache").rglob("*.npy"))] == stamps
    assert {json.loads(line)["method"] for line in out.read_text("utf-8").splitlines()} == {
        "csls",
        "cosine",
        "char-trigram",
    }


def test_a_folder_gets_rows_pictures_and_a_page(
    model: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "look"
    arguments = ["probe", str(model), "--pairs", str(texts), "--cache", str(tmp_path / "cache"), "--out", str(out)]
    assert cli.main([*arguments, "--probes", "retrieval"]) == 0
    figures = {f"{name}.{kind}" for name in ("heat-map", "layers", "map-probe") for kind in ("pdf", "svg", "png")}
    assert {path.name for path in out.iterdir()} == figures | {"rows.jsonl", "map.html"}
    shown = capsys.readouterr().out
    assert "picture" in shown
    assert ENGLISH[0] in (out / "map.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (["--layers", "7"], "has layers 0 (the embedding) to 1"),
        (["--layers", "first"], "wanted all, last, or a number"),
        (["--probes", "retrieval,colour"], "'colour' is none of retrieval"),
        (["--methods", ","], "wanted at least one of"),
        (["--pooling", "cls"], "no special piece before a text"),
    ],
)
def test_a_wrong_option_is_said_and_leaves_no_file(
    model: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], wanted: str
) -> None:
    out = tmp_path / "rows.jsonl"
    arguments = ["probe", str(model), "--pairs", str(texts), "--cache", str(tmp_path / "cache"), "--out", str(out)]
    assert cli.main([*arguments, *more]) == 2
    assert wanted in capsys.readouterr().err
    assert not out.exists()


def test_numbers_that_vectors_without_variance_do_not_have_are_left_out_and_told(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    """A published encoder's cls vectors at layer 0: one and the same embedding."""
    plain = open_model(str(model))
    monkeypatch.setattr(reader, "open_model", lambda *_: replace(plain, before=(plain.tokenizer.vocab.mask,)))
    out, cache = tmp_path / "rows.jsonl", tmp_path / "cache"
    arguments = ["probe", str(model), "--pairs", str(texts), "--cache", str(cache), "--out", str(out)]
    assert cli.main([*arguments, "--pooling", "cls", "--probes", "similarity,space"]) == 0
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    by_layer = {layer: {row["metric"] for row in rows if row["layer"] == layer} for layer in (0, 1)}
    assert by_layer[1] - by_layer[0] >= {"iso_score"}
    assert "mean_cosine" in by_layer[0]
    assert "numbers that are not defined, for all vectors are the same" in capsys.readouterr().out


def test_languages_whose_vectors_are_all_one_have_no_tree(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = open_model(str(model))
    monkeypatch.setattr(reader, "open_model", lambda *_: replace(plain, before=(plain.tokenizer.vocab.mask,)))
    for tag, lines in (("eng-Latn", ENGLISH), ("cym-Latn", WELSH), ("gle-Latn", [text.upper() for text in ENGLISH])):
        (tmp_path / f"{tag}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    arguments = ["probe", str(model), "--pairs", str(tmp_path), "--cache", str(tmp_path / "cache"), "--pooling", "cls"]
    for layer, has_tree in ((0, False), (1, True)):
        out = tmp_path / f"layer-{layer}"
        assert cli.main([*arguments, "--probes", "space", "--layers", str(layer), "--out", str(out)]) == 0
        assert (out / "languages.svg").exists() == has_tree
        assert ("no tree of languages: at layer 0 all" in capsys.readouterr().err) != has_tree
        assert (out / "map.html").exists()


def test_two_sentences_are_too_few_to_correlate_and_that_is_said(
    model: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["probe", str(model), "--pairs", str(texts), "--cache", str(tmp_path / "cache"), "--limit", "2"]
    assert cli.main([*arguments, "--probes", "similarity"]) == 0
    shown = capsys.readouterr().out
    assert "left out 2 numbers that are not defined, for two sentences make one pair" in shown
    assert "all vectors are the same" not in shown


def test_a_folder_that_holds_no_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: Path
) -> None:
    assert cli.main(["probe", str(tmp_path), "--pairs", str(texts)]) == 2
    assert "wanted the folder of a run" in capsys.readouterr().err


def test_a_models_name_for_the_cache_changes_with_its_weights(model: Path) -> None:
    first = open_model(str(model))
    assert first.sha256 == open_model(str(model)).sha256
    assert first.before == first.after == ()
    assert (first.num_layers, first.width) == (2, 8)
