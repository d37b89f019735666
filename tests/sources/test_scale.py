"""Shards, cleaning and duplicates: the same bytes however the work is cut up, and nothing done twice."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import languages
from workbench.errors import BadInput, Preempted, Unavailable
from workbench.files import sha256_file
from workbench.records import Document
from workbench.sources import catalogue_cli, corpus, dedup, shards
from workbench.sources.clean import Cleaning, clean, normalize
from workbench.sources.corpus import Settings
from workbench.sources.dedup import Near

CYM, ENG, KHM = languages.parse("cym"), languages.parse("eng"), languages.parse("khm")
SENTENCE = "Mae'r cyfarfod nesaf yn y neuadd nos Fawrth am saith o'r gloch ac mae croeso i bawb ddod yno yn gynnar"


def silent(line: str) -> None:
    pass


def documents(texts: list[str], lang: languages.Lang = CYM) -> list[Document]:
    return [Document(f"d{number}", text, lang, "test") for number, text in enumerate(texts)]


def corpus_of(texts: list[str], folder: Path, rows: int = 4) -> list[Path]:
    return shards.write(documents(texts), folder, rows)


def texts_of(folder: Path) -> list[str]:
    return [document.text for path in sorted(folder.glob("*.jsonl")) for document in shards.read(path)]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".done.json")
    }


# Shards


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=9), st.integers(1, 4)
)
@settings(max_examples=40, deadline=None)
def test_documents_survive_the_way_through_shards(tmp_path_factory, texts: list[str], rows: int) -> None:
    folder = tmp_path_factory.mktemp("shards")
    texts = [text.replace("\0", "") or "x" for text in texts]
    wanted = [Document(f"d{n}", text, ENG, "s", ("p",) * (n % 2)) for n, text in enumerate(texts)]
    paths = shards.write(wanted, folder, rows)
    assert len(paths) == -(-len(texts) // rows)
    assert [document for path in paths for document in shards.read(path)] == wanted


def test_shards_of_an_earlier_longer_text_go(tmp_path: Path) -> None:
    def text(number: int) -> list[Document]:
        return [Document(f"d{n}", f"un dau tri {n}", CYM) for n in range(number)]

    shards.write(text(8), tmp_path / "in", 2)
    corpus.prepare(sorted((tmp_path / "in").glob("*.jsonl")), tmp_path / "out", Settings(near=None), silent)
    (tmp_path / "in" / "mine.jsonl").write_text("")  # which no run has written
    inputs = shards.write(text(3), tmp_path / "in", 2)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["00000.jsonl", "00001.jsonl", "mine.jsonl"]
    corpus.prepare(inputs, tmp_path / "out", Settings(near=None), silent)
    final = sorted((tmp_path / "out" / "final").glob("*.jsonl"))
    assert [one.id for path in final for one in shards.read(path)] == ["d0", "d1", "d2"]


def test_a_malformed_shard_names_its_line(tmp_path: Path) -> None:
    (path,) = corpus_of(["a"], tmp_path)
    path.write_text(path.read_text() + '{"id": 3, "text": "x", "lang": "cym-Latn"}\n')
    with pytest.raises(BadInput, match=r"00000\.jsonl:2: wanted the texts id, text, lang"):
        list(shards.read(path))


def shout(path: Path, output: Path, mark: str) -> shards.Counts:
    output.write_text("".join(f"{document.text.upper()}{mark}\n" for document in shards.read(path)))
    return {"rows": len(output.read_text().splitlines())}


def test_what_is_done_is_not_done_again_and_what_changed_is(tmp_path: Path) -> None:
    inputs = corpus_of([f"text {n}" for n in range(10)], tmp_path / "in")
    run = partial(shards.run, partial(shout, mark="!"), folder=tmp_path / "out", say=silent)
    first = run(inputs, settings={"mark": "!"})
    assert (len(first.now), len(first.before), first.counts) == (3, 0, {"rows": 10})
    again = run(inputs, settings={"mark": "!"})
    assert (again.now, len(again.before), again.counts) == ((), 3, {"rows": 10})
    (tmp_path / "out" / "00001.jsonl").write_text("tampered")
    assert run(inputs, settings={"mark": "!"}).now == ("00001.jsonl",)
    (tmp_path / "out" / "00002.done.json").unlink()
    assert run(inputs, settings={"mark": "!"}).now == ("00002.jsonl",)
    inputs[0].write_text(inputs[0].read_text().replace("text 0", "other"))
    assert run(inputs, settings={"mark": "!"}).now == ("00000.jsonl",)
    os.utime(inputs[0])  # a new date with the old bytes is no change
    assert run(inputs, settings={"mark": "!"}).now == ()
    assert len(run(inputs, settings={"mark": "?"}).now) == 3


def test_parts_share_the_work_and_leave_none(tmp_path: Path) -> None:
    inputs = corpus_of([f"text {n}" for n in range(20)], tmp_path / "in")
    run = partial(shards.run, partial(shout, mark=""), inputs, tmp_path / "out", {}, silent)
    assert run(part=(0, 3)).now == ("00000.jsonl", "00003.jsonl")
    assert shards.missing(inputs, tmp_path / "out", {}) == ["00001.jsonl", "00002.jsonl", "00004.jsonl"]
    assert run(part=(1, 3)).now == ("00001.jsonl", "00004.jsonl")
    assert run(part=(2, 3)).now == ("00002.jsonl",)
    assert shards.missing(inputs, tmp_path / "out", {}) == []
    for part in ((3, 3), (-1, 2), (0, 0)):
        with pytest.raises(BadInput, match="wanted 0 <= i < n"):
            run(part=part)


def die(path: Path, output: Path) -> shards.Counts:
    if path.name == "00001.jsonl":
        os.kill(os.getpid(), signal.SIGKILL)
    return shout(path, output, "")


def test_a_killed_worker_is_a_sentence_and_the_finished_shards_stay(tmp_path: Path) -> None:
    inputs = corpus_of([f"text {n}" for n in range(8)], tmp_path / "in")
    with pytest.raises(Unavailable, match="a worker process was killed"):
        shards.run(die, inputs, tmp_path / "out", {}, silent, workers=2)
    assert "00001.jsonl" in shards.run(partial(shout, mark=""), inputs, tmp_path / "out", {}, silent).now


# Cleaning


def test_text_is_normalized_and_joiners_stay() -> None:
    assert normalize("\ufeff a\u0301\tb\r\n\x07c\u2028d\xa0e ") == "á b c d e"
    assert normalize("ក\u200bខ می\u200cخواهم क्\u200dष") == "ក\u200bខ می\u200cخواهم क्\u200dष"


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        ("\x00 \t", Cleaning(), "empty"),
        ("gair\ufffd", Cleaning(), "damaged"),
        ("gair", Cleaning(min_words=2), "fewer than 2 words"),
        ("hir iawn", Cleaning(max_characters=3), "longer than 3 characters"),
        ("12 34 -- 56 !!", Cleaning(), "letters"),
        ("по-русски", Cleaning(), "in the script of its language"),
        ("Дыдд da", Cleaning(min_script_share=0.9), "in the script"),
    ],
)
def test_what_is_left_out_says_why(text: str, settings: Cleaning, reason: str) -> None:
    (document,) = documents([text])
    assert reason in clean(document, settings)


def test_what_is_fit_is_kept_as_it_is() -> None:
    (document,) = documents([SENTENCE])
    assert clean(document, Cleaning()) is document
    (khmer,) = documents(["ភាសា\u200bខ្មែរ"], KHM)
    assert clean(khmer, Cleaning()) is khmer


# Duplicates


def finish(texts: list[str], folder: Path, near: Near | None = None, rows: int = 4) -> list[str]:
    inputs = corpus_of(texts, folder / "in", rows)
    corpus.prepare(inputs, folder / "out", Settings(near=near), silent)
    return texts_of(folder / "out" / "final")


@given(
    st.lists(st.sampled_from(["un", "dau", "tri", "pedwar", "pump", "chwech"]), min_size=1, max_size=30),
    st.integers(1, 7),
)
@settings(max_examples=25, deadline=None)
def test_of_equal_texts_the_first_is_kept_whatever_the_shards(tmp_path_factory, texts: list[str], rows: int) -> None:
    assert finish(texts, tmp_path_factory.mktemp("dedup"), rows=rows) == list(dict.fromkeys(texts))


def test_buckets_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"testun {n % 17}" for n in range(60)]
    monkeypatch.setattr(dedup, "BUCKET_ROWS", 7)
    assert finish(texts, tmp_path) == list(dict.fromkeys(texts))
    assert len(list((tmp_path / "out" / "tasks").iterdir())) == 9


def test_a_group_larger_than_memory_allows_is_compared_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "Bydd y cyngor yn trafod y cynllun newydd ar gyfer y parc yn ei gyfarfod nesaf ym Mai yn neuadd y dref"
    texts = [f"{(SENTENCE, other)[n % 3 == 0]} {n}" for n in range(40)]
    whole = finish(texts, tmp_path / "whole", Near(0.7))
    assert len(whole) < 20
    monkeypatch.setattr(dedup, "BATCH_ROWS", dedup.EARLIER + 3)
    assert finish(texts, tmp_path / "pieces", Near(0.7)) == whole


def test_near_twins_go_and_other_sentences_stay(tmp_path: Path) -> None:
    other = "Dyma frawddeg hollol wahanol am y tywydd garw a'r eira mawr ar fynyddoedd Eryri y gaeaf diwethaf"
    texts = [SENTENCE, other, SENTENCE.replace("saith", "naw"), SENTENCE.upper(), other + "!", "Nos da", "Nos da!"]
    assert finish(texts, tmp_path, Near(0.8)) == [SENTENCE, other, "Nos da", "Nos da!"]


def test_the_same_name_in_two_languages_is_no_duplicate(tmp_path: Path) -> None:
    inputs = shards.write([Document("a", "Caernarfon", CYM), Document("b", "Caernarfon", ENG)], tmp_path / "in")
    corpus.prepare(inputs, tmp_path / "out", Settings(), silent)
    assert len(texts_of(tmp_path / "out" / "final")) == 2


def test_signatures_estimate_the_jaccard_similarity_of_five_grams(tmp_path: Path) -> None:
    one, two = SENTENCE, SENTENCE.replace("nos Fawrth", "bore Llun")
    (path,) = corpus_of([one, two], tmp_path / "in")
    dedup.sign(path, tmp_path / "s.npy", Near())
    table = np.load(tmp_path / "s.npy")
    a, b = dedup.ngrams(one), dedup.ngrams(two)
    estimate = np.mean(table[-2 * dedup.NUM_PERMUTATIONS : -dedup.NUM_PERMUTATIONS] == table[-dedup.NUM_PERMUTATIONS :])
    assert estimate == pytest.approx(len(a & b) / len(a | b), abs=0.13)  # 3 standard errors of 128 draws
    assert dedup.ngrams("abc") == {b"abc"}
    assert dedup.ngrams("ABCDEf") == {b"abcde", b"bcdef"}


def test_thresholds_out_of_range_are_refused() -> None:
    for threshold in (0.0, 1.5):
        with pytest.raises(BadInput, match="threshold"):
            Near(threshold)


# The whole way


def many() -> list[str]:
    lines = [f"Llinell rhif {n} o'r testun hir hwn am bentref {n * 7919 % 101}" for n in range(60)]
    return [*lines, *lines[:10], "по-русски", "", *(line + "." for line in lines[20:25])]


def test_workers_and_parts_give_the_same_bytes(tmp_path: Path) -> None:
    inputs = corpus_of(many(), tmp_path / "in", rows=10)
    alone = corpus.prepare(inputs, tmp_path / "one", Settings(), silent)
    assert (alone["read"], alone["exact duplicates"]) == (77, 10)
    assert alone["left out: empty"] == 1
    cleaned = sorted((tmp_path / "one" / "clean").glob("*.jsonl"))
    shards.run(partial(dedup.sign, near=Near()), cleaned, tmp_path / "two", {}, silent, suffix=".npy", workers=2)
    assert digests(tmp_path / "one" / "sign") == digests(tmp_path / "two")
    finished = [False, False]
    with pytest.raises(Preempted, match=r"clean: this part is done; 4 shards of other parts are not \(00001\.jsonl"):
        corpus.prepare(inputs, tmp_path / "parts", Settings(), silent, part=(0, 2))
    for _ in range(4):
        for index in (0, 1):
            with contextlib.suppress(Preempted):
                corpus.prepare(inputs, tmp_path / "parts", Settings(), silent, part=(index, 2))
                finished[index] = True
    assert finished == [True, True]
    assert digests(tmp_path / "one") == digests(tmp_path / "parts")


KILLED = """
import sys, time
from pathlib import Path
from workbench.sources import corpus, shards
real = shards.read
def slow(path, report=None):
    for number, document in enumerate(real(path, report)):
        if path.name == "00003.jsonl" and number == 5:
            print("in the middle", flush=True)
            time.sleep(60)
        yield document
