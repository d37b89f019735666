"""The launcher's commands, its dry run, its refusals and how it passes failures on; against a fake gcloud."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Cloud

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the fake workers run on this machine: needs Linux")

PLACE = ["--project=my-project", "--zone=us-central2-b"]
TPU_VM = ["gcloud", "compute", "tpus", "tpu-vm"]
QUEUE = ["gcloud", "compute", "tpus", "queued-resources"]
VERBS = {
    "create": ["create", "t1", "--type=v4-8", "--spot"],
    "create queued": ["create", "t1", "--type=v6e-8", "--queued", "--spot"],
    "bootstrap": ["bootstrap", "t1"],
    "run": [
        *["run", "t1", "experiments/my study", "--runs=/mnt/all"],
        *["--set", "base.name='it''s \"so\"'", "--set", "seeds=[0, 1]"],
    ],
    "stop": ["stop", "t1"],
    "fetch": ["fetch", "t1", "--worker=0,1"],
    "delete": ["delete", "t1", "--yes"],
    "delete queued": ["delete", "t1", "--queued", "--yes"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_dry_run_prints_exactly_what_is_then_run_and_runs_nothing(cloud: Cloud, verb: str) -> None:
    for home in cloud.workers(2):
        (home / "workbench-runs").mkdir()
    if verb in ("run", "stop"):
        cloud.ok("bootstrap", "t1")
        (cloud.root / "calls.jsonl").unlink()
    printed = cloud.dry(*VERBS[verb])
    assert cloud.calls() == []
    assert verb in ("run", "stop") or not (cloud.checkout / "runs").exists()
    cloud.ok(*VERBS[verb])
    assert cloud.calls() == printed
    assert printed


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The launcher's main, in this process, in a checkout that holds one study and no git; for what runs nothing."""
    spec = importlib.util.spec_from_file_location("launch", Path(__file__).parents[2] / "tpu" / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "launch", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLOUDSDK_CORE_PROJECT", "my-project")
    monkeypatch.setenv("CLOUDSDK_COMPUTE_ZONE", "us-central2-b")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "experiments" / "quickstart").mkdir(parents=True)
    (tmp_path / "experiments" / "quickstart" / "study.toml").touch()
    return lambda *arguments: module.main(arguments)


@pytest.mark.parametrize(
    ("kind", "runtime"),
    [
        ("v2-8", "tpu-ubuntu2204-base"),
        ("v3-32", "tpu-ubuntu2204-base"),
        ("v4-8", "tpu-ubuntu2204-base"),
        ("v5litepod-16", "v2-alpha-tpuv5-lite"),
        ("v5p-8", "v2-alpha-tpuv5"),
        ("v6e-256", "v2-alpha-tpuv6e"),
    ],
)
def test_create_asks_for_the_runtime_of_the_type(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str], kind: str, runtime: str
) -> None:
    assert launch("create", "t1", "--type", kind, "--dry-run") == 0
    wanted = [f"--accelerator-type={kind}", f"--version={runtime}"]
    assert shlex.split(capsys.readouterr().out) == [*TPU_VM, "create", "t1", *wanted, *PLACE]


def test_create_passes_spot_runtime_queue_and_the_rest_on(cloud: Cloud) -> None:
    line = cloud.ok("create", "t1", "--type=v4-8", "--spot", "--runtime-version=x", "--dry-run", "--", "--network=n")
    wanted = ["--accelerator-type=v4-8", "--version=x", "--spot"]
    assert shlex.split(line) == [*TPU_VM, "create", "t1", *wanted, *PLACE, "--network=n"]
    wanted = ["--node-id=t1", "--accelerator-type=v6e-8", "--runtime-version=v2-alpha-tpuv6e", "--spot"]
    assert cloud.dry(*VERBS["create queued"]) == [[*QUEUE, "create", "t1", *wanted, *PLACE]]


def test_bootstrap_and_run_reach_all_workers_at_the_commit_of_the_checkout(cloud: Cloud) -> None:
    commit = cloud.git("rev-parse", "HEAD")
    assert cloud.dry("bootstrap", "t1") == [
        ["mkdir", "-p", "runs"],
        ["git", "bundle", "create", "-q", "runs/workbench.bundle", "HEAD"],
        [*TPU_VM, "scp", "runs/workbench.bundle", "tpu/worker.sh", "t1:", "--worker=all", *PLACE],
        [*TPU_VM, "ssh", "t1", "--worker=all", f"--command=bash worker.sh bootstrap {commit}", *PLACE],
    ]
    remote = f"bash workbench/tpu/worker.sh run {commit} experiments/quickstart --set pretrain.steps=9 --retry-failed"
    remote += " --set where.device=tpu --set where.runs=../workbench-runs"
    given = ("run", "t1", "experiments/quickstart", "--set", "pretrain.steps=9", "--retry-failed")
    assert cloud.dry(*given) == [[*TPU_VM, "ssh", "t1", "--worker=all", f"--command={remote}", *PLACE]]


