"""The stages of a corpus on datatrove's executors give the bytes that our own runs give."""

import os
import signal
import sys
from pathlib import Path

import pytest

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.files import sha256_file
from workbench.records import Document
from workbench.sources import catalogue_cli, corpus, language_id, shards
from workbench.sources import corpus_datatrove as engine
from workbench.sources.corpus import Settings

pytest.importorskip("datatrove", reason="datatrove is not installed (extra `scale`)")
dill = pytest.importorskip("dill")

CYM, ENG = languages.parse("cym"), languages.parse("eng")
ENGLISH = "the meeting of the council is held in the old town hall on the first day of the month"


def silent(line: str) -> None:
    pass


def corpus_of(folder: Path) -> list[Path]:
    lines = [f"Llinell rhif {n} o'r testun hir hwn am bentref {n * 7919 % 101}" for n in range(60)]
    texts = [*lines, *lines[:10], "по-русски", "", *(line + "." for line in lines[20:25]), ENGLISH]
    # an id and a source that a writer of JSON lines might take for nothing
    rows = [Document(str(n), text, CYM, "", ("0",) * (n % 2)) for n, text in enumerate(texts)]
    return shards.write(rows, folder, 20)


def settings_of(folder: Path) -> Settings:
    profiles = folder / "profiles.npz"
    sample = [f"Llinell rhif {n} o'r testun hir hwn am bentref" for n in range(3)]
    language_id.train({CYM: sample, ENG: [ENGLISH]}).save(profiles)
    return Settings(profiles=profiles)


def digests(folder: Path) -> dict[str, str]:
    made = [path for kind in ("clean", "sign", "match", "final") for path in sorted((folder / kind).iterdir())]
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in made if ".done." not in path.name}


def test_datatrove_on_one_machine_gives_the_same_bytes_and_counts(tmp_path: Path) -> None:
    inputs, settings = corpus_of(tmp_path / "in"), settings_of(tmp_path)
    ours = corpus.prepare(inputs, tmp_path / "ours", settings, silent)
    theirs = engine.prepare(inputs, tmp_path / "theirs", settings, silent)
    assert theirs == ours
    assert ours["left out: in eng-Latn, not cym-Latn, by the language profiles"] == 1
    assert ours["exact duplicates"] == 10
    assert digests(tmp_path / "theirs") == digests(tmp_path / "ours")


def test_a_shard_that_is_gone_is_all_that_datatrove_does_again(tmp_path: Path) -> None:
    inputs, settings = corpus_of(tmp_path / "in"), Settings(near=None)
    engine.prepare(inputs, tmp_path / "out", settings, silent)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "clean").glob("*.jsonl")}
    (tmp_path / "out" / "clean" / "00001.jsonl").unlink()
    engine.prepare(inputs, tmp_path / "out", settings, silent)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "clean").glob("*.jsonl")}
    assert {name for name in after if after[name] != before[name]} == {"00001.jsonl"}
    # other settings are other work, whatever datatrove's own markers say
    counts = engine.prepare(inputs, tmp_path / "out", Settings(corpus.Cleaning(min_words=20), near=None), silent)
    assert counts["read"] == 77 + 1
    assert counts["left out: fewer than 20 words"] > 0


SBATCH = """#!/bin/sh
for last; do :; done
cp "$last" "$SCRIPTS/$(grep -c . "$SCRIPTS/calls").sh"
echo "$@" >> "$SCRIPTS/calls"
echo "Submitted batch job $(grep -c . "$SCRIPTS/calls")"
"""


def test_slurm_jobs_are_arrays_that_wait_for_each_other_and_give_the_same_bytes(tmp_path: Path, monkeypatch) -> None:
    inputs, settings = corpus_of(tmp_path / "in"), Settings(near=None)
    corpus.prepare(inputs, tmp_path / "ours", settings, silent)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "calls").write_text("the calls of sbatch:\n")
    for name, text in (("sbatch", SBATCH), ("scontrol", "#!/bin/sh\necho localhost\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("SCRIPTS", str(programs))
    made = engine.executors(engine.Slurm("cpu", workers=2), inputs, tmp_path / "theirs", settings, tasks=2)
    made["write"].run()
    calls = (programs / "calls").read_text().splitlines()
    assert len(calls) == 1 + 2 * len(corpus.STAGES)  # a job of each stage, and one that sums its statistics
    script = (programs / "1.sh").read_text()
    assert "#SBATCH --array=0-1%2" in script
    assert "#SBATCH --job-name=workbench-clean" in script
    assert str(Path(sys.executable).parent) in script
    assert sum("--dependency=afterok:" in call for call in calls) == 3
    # what the nodes do, here one array task after the other
    monkeypatch.setenv("SLURM_NODELIST", "localhost")
    handler = signal.getsignal(signal.SIGUSR1)
    for stage in corpus.STAGES:
        (kept,) = (tmp_path / "theirs" / "datatrove").glob(f"*/{stage}/executor.pik")
        for task in ("0", "1"):
            monkeypatch.setenv("SLURM_ARRAY_TASK_ID", task)
            dill.loads(kept.read_bytes()).run()
    signal.signal(signal.SIGUSR1, handler)
    assert digests(tmp_path / "theirs") == digests(tmp_path / "ours")


def test_ray_gets_the_same_steps(tmp_path: Path) -> None:
    inputs = corpus_of(tmp_path / "in")
    made = engine.executors(engine.Ray(workers=3), inputs, tmp_path / "out", Settings())
    assert [executor.pipeline[0].stage for executor in made.values()] == list(corpus.STAGES)
    assert made["write"].depends is made["match"]
    assert (made["clean"].tasks, made["clean"].workers) == (4, 3)


def test_the_verb_takes_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import argparse

    def run(*arguments: str) -> int:
        parser = argparse.ArgumentParser()
        catalogue_cli.add_parser(parser.add_subparsers(required=True))
        options = parser.parse_args(["data", "clean", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *arguments])
        return int(options.func(options))

    corpus_of(tmp_path / "in")
    assert run("--near", "0", "--engine", "datatrove") == 0
    assert "10  exact duplicates" in capsys.readouterr().out
    with pytest.raises(BadInput, match="it cuts the work into parts itself"):
        run("--engine", "datatrove", "--shard", "0/2")


def test_without_datatrove_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datatrove.executor.local", None)
    with pytest.raises(Unavailable, match="uv sync --extra scale"):
        engine.prepare(corpus_of(tmp_path / "in"), tmp_path / "out", Settings(), silent)
