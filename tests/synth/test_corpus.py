"""`workbench synth`: what it writes, whoever does it, however often it is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import cli, config
from workbench.errors import BadInput
from workbench.files import read_jsonl
from workbench.records import Document, Lang, Lexicon, Translation
from workbench.synth import corpus
from workbench.synth.corpus import Settings
from workbench.synth.keyed import Keyed
from workbench.synth.lexicon import Account
from workbench.synth.rules import WANG2022, Rule
from workbench.tokenizer.processor import Tokenizer
from workbench.tokenizer.train import train

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")
ENTRIES = {"dog": ["ci"], "sees": ["gweld", "gwêl"], "the": ["y"], "cat": ["cath"], "ice cream": ["hufen iâ"]}
LEXICON = Lexicon(
    ENGLISH, WELSH, {key: tuple(map(Translation, words)) for key, words in ENTRIES.items()}, "made here", "CC0-1.0"
)
DEFAULT = Rule()
SENTENCES = ["The dog sees the cat.", "Nothing at all", "the ice cream (a cat's) sees", "the cat sees the dog"] * 12


def text(folder: Path) -> list[Path]:
    documents = [Document(f"s{n}", sentence, ENGLISH) for n, sentence in enumerate(SENTENCES)]
    return corpus.cut(documents, folder, "hand-made", 9)


def made(folder: Path, rule: Rule = DEFAULT, **changed: Any) -> dict[str, bytes]:
    inputs = text(folder)
    settings = Settings(LEXICON, rule, seed=3, **changed)
    corpus.synthesise(inputs, folder, settings, lambda _: None, about={})
    return outcome(folder)


def outcome(folder: Path) -> dict[str, bytes]:
    shards = [*sorted((folder / "data").iterdir()), folder / "report.json", folder / "README.md"]
    return {path.name: path.read_bytes() for path in shards if not path.name.endswith(".done.json")}


def rows(folder: Path) -> list[dict[str, object]]:
    return [row for path in sorted((folder / "data").glob("*.jsonl")) for row in read_jsonl(path)]


@pytest.mark.parametrize("rule", [Rule(), WANG2022, Rule(rate=0.5, min_replaced=1)])
def test_the_corpus_is_what_the_rule_makes_of_each_sentence_and_so_is_its_account(tmp_path: Path, rule: Rule) -> None:
    made(tmp_path, rule)
    apply, total, wanted = rule.ready(LEXICON), Account(), []
    for n, sentence in enumerate(SENTENCES):
        done = apply(sentence, Keyed(f"s{n}", 3, "substitute", "cym-Latn"))
        total.add(done, rule.keeps(done))
        if rule.keeps(done):
            wanted.append((f"s{n}>cym-Latn", done.text, [f"s{n}", "made here"]))
    assert [(row["id"], row["text"], row["parents"]) for row in rows(tmp_path)] == wanted
    report = json.loads((tmp_path / "report.json").read_text())
    coverage = total.coverage(len(wanted), LEXICON, rule)
    for name in ("token_coverage", "type_coverage", "replaced_rate", "mean_translations", "num_types", "num_kept"):
        assert report[name] == pytest.approx(getattr(coverage, name)), name
    assert report["licence"] == "CC0-1.0 AND unstated"  # nobody said what the text's is


def test_a_limit_stops_at_the_same_sentence_whatever_the_shards(tmp_path: Path) -> None:
    made(tmp_path, WANG2022, sentences=11)
    found = rows(tmp_path)
    made(tmp_path / "all", WANG2022)
    assert found == rows(tmp_path / "all")[:11]
    report = json.loads((tmp_path / "report.json").read_text())
    last = int(str(found[-1]["id"]).removeprefix("s").removesuffix(">cym-Latn"))
    assert (report["num_kept"], report["num_read"]) == (11, last + 1)


def test_nothing_of_an_earlier_corpus_stays_in_the_folder(tmp_path: Path) -> None:
    made(tmp_path / "out")
    wanted = made(tmp_path / "alone", permute=True, sentences=5)
    assert len(wanted) < len(outcome(tmp_path / "out"))
    assert made(tmp_path / "out", permute=True, sentences=5) == wanted
    assert {row["source"] for row in rows(tmp_path / "out")} == {"pseudo:permuted"}


def test_a_text_whose_cutting_was_interrupted_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    first = [Document(f"a{n}", "the dog", ENGLISH) for n in range(4)]

    def broken() -> Iterator[Document]:
        yield from (Document(f"b{n}", "the cat", ENGLISH) for n in range(3))
        raise BadInput("a bad line")

    wanted = [path.read_bytes() for path in corpus.cut(first, tmp_path, "a", 2)]
    with pytest.raises(BadInput, match="a bad line"):
        corpus.cut(broken(), tmp_path, "b", 2)
    assert [path.read_bytes() for path in corpus.cut(first, tmp_path, "a", 2)] == wanted


def test_two_texts_that_would_have_the_same_ids_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [tmp_path / "news.2020.txt", tmp_path / "news.2021.txt"]
    for path in texts:
        path.write_text("the dog\n")
    (tmp_path / "lexicon.tsv").write_text("dog\tci\n")
    command = ["synth", *map(str, texts), "--lexicon", str(tmp_path / "lexicon.tsv"), "--licence", "CC0-1.0"]
    assert cli.main([*command, "--target", "cym", "--out", str(tmp_path / "out")]) == 2
    assert f"{texts[1]}: its documents would have the ids of those of {texts[0]}" in capsys.readouterr().err


def test_two_workers_make_the_same_bytes_as_one(tmp_path: Path) -> None:
    wanted = made(tmp_path / "one")
    inputs = text(tmp_path / "two")
    corpus.synthesise(inputs, tmp_path / "two", Settings(LEXICON, Rule(), seed=3), lambda _: None, about={}, workers=2)
    assert outcome(tmp_path / "two") == wanted


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    given, lexicon = tmp_path / "text.txt", tmp_path / "lexicon.tsv"
    given.write_text("\n".join(SENTENCES * 40) + "\n")
    lexicon.write_text("".join(f"{key}\t{word}\n" for key, words in ENTRIES.items() for word in words))
    command = ["synth", str(given), "--lexicon", str(lexicon), "--licence", "CC0-1.0", "--target", "cym"]
    command += ["--rows", "7", "--out"]
    assert cli.main([*command, str(tmp_path / "whole")]) == 0
    process = subprocess.Popen([sys.executable, "-m", "workbench", *command, str(tmp_path / "killed")])
    until = time.monotonic() + 60
    while not list((tmp_path / "killed" / "work" / "account").glob("*.npz")) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed" / "report.json").exists()
    assert cli.main([*command, str(tmp_path / "killed")]) == 0
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")


def test_datasets_reads_the_folder_as_json_lines_and_as_parquet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    made(tmp_path / "lines")
    made(tmp_path / "packed", format="parquet")
    wanted = rows(tmp_path / "lines")
    for name in ("lines", "packed"):
        found = datasets.load_dataset(str(tmp_path / name), split="train", cache_dir=str(tmp_path / "cache"))
        assert list(found) == wanted


def test_subword_ids_are_those_of_the_corpus_text(tmp_path: Path) -> None:
    welsh = ["gweld hufen iâ", "llyfr newydd i'r bobl", "ysgol mewn tref fach", "cathod cyflym heddiw"]
    texts = {ENGLISH: SENTENCES, WELSH: welsh * 12}
    tokenizer = train(texts, config.Tokenizer(vocab_size=300, sample_bytes=10_000), tmp_path / "t", seed=0)
    tokenizer.save(tmp_path / "t.model")
    made(tmp_path, Rule(rate=0.5, min_replaced=1), sentences=20, tokenizer=tmp_path / "t.model")
    ids: list[list[int]] = []
    for path in sorted((tmp_path / "ids").glob("*.npz")):
        with np.load(path) as found:
            bounds = found["starts"].tolist()
            ids += [found["ids"][a:b].tolist() for a, b in pairwise(bounds)]
    loaded = Tokenizer.load(tmp_path / "t.model")
    assert ids == [one.tolist() for one in loaded.encode_all([str(row["text"]) for row in rows(tmp_path)])]


def test_datatrove_makes_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("datatrove")
    from workbench.synth import corpus_datatrove

    wanted = made(tmp_path / "own")
    inputs, settings = text(tmp_path / "trove"), Settings(LEXICON, Rule(), seed=3)
    corpus_datatrove.run(inputs, tmp_path / "trove", settings)
    assert not (tmp_path / "trove" / "report.json").exists()
    corpus.synthesise(inputs, tmp_path / "trove", settings, lambda _: None, about={})
    assert outcome(tmp_path / "trove") == wanted


def test_what_cannot_be_set_or_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, lexicon = tmp_path / "text.txt", tmp_path / "lexicon.tsv"
    given.write_text("nothing here\n")
    lexicon.write_text("dog\tci\n")
    command = ["synth", str(given), "--lexicon", str(lexicon), "--target", "cym", "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--licence", "CC0-1.0", "--rule", "wang2022", "--rate", "0.5"]) == 2
    assert "nothing but --sentences" in capsys.readouterr().err
    assert cli.main(command) == 2  # whose lexicon it is, nobody said
    assert "licence" in capsys.readouterr().err
    assert cli.main([*command, "--licence", "CC0-1.0"]) == 2
    assert "not one sentence" in capsys.readouterr().err


def test_lexicon_rows_that_were_left_out_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, lexicon = tmp_path / "text.txt", tmp_path / "lexicon.tsv"
    given.write_text("\n".join(SENTENCES) + "\n")
    lexicon.write_text("".join(f"{key}\t{word}\n" for key, words in ENTRIES.items() for word in words) + "cat,cath\n")
    command = ["synth", str(given), "--lexicon", str(lexicon), "--licence", "CC0-1.0", "--target", "cym"]
    assert cli.main([*command, "--out", str(tmp_path / "out")]) == 0
    assert re.search(r"lexicon\.tsv: left out 1 x wanted 2 to 5 .*; first: .*:7: 'cat,cath'", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["absent.txt"], "absent.txt: no such file; wanted a text"),
        (["--senses", "frequency", "--target-text", "absent.txt"], "absent.txt: no such file; wanted a text"),
        (["--tokenizer", "absent"], "absent: no such tokenizer"),
    ],
)
def test_what_is_not_there_is_said_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    given, lexicon = tmp_path / "text.txt", tmp_path / "lexicon.tsv"
    given.write_text("\n".join(SENTENCES) + "\n")
    lexicon.write_text("dog\tci\n")
    command = ["synth", str(given), *more, "--lexicon", str(lexicon), "--licence", "CC0-1.0", "--target", "cym"]
    assert cli.main([*command, "--out", str(tmp_path / "out")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