def test_runs_can_lie_on_a_disk_of_their_own(cloud: Cloud) -> None:
    [command] = cloud.dry("run", "t1", "experiments/quickstart", "--runs=/mnt/disk/runs")
    assert command[7].endswith(" --set where.runs=/mnt/disk/runs")
    steps = cloud.dry("fetch", "t1", "--runs=/mnt/disk/runs", "--to=back")
    to = str(cloud.checkout / "back")
    assert steps == [
        ["mkdir", "-p", to],
        [*TPU_VM, "scp", "t1:/mnt/disk/runs", to, "--recurse", "--worker=0", *PLACE],
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "t1", "--type=v4"], "--type 'v4': wanted"),
        (["create", "t1", "--type=v4-8 --spot"], "wanted v2 v3"),
        (["create", "t1", "--type=v5e-8"], "v5litepod-8"),
        (["create", "t1", "--type=tpu7x-8"], "Compute Engine or GKE"),
        (["create", "t1", "--type=v8-8"], "Compute Engine or GKE"),
        (["create", "T_1", "--type=v4-8"], "name 'T_1': wanted lower-case"),
        (["stop", "t1;reboot"], "name 't1;reboot'"),
        (["stop", "t1", "--zone=us-central2"], "--zone 'us-central2': wanted a zone such as"),
        (["stop", "t1", "--project=my project"], "--project 'my project': wanted"),
        (["run", "t1", "experiments/none"], "experiments/none: wanted a study.toml"),
        (["run", "t1", "/etc"], "/etc: wanted a study.toml"),
        (["run", "t1", "experiments/quickstart", "--set", "steps"], "wanted KEY=VALUE"),
        (["run", "t1", "experiments/quickstart", "--set", "where.device=cpu"], "sets where.device"),
        (["run", "t1", "experiments/quickstart", "--set", "where.hosts.count=2"], "where.hosts itself"),
        (["run", "t1", "experiments/quickstart", "--set", "where.hosts={count=2}"], "where.hosts itself"),
        (
            ["run", "t1", "experiments/quickstart", "--runs=gs://bucket"],
            "--runs 'gs://bucket': wanted an absolute path",
        ),
        (["run", "t1", "experiments/quickstart"], "git is not on the PATH"),
        (["fetch", "t1", "--worker=all"], "--worker 'all': wanted numbers"),
        (["create", "t1", "--type=v4-8"], "gcloud is not on the PATH"),
    ],
)
def test_what_cannot_be_right_is_refused(
    launch: Callable[..., int], capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert launch(*arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("what", "name"), [("project", "CLOUDSDK_CORE_PROJECT"), ("zone", "CLOUDSDK_COMPUTE_ZONE")])
def test_without_a_project_or_a_zone_it_says_how_to_give_one(
    launch: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    name: str,
) -> None:
    monkeypatch.delenv(name)
    assert launch("stop", "t1", "--dry-run") == 2
    assert f"no {what}: give --{what}, or set ${name}" in capsys.readouterr().err
    assert launch("stop", "t1", f"--{what}=europe-west4-a", "--dry-run") == 0
    assert f"--{what}=europe-west4-a" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (
            1,
            "ERROR: (x) You do not currently have an active account selected.\n  $ gcloud auth login",
            "no valid login",
        ),
        (
            1,
            'ERROR: (x) This TPU has terminal state "PREEMPTED", so it cannot be used anymore.',
            "preempted: delete it",
        ),
        (255, "ERROR: (x) [/usr/bin/ssh] exited with return code [255].", "connection failed or was lost"),
        (3, "ERROR: (x) no more capacity", "t1: exit code 3 from `gcloud compute tpus tpu-vm ssh`"),
    ],
)
def test_a_failure_of_gcloud_is_passed_on_and_explained(cloud: Cloud, code: int, text: str, said: str) -> None:
    cloud.fail(code, text)
    done = cloud.launch("run", "t1", "experiments/quickstart")
    assert done.returncode == code
    assert text in done.stderr
    assert said in done.stderr


def test_delete_asks_first_and_without_an_answer_deletes_nothing(cloud: Cloud) -> None:
    done = cloud.launch("delete", "t1")
    assert (done.returncode, cloud.calls()) == (2, [])
    assert "add --yes" in done.stderr


def test_a_failing_step_is_the_last_one(cloud: Cloud) -> None:
    cloud.fail(1, "ERROR: no such TPU")
    assert cloud.launch("bootstrap", "t1").returncode == 1
    assert [call[4] for call in cloud.calls() if call[0] == "gcloud"] == ["scp"]


def test_uncommitted_changes_are_not_left_behind_unnoticed(cloud: Cloud) -> None:
    (cloud.checkout / "experiments" / "quickstart" / "study.toml").write_text("changed")
    for arguments in (["bootstrap", "t1"], ["run", "t1", "experiments/quickstart"]):
        done = cloud.launch(*arguments, "--dry-run")
        assert done.returncode == 2
        assert " M experiments/quickstart/study.toml" in done.stderr
        assert cloud.git("rev-parse", "HEAD") in cloud.ok(*arguments, "--allow-dirty", "--dry-run")
    cloud.ok("run", "t1", "experiments/my study", "--dry-run")  # another study's change is none of its concern


def test_a_shallow_clone_is_refused(cloud: Cloud) -> None:
    cloud.git("commit", "-q", "--allow-empty", "-m", "second")
    (cloud.checkout / ".git" / "shallow").write_text(cloud.git("rev-parse", "HEAD") + "\n")
    done = cloud.launch("bootstrap", "t1", "--dry-run")
    assert done.returncode == 2
    assert "git fetch --unshallow" in done.stderr


def test_no_variable_of_the_environment_is_shown_or_sent(cloud: Cloud) -> None:
    cloud.workers(1)
    done = [cloud.launch(*VERBS[verb]) for verb in ("create", "bootstrap", "run")]
    assert all(each.returncode == 0 for each in done)
    shown = "".join(each.stdout + each.stderr for each in done) + str(cloud.calls())
    assert cloud.environment["HF_TOKEN"] not in shown
