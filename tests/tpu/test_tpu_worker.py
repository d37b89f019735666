"""What happens on the workers: worker.sh is run for real in folders that play their homes, with a fake uv."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING

import pytest

from workbench import config, load

if TYPE_CHECKING:
    from conftest import Cloud

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="worker.sh reads /proc: needs Linux")

RUN = ["run", "t1", "experiments/quickstart"]
RUN_ON_SLICE = [*RUN, "--runs=/mnt/all"]
QUICKSTART = Path(__file__).parents[2] / "experiments" / "quickstart"
# A study that runs until its home holds `go` (20 seconds at most) and ends with the code in `code`; asked to stop: 75.
WAITS = """
echo "study began"
trap 'exit 75' TERM
for _ in {1..400}; do [[ -e $HOME/go ]] && break; sleep 0.05; done
echo "study ended"
exit "$(cat "$HOME/code" 2>/dev/null || echo 0)"
"""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in 20 seconds"
        time.sleep(0.02)


def text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def studies(cloud: Cloud, home: Path) -> list[list[str]]:
    """The `workbench run` commands that a worker was given."""
    return [call for call in cloud.uv_calls(home) if call[2:4] == ["workbench", "run"]]


def meeting(count: int, number: int) -> tuple[list[str], list[str]]:
    """What worker `number` of a slice adds before and after the options of the user."""
    hosts = [f"count={count}", f"index={number}", 'coordinator="10.0.0.2:8476"']
    return ["--set", "where.mesh.data=0"], [word for host in hosts for word in ("--set", f"where.hosts.{host}")]


@pytest.mark.parametrize("count", [1, 3])
def test_one_vm_or_every_worker_of_a_slice_is_set_up_checked_and_runs(cloud: Cloud, count: int) -> None:
    homes = cloud.workers(count)
    cloud.ok("bootstrap", "t1")
    cloud.ok(*RUN_ON_SLICE, "--set", "pretrain.steps=9")
    sync = ["sync", "--locked", "--extra", "tpu", "--no-dev", "--managed-python", "--python", "3.12"]
    where = ["--set", "where.device=tpu", "--set", "where.runs=/mnt/all"]
    for number, home in enumerate(homes):
        mesh, hosts = meeting(count, number) if count > 1 else ([], [])
        assert text(home / "workbench" / ".git" / "HEAD").strip() == cloud.git("rev-parse", "HEAD")
        assert cloud.uv_calls(home) == [
            sync,
            ["run", "--no-sync", "workbench", "doctor", "--device", "tpu"],
            [
                *["run", "--no-sync", "workbench", "run", "experiments/quickstart"],
                *mesh,
                *["--set", "pretrain.steps=9", *where],
                *hosts,
            ],
        ]
        assert text(home / "curl.log") == "-LsSf --retry 5 https://astral.sh/uv/0.13.8/install.sh\n"


def test_one_vm_runs_in_its_own_folder_and_hears_of_no_hosts(cloud: Cloud) -> None:
    [home] = cloud.workers(1)
    cloud.ok("bootstrap", "t1")
    cloud.ok(*RUN)
    where = ["--set", "where.device=tpu", "--set", "where.runs=../workbench-runs"]
    assert studies(cloud, home) == [["run", "--no-sync", "workbench", "run", "experiments/quickstart", *where]]
    (cloud.root / "metadata-status").write_text("404")  # a VM that is told nothing of workers is one of its own
    cloud.ok(*RUN)
    assert studies(cloud, home)[1] == studies(cloud, home)[0]
    asked = "-sS --retry 5 --max-time 60 -H Metadata-Flavor: Google -w \\n%{http_code} http://metadata.google.internal"
    asked += "/computeMetadata/v1/instance/attributes/worker-network-endpoints\n"
    assert text(home / "metadata.log") == 2 * asked


@pytest.mark.parametrize("endpoints", ["t1-w-0,t1-w-1", "w0:0:t1-w-0,w1:1:t1-w-1"])
def test_workers_meet_at_the_first_and_make_of_their_orders_one_study_on_all_devices(
    cloud: Cloud, endpoints: str
) -> None:
    homes = cloud.workers(2)
    (cloud.root / "endpoints").write_text(endpoints)
    cloud.ok("bootstrap", "t1")
    cloud.ok(*RUN_ON_SLICE, "--set", "where.mesh.fsdp=2", "--set", "where.jobs=1")
    for number, home in enumerate(homes):
        [given] = studies(cloud, home)
        overrides = given[6::2]
        assert set(given[5::2]) == {"--set"}
        assert len(given[5::2]) == len(overrides)
        where = load.study(QUICKSTART, overrides).where
        assert where.mesh == config.Mesh(data=0, fsdp=2)
        assert where.hosts == config.Hosts(count=2, index=number, coordinator="t1-w-0:8476")
        assert (where.device, where.runs, where.jobs) == ("tpu", "/mnt/all", 1)
    cloud.ok(*RUN_ON_SLICE, "--set", "where={mesh={data=4, tensor=2}}")  # the user's word on the mesh holds
    last = load.study(QUICKSTART, studies(cloud, homes[1])[1][6::2]).where
    assert (last.mesh, last.hosts.index) == (config.Mesh(data=4, tensor=2), 1)


def test_a_slice_is_refused_where_its_workers_would_not_share_the_runs(cloud: Cloud) -> None:
    homes = cloud.workers(2)
    cloud.ok("bootstrap", "t1")
    done = cloud.launch(*RUN)
    assert done.returncode == 2
    for number, home in enumerate(homes):
        assert f"worker {number}: a slice of 2 workers needs --runs FOLDER, one that all of them share" in done.stderr
        assert len(cloud.uv_calls(home)) == 1  # the sync of bootstrap


def test_a_worker_that_cannot_know_the_others_starts_nothing(cloud: Cloud) -> None:
    homes = cloud.workers(2)
    cloud.ok("bootstrap", "t1")
    (cloud.root / "metadata-status").write_text("503")
    done = cloud.launch(*RUN_ON_SLICE)
    assert done.returncode == 1
    assert "worker 1: the metadata server answered 503 when asked for worker-network-endpoints" in done.stderr
    (cloud.root / "metadata-status").write_text("200")
    (cloud.root / "endpoints").write_text("10.0.0.3")
    assert "worker 1: the metadata server names no other worker" in cloud.launch(*RUN_ON_SLICE).stderr
    assert studies(cloud, homes[1]) == []


def test_the_runs_of_each_worker_come_back(cloud: Cloud) -> None:
    cloud.workers(2)
    cloud.ok("bootstrap", "t1")
    cloud.ok(*RUN_ON_SLICE)
    cloud.ok("fetch", "t1")
    back = cloud.checkout / "runs" / "tpu" / "t1"
    assert text(back / "workbench-runs" / "results.jsonl") == "rows of worker 0\n"
    cloud.ok("fetch", "t1", "--worker=0,1")
    cloud.ok("fetch", "t1", "--worker=0,1")  # again: newer files over older ones, no folder within the folder
    for number in (0, 1):
        folder = back / f"worker-{number}" / "workbench-runs"
        assert [file.name for file in folder.iterdir()] == ["results.jsonl"]
        assert text(folder / "results.jsonl") == f"rows of worker {number}\n"


def test_a_later_bootstrap_brings_the_later_commit_and_leaves_runs_and_uv_alone(cloud: Cloud) -> None:
    [home] = cloud.workers(1)
    cloud.ok("bootstrap", "t1")
    cloud.ok(*RUN)
    (cloud.checkout / "experiments" / "quickstart" / "study.toml").write_text('name = "later"\n')
    cloud.git("commit", "-q", "-a", "-m", "second")
    done = cloud.launch(*RUN)
    assert done.returncode == 1
    assert "bootstrap first" in done.stderr
    assert len(studies(cloud, home)) == 1
    cloud.ok("bootstrap", "t1")
    assert text(home / "workbench" / "experiments" / "quickstart" / "study.toml") == 'name = "later"\n'
    assert text(home / "workbench-runs" / "results.jsonl") == "rows of worker 0\n"
    assert len(text(home / "curl.log").splitlines()) == 1


def test_paths_with_spaces_and_values_with_quotes_arrive_as_they_were_given(cloud: Cloud) -> None:
    [home] = cloud.workers(1)
    cloud.ok("bootstrap", "t1")
    values = [
        "name='it''s'",
        'base.data.pivot="eng-Latn"',
        "a.b=$HOME `id` $(id) \\ * ;  two  spaces",
        "c.d=",
        "e.f=ʻōlelo\nx",
    ]
    cloud.ok("run", "t1", "experiments/my study", *(word for value in values for word in ("--set", value)))
    [study] = studies(cloud, home)
    assert study[4:-4] == ["experiments/my study", *(word for value in values for word in ("--set", value))]


def test_a_study_does_not_start_where_the_check_finds_no_tpu_and_the_worker_is_named(cloud: Cloud) -> None:
    homes = cloud.workers(3)
    cloud.ok("bootstrap", "t1")
    (homes[1] / "doctor").write_text("1")
    done = cloud.launch(*RUN_ON_SLICE)
    assert done.returncode == 1
    assert "worker 1: not fit to run" in done.stderr
    assert "launch: t1: worker 1: exit code 1 from" in done.stderr
    assert [len(studies(cloud, home)) for home in homes] == [1, 0, 1]


def test_the_exit_code_and_the_last_lines_of_a_failing_worker_come_back(cloud: Cloud) -> None:
    homes = cloud.workers(3)
    cloud.ok("bootstrap", "t1")
    (homes[2] / "study.sh").write_text("echo 'loss is NaN at step 7'; exit 1\n")
    done = cloud.launch(*RUN_ON_SLICE)
    assert done.returncode == 1
    assert "worker 2: loss is NaN at step 7" in done.stderr
    assert "worker 2: exit code 1 from" in done.stderr


@pytest.mark.parametrize(("codes", "exit_code"), [([75], 75), ([75, 75], 75), ([75, 2], 2)])
def test_a_stopped_run_says_how_to_continue_if_none_failed(cloud: Cloud, codes: list[int], exit_code: int) -> None:
    for home, code in zip(cloud.workers(len(codes)), codes, strict=True):
        (home / "study.sh").write_text(f"exit {code}\n")
    cloud.ok("bootstrap", "t1")
    done = cloud.launch(*RUN_ON_SLICE)
    assert done.returncode == exit_code
    assert ("the same command continues" in done.stderr) == (exit_code == 75)


def test_a_study_outlives_the_connection_and_the_same_command_watches_it_again(cloud: Cloud) -> None:
    [home] = cloud.workers(1)
    (home / "study.sh").write_text(WAITS)
    (home / "code").write_text("75")
    cloud.ok("bootstrap", "t1")
    log = home / "workbench-job" / "log"
    with subprocess.Popen(
        cloud.command(*RUN),
        cwd=cloud.checkout,
        env=cloud.environment,
        start_new_session=True,
        stdout=DEVNULL,
        stderr=DEVNULL,
    ) as first:
        wait_for(lambda: "study began" in text(log))
        os.killpg(first.pid, signal.SIGKILL)  # launcher, gcloud and the remote shell, all at once
    other = cloud.launch("run", "t1", "experiments/my study")
    assert other.returncode == 1
    assert "another run is going on here: workbench run experiments/quickstart" in other.stderr
    busy = cloud.launch("bootstrap", "t1")
    assert busy.returncode == 1
    assert "a study is running here" in busy.stderr
    with subprocess.Popen(
        cloud.command(*RUN), cwd=cloud.checkout, env=cloud.environment, stdout=PIPE, stderr=PIPE, text=True
    ) as second:
        assert second.stderr is not None
        assert second.stderr.readline() == "worker 0: already running; following its log\n"
        (home / "go").touch()
        shown, _ = second.communicate(timeout=20)
    assert second.returncode == 75
    assert shown.splitlines() == ["study began", "study ended"]
    assert len(studies(cloud, home)) == 1


def test_a_run_that_ended_is_taken_up_again_and_shows_only_its_own_lines(cloud: Cloud) -> None:
    [home] = cloud.workers(1)
    cloud.ok("bootstrap", "t1")
    (home / "study.sh").write_text("echo 'first part'; exit 75\n")
    assert cloud.launch(*RUN).returncode == 75
    (home / "study.sh").write_text("echo 'second part'\n")
    assert cloud.ok(*RUN) == "second part\n"
    assert text(home / "workbench-job" / "log") == "first part\nsecond part\n"


def test_stop_asks_every_worker_to_save_and_end(cloud: Cloud) -> None:
    homes = cloud.workers(2)
    for home in homes:
        (home / "study.sh").write_text(WAITS)
    cloud.ok("bootstrap", "t1")
    with subprocess.Popen(
        cloud.command(*RUN_ON_SLICE),
        cwd=cloud.checkout,
        env=cloud.environment,
        stdout=DEVNULL,
        stderr=PIPE,
    ) as watching:
        wait_for(lambda: all("study began" in text(home / "workbench-job" / "log") for home in homes))
        cloud.ok("stop", "t1")
        _, said = watching.communicate(timeout=20)
    assert watching.returncode == 75
    assert b"worker 0: exit code 75, worker 1: exit code 75" in said
    assert "nothing is running" in cloud.launch("stop", "t1").stderr


def test_a_killed_run_is_no_success(cloud: Cloud) -> None:
    [home] = cloud.workers(1)
    (home / "study.sh").write_text('kill -KILL -- "-$(cat "$HOME/workbench-job/pid")"; sleep 9\n')
    cloud.ok("bootstrap", "t1")
    done = cloud.launch(*RUN)
    assert done.returncode == 1
    assert "killed before it could say why; the same command continues" in done.stderr
