"""What a worker that has no stage in hand says at its end reaches the one who started the run."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from workbench import load
from workbench.errors import BadInput, Preempted, Unavailable, WorkbenchError
from workbench.stages.display import Display
from workbench.stages.plan import stages
from workbench.stages.scheduler import execute

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
