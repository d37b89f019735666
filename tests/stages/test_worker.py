"""What a worker makes of the operating system's errors: which are the stage's, the disk's, and the parent's."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from workbench import load
from workbench.errors import Unavailable, WorkbenchError
from workbench.runs.folder import Folder
from workbench.stages import worker
from workbench.stages.plan import Stage, stages


@pytest.fixture
def stage(tiny_study: Path, tmp_path: Path) -> Stage[Any]:
    return stages(load.study(tiny_study, [f'where.runs="{tmp_path / "runs"}"']), "r1")[0]


def fail_with(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def dispatch(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker, "_dispatch", dispatch)


def test_a_file_that_is_missing_fails_its_stage(stage: Stage[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, FileNotFoundError(errno.ENOENT, "No such file", "text.txt"))
    with pytest.raises(WorkbenchError, match=r"FileNotFoundError.*text\.txt"):
        worker.perform(stage, lambda _: None)
    assert Folder(stage.folder).status().state == "failed"
    assert "text.txt" in Folder(stage.folder).status().message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_leaves_the_stage_to_be_gone_on_with(
    stage: Stage[Any], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fail_with(monkeypatch, OSError(number, "full"))
    with pytest.raises(Unavailable, match="the disk or its quota is full"):
        worker.perform(stage, lambda _: None)
    assert Folder(stage.folder).status().state == "running"


def test_a_parent_that_is_gone_is_no_fault_of_the_stage(stage: Stage[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"))
    with pytest.raises(BrokenPipeError):
        worker.perform(stage, lambda _: None)
    assert Folder(stage.folder).status().state == "running"
