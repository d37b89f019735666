"""What a worker that has no stage in hand says at its end reaches the one who started the run; what it computes is the
same on any number of cores."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from workbench import load
from workbench.config import Where
from workbench.errors import BadInput, Preempted, Unavailable, WorkbenchError
from workbench.stages.display import Display
from workbench.stages.plan import stages
from workbench.stages.scheduler import execute, worker_environment

APART = '{"event": "failed", "folder": null, "message": "where.runs: not the same folder", "code": 2}'


@pytest.mark.parametrize("index", [0, 1])  # the first host has a stage in hand by then, one that follows has none
@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        (f"echo '{APART}'; exit 2", BadInput, "^where.runs: not the same folder$"),
        ("echo 'no answer from host 0' >&2; exit 3", Unavailable, "(?s)ended with code 3 .*no answer from host 0"),
        ("exit 75", Preempted, "type the same command to continue"),
    ],
)
def test_a_worker_that_ends_before_its_first_stage_ends_the_run(
    tiny_study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    index: int,
    script: str,
    kind: type[WorkbenchError],
    message: str,
) -> None:
    worker = tmp_path / "worker"
    worker.write_text(f"#!/bin/sh\n{script}\n")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    overrides = [f'where.runs="{tmp_path / "runs"}"', "where.device=cpu", "where.mesh.data=2"]
    overrides += [f"where.hosts={{count=2, index={index}, coordinator='127.0.0.1:9'}}"]
    study = load.study(tiny_study, overrides)
    with pytest.raises(kind, match=message):
        execute(stages(study, "r1"), study.where, tiny_study, overrides, Display(Console(file=io.StringIO())), False)


SIBLINGS = """#!{python}
# The first of two workers fails at its stage; the other counts how often it is asked to stop, and takes its time.
import json, os, pathlib, signal, sys, time

home = pathlib.Path({home!r})
def say(**event):
    os.write(1, (json.dumps(event) + "\\n").encode())
def asked(*_):
    with (home / "asked").open("a") as file:
        file.write("x")
signal.signal(signal.SIGTERM, asked)
sys.stdin.readline()
for line in sys.stdin:
    folder = json.loads(line)["folder"]
    try:
        (home / "failing").mkdir()
    except FileExistsError:
        (home / "slow").touch()
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            time.sleep(0.1)
        say(event="done", folder=folder, seconds=1.0)
    else:
        while not (home / "slow").exists():
            time.sleep(0.05)
        say(event="failed", folder=folder, message="no such word", code=1)
"""


def test_a_worker_whose_sibling_failed_is_asked_to_stop_once(
    tiny_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    worker = tmp_path / "worker"
    worker.write_text(SIBLINGS.format(python=sys.executable, home=str(home)))
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    overrides = [f'where.runs="{tmp_path / "runs"}"', "where.jobs=2"]
    study = load.study(tiny_study, overrides)
    begun = time.monotonic()
    with pytest.raises(WorkbenchError, match="no such word"):
        execute(stages(study, "r1"), study.where, tiny_study, overrides, Display(Console(file=io.StringIO())), False)
    assert (home / "asked").read_text() == "xx"  # one each; a second would end a training that is saving
    assert time.monotonic() - begun < 20.0  # and one that had nothing to save is not waited for


# a gradient whose last digits differ with the number of threads that XLA divides it among
SUMS = """
import os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import jax, jax.numpy as jnp, numpy as np
x, w = (np.random.default_rng(0).standard_normal((n, 64)).astype(np.float32) for n in (8192, 64))
print(jax.jit(jax.grad(lambda w: jnp.square(jnp.tanh(x @ w)).mean()))(w).sum().item().hex())
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="wants a system that can take cores from a process")
def test_a_workers_numbers_are_the_same_on_one_core_and_on_several() -> None:
    environment = worker_environment(Where(device="cpu"))
    found = {
        subprocess.run(
            [sys.executable, "-c", SUMS, cores], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for cores in ("1", "64")
    }
    assert len(found) == 1
