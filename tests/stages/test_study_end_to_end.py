"""The whole chain through the command line, and what happens when it is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def command(data: Path, *arguments: object) -> tuple[list[str], dict[str, str]]:
    environment = {**os.environ, "WORKBENCH_DATA": str(data), "JAX_PLATFORMS": "cpu"}
    return [sys.executable, "-m", "workbench", *map(str, arguments)], environment


def workbench(data: Path, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    line, environment = command(data, *arguments)
    return subprocess.run(line, env=environment, cwd=cwd, capture_output=True, text=True, timeout=400, check=False)


def run(data: Path, study: Path, runs: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return workbench(
        data, "run", study, "--set", f'where.runs="{runs}"', "--set", "where.jobs=2", *more, cwd=study.parent
    )


def results(runs: Path) -> dict[str, bytes]:
    """Stage or run folder -> its result rows."""
    return {path.parent.name: path.read_bytes() for path in sorted(runs.rglob("results.jsonl"))}


def test_one_command_goes_from_data_to_tables_and_a_report(tiny_data: Path, tiny_study: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    done = run(tiny_data, tiny_study, runs)
    assert done.returncode == 0, done.stderr
    assert "ETA" in done.stdout or "all runs done" in done.stdout
    page = runs / "tiny" / "report" / "report.html"
    assert page.stat().st_size > 10_000
    assert len(results(runs)) == 2 + 2 + 2  # a run, its floors and its linear floor, for each of two arms
    (arm,) = (runs / "tiny").glob("lexicon-s0-*")
    manifest = json.loads((arm / "manifest.json").read_text())
    assert manifest["versions"]["jax"]
    assert manifest["stages"].keys() == {"tokenizer", "model", "synth"}
    assert (arm / "metrics.jsonl").read_text().count("\n") >= 1
    assert json.loads((arm / "status.json").read_text())["state"] == "done"

    again = run(tiny_data, tiny_study, runs)
    assert again.returncode == 0
    assert "0 to run" in again.stdout

    where = ("--set", f'where.runs="{runs}"')
    assert workbench(tiny_data, "freeze", tiny_study, *where, cwd=tmp_path).returncode == 0
    assert workbench(tiny_data, "table", tiny_study, cwd=tmp_path).returncode == 0
    assert workbench(tiny_data, "table", tiny_study, "--check", cwd=tmp_path).returncode == 0
    table = tiny_study / "tables" / "bits.md"
    table.write_text(table.read_text().replace("none", "nun"))
    broken = workbench(tiny_data, "table", tiny_study, "--check", cwd=tmp_path)
    assert broken.returncode == 2
    assert "differ from a rebuild" in broken.stderr

    # another config in the same folder is refused, and nothing in it is touched
    identity = arm / "config.json"
    identity.write_text(identity.read_text().replace('"seed": 0', '"seed": 1'))
    (arm / "status.json").unlink()
    before = (arm / "results.jsonl").read_bytes()
    refused = run(tiny_data, tiny_study, runs)
    assert refused.returncode == 2
    assert "made by another config (differs in: seed)" in refused.stderr
    assert (arm / "results.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_numbers(
    tiny_data: Path, tiny_study: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "runs"
    assert run(tiny_data, tiny_study, whole).returncode == 0
    killed = tmp_path / "runs-killed"
    moments = random.Random(0)
    for _ in range(3):
        arguments = ("run", tiny_study, "--set", f'where.runs="{killed}"', "--set", "where.jobs=2")
        line, environment = command(tiny_data, *arguments)
        process = subprocess.Popen(
            line, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(3.0, 12.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = run(tiny_data, tiny_study, killed)
    assert done.returncode == 0, done.stderr
    assert results(killed) == results(whole)


def test_a_request_to_stop_saves_and_exits_75_and_the_same_command_continues(
    tiny_data: Path, tiny_study: Path, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    line, environment = command(tiny_data, "run", tiny_study, "--set", f'where.runs="{runs}"', "--set", "where.jobs=1")
    process = subprocess.Popen(
        line, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not list(runs.rglob("metrics.jsonl")) and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 75, stderr
    assert "type the same command to continue" in stderr
    assert run(tiny_data, tiny_study, runs).returncode == 0
