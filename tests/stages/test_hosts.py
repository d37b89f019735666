"""One study by two hosts (two processes of this machine that share a folder), and over devices that a CPU plays."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import config, load
from workbench.errors import BadInput
from workbench.stages import hosts


def start(data: Path, study: Path, runs: Path, *more: str) -> subprocess.Popen[str]:
    sets = [f'where.runs="{runs}"', 'where.device="cpu"', *more]
    line = [sys.executable, "-m", "workbench", "run", str(study), *(part for one in sets for part in ("--set", one))]
    environment = {**os.environ, "WORKBENCH_DATA": str(data)}
    return subprocess.Popen(
        line, env=environment, cwd=study.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=400)
    assert process.returncode == 0, out
    return out


def rows(runs: Path) -> dict[tuple[str, ...], float]:
    found = {}
    for file in runs.rglob("results.jsonl"):
        for row in map(json.loads, file.read_text().splitlines()):
            name = ("variant", "seed", "task", "lang", "split", "metric", "setting")
            found[tuple(str(row.get(part)) for part in name)] = row["value"]
    return found


def test_two_hosts_run_one_study_and_find_what_one_finds(tiny_data: Path, tiny_study: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    shared = ["where.mesh.data=2", "where.hosts.count=2", f'where.hosts.coordinator="{address}"']
    both = [start(tiny_data, tiny_study, tmp_path / "runs", *shared, f"where.hosts.index={i}") for i in (0, 1)]
    first, second = map(ended, both)
    assert "report " in first
    assert "the report is on host 0" in second
    logs = tmp_path / "runs" / "tiny" / "logs"
    assert "all 2 hosts are there: 2 devices" in (logs / "worker-0.log").read_text()
    assert "all 2 hosts are there: 2 devices" in (logs / "host-1-worker-0.log").read_text()
    ended(start(tiny_data, tiny_study, tmp_path / "alone"))
    together, alone = rows(tmp_path / "runs"), rows(tmp_path / "alone")
    assert together.keys() == alone.keys()
    bits = [key for key in alone if "bits" in key[5]]
    assert len(bits) >= 4
    for key in bits:
        assert together[key] == pytest.approx(alone[key], rel=1e-3), key


def test_what_cannot_work_is_said_before_anything_runs(tiny_study: Path) -> None:
    for override, message in (
        ("where.hosts={count=2, index=2, coordinator='a:1'}", "index 2 must be below count 2"),
        ("where.hosts.count=2", "2 hosts need address:port of host 0, got ''"),
        ("where={jobs=2, mesh={data=4}}", "a mesh or several hosts need all devices for one job, got jobs = 2"),
        ("where={mesh={data=3}, hosts={count=2, coordinator='a:1'}}", "3 devices cannot be shared evenly by 2 hosts"),
    ):
        with pytest.raises(BadInput, match=message):
            load.study(tiny_study, [override])
    assert load.study(tiny_study, ["where.mesh={data=0, fsdp=2}"]).where.mesh == config.Mesh(data=0, fsdp=2)


def test_hosts_that_see_each_others_marks_share_a_folder(tmp_path: Path) -> None:
    for index, mark in ((0, 11), (1, 12)):
        hosts.write_mark(tmp_path / "tiny", index, mark)
    hosts.check_shared(tmp_path / "tiny", [11, 12], patience=0)


def test_hosts_with_folders_of_their_own_are_told_which_marks_are_missing(tmp_path: Path) -> None:
    hosts.write_mark(tmp_path / "a" / "tiny", 0, 11)
    hosts.write_mark(tmp_path / "b" / "tiny", 1, 12)
    hosts.write_mark(tmp_path / "b" / "tiny", 2, 7)  # of an earlier meeting, or copied from another host
    with pytest.raises(BadInput, match=r"where.runs: .*/a is not the same folder on all 2 hosts: what host 1 wrote"):
        hosts.check_shared(tmp_path / "a" / "tiny", [11, 12], patience=0)
    with pytest.raises(BadInput, match="all 3 hosts: what hosts 0, 2 wrote to tiny/hosts is not seen here"):
        hosts.check_shared(tmp_path / "b" / "tiny", [11, 12, 13], patience=0)


def test_a_mark_that_a_network_folder_shows_late_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts.write_mark(tmp_path, 0, 11)
    hosts.write_mark(tmp_path, 1, 7)
    monkeypatch.setattr("time.sleep", lambda _: hosts.write_mark(tmp_path, 1, 12))
    hosts.check_shared(tmp_path, [11, 12], patience=60)