shards.read = slow
corpus.prepare(sorted(Path(sys.argv[1]).glob("*.jsonl")), Path(sys.argv[2]), corpus.Settings(near=None), print)
"""


def test_a_shard_cut_by_kill_9_is_redone_and_nothing_else_is(tmp_path: Path) -> None:
    inputs = corpus_of(many(), tmp_path / "in", rows=10)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "in"), str(tmp_path / "out")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if "in the middle" in line:
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    child.stdout.close()
    cleaned = tmp_path / "out" / "clean"
    done = {path.name: path.stat().st_mtime_ns for path in cleaned.glob("*.jsonl")}
    assert sorted(done) == ["00000.jsonl", "00001.jsonl", "00002.jsonl"]
    assert len(list(cleaned.glob(".00003.jsonl.*.tmp"))) == 1
    time.sleep(0.01)
    said: list[str] = []
    corpus.prepare(inputs, tmp_path / "out", Settings(near=None), said.append)
    assert {name: (cleaned / name).stat().st_mtime_ns for name in done} == done
    assert said[0] == "clean: 1 of 5 shards done (00003.jsonl); 3 were done before"
    assert list(cleaned.glob(".*.tmp")) == []
    corpus.prepare(inputs, tmp_path / "whole", Settings(near=None), silent)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_the_verbs_make_a_corpus_of_plain_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import argparse

    def run(*arguments: str) -> int:
        parser = argparse.ArgumentParser()
        catalogue_cli.add_parser(parser.add_subparsers(required=True))
        options = parser.parse_args(["data", *arguments])
        return int(options.func(options))

    (tmp_path / "a.txt").write_text("\n".join(many()), "utf-8")
    assert run("shard", str(tmp_path / "a.txt"), "--lang", "cym", "--out", str(tmp_path / "in"), "--rows", "30") == 0
    assert "76 documents of cym-Latn in 3 shards" in capsys.readouterr().out
    assert run("clean", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--near", "0") == 0
    said = capsys.readouterr().out
    assert "65  kept" in said
    assert "10  exact duplicates" in said
    with pytest.raises(BadInput, match="wanted I/N"):
        run("clean", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--shard", "1")
    with pytest.raises(BadInput, match="nothing: no such folder"):
        run("clean", str(tmp_path / "nothing"), "--out", str(tmp_path / "out"))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BadInput, match="nothing: no shards to read"):
        run("clean", str(tmp_path / "nothing"), "--out", str(tmp_path / "out"))
    with pytest.raises(BadInput, match="absent: wanted language profiles"):
        run("clean", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--profiles", str(tmp_path / "absent"))
