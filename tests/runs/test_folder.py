from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.files import read_json, write_json
from workbench.runs.folder import Folder


def test_a_new_folder_is_absent_then_running_then_done(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "x")
    assert folder.status().state == "absent"
    folder.claim({"seed": 0})
    folder.mark("running")
    assert folder.status().state == "running"
    folder.mark("done", seconds=1.5)
    assert (folder.status().state, folder.status().seconds) == ("done", 1.5)


def test_the_same_identity_may_claim_a_folder_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.claim({"seed": 0, "model": {"width": 8}})
    folder.claim({"seed": 0, "model": {"width": 8}})


def test_another_identity_is_refused_with_the_paths_that_differ_and_nothing_changes(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.claim({"seed": 0, "model": {"width": 8}})
    write_json(tmp_path / "results.json", {"kept": True})
    with pytest.raises(BadInput, match=r"model\.width, new"):
        folder.claim({"seed": 0, "model": {"width": 16}, "new": 1})
    assert read_json(tmp_path / "config.json")["model"]["width"] == 8
    assert read_json(tmp_path / "results.json") == {"kept": True}
