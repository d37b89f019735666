"""A small checkout of its own and a cloud of folders, for the launcher to work on."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]

# On a worker. `uv run ... workbench run` is the study: what it does is in ~/study.sh, where a test put one.
FAKE_UV = """#!/usr/bin/env bash
{ printf '%s\\x1f' "$@"; printf '\\x1e'; } >>"$HOME/uv.log"
case "$*" in
  --version) echo "uv 0.13.8" ;;
  *"workbench doctor"*) exit "$(cat "$HOME/doctor" 2>/dev/null || echo 0)" ;;
  *"workbench run"*)
    mkdir -p ../workbench-runs && echo "rows of worker $FAKE_WORKER" >../workbench-runs/results.jsonl
    if [[ -e $HOME/study.sh ]]; then source "$HOME/study.sh"; fi ;;
esac
"""
# The installer of uv that a worker downloads puts the fake in place. Metadata is what a TPU VM with as many workers as
# the cloud has would say, or what a test put into `endpoints` and `metadata-status`.
FAKE_CURL = """#!/usr/bin/env bash
if [[ $* == *computeMetadata* ]]; then
  echo "$*" >>"$HOME/metadata.log"
  cloud=$HOME/..
  case $* in
    *attributes/agent-worker-number*) echo -n "$FAKE_WORKER" ;;
    *attributes/worker-network-endpoints*)
      if [[ -e $cloud/endpoints ]]; then
        cat "$cloud/endpoints"
      else
        for home in "$cloud"/worker-*; do echo "10.0.0.$((${{home##*-}} + 2))"; done | paste -sd, | tr -d '\\n'
      fi ;;
  esac
  printf '\\n%s' "$(cat "$cloud/metadata-status" 2>/dev/null || echo 200)"
  exit
fi
echo "$*" >>"$HOME/curl.log"
echo 'mkdir -p "$UV_INSTALL_DIR" && cp {uv} "$UV_INSTALL_DIR/uv"'
"""
FAKE_HOSTNAME = '#!/bin/sh\necho "t1v-n-0a1b2c3d-w-$FAKE_WORKER"\n'
# Real, but what the launcher runs as a step is recorded too.
RECORDED = """#!/usr/bin/env bash
if [[ -n ${{FAKE_CLOUD:-}} && ( {name} != git || $1 == bundle ) ]]; then
  {python} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' {name} "$@" >>"$FAKE_CLOUD/calls.jsonl"
fi
exec {real} "$@"
"""


@dataclass(frozen=True)
class Cloud:
    """A fake cloud with its workers' homes, and a checkout whose launcher uses it."""

    root: Path
    checkout: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.checkout / "tpu" / "launch.py"), *arguments]

    def launch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.checkout,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        done = self.launch(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def calls(self) -> list[list[str]]:
        """Every command run so far, the local steps too."""
        file = self.root / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def dry(self, *arguments: str) -> list[list[str]]:
        return [shlex.split(line) for line in self.ok(*arguments, "--dry-run").splitlines()]

    def workers(self, count: int) -> list[Path]:
        homes = [self.root / f"worker-{number}" for number in range(count)]
        for home in homes:
            home.mkdir(exist_ok=True)
        return homes

    def fail(self, code: int, text: str) -> None:
        (self.root / "fail.json").write_text(json.dumps([code, text]))

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=self.checkout,
            check=True,
            capture_output=True,
            text=True,
            env=self.environment,
        )
        return done.stdout.strip()

    def uv_calls(self, home: Path) -> list[list[str]]:
        return [call.split("\x1f")[:-1] for call in (home / "uv.log").read_text().split("\x1e")[:-1]]


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    root, checkout, programs = (tmp_path / name for name in ("cloud", "checkout", "bin"))
    for folder in (root, programs, checkout / "experiments" / "my study"):
        folder.mkdir(parents=True)
    uv = tmp_path / "uv"
    scripts = {
        uv: FAKE_UV,
        programs / "gcloud": f'#!/bin/sh\nexec {sys.executable} {HERE / "fake_gcloud.py"} "$@"\n',
        programs / "curl": FAKE_CURL.format(uv=shlex.quote(str(uv))),
        programs / "hostname": FAKE_HOSTNAME,
    }
    for name in ("git", "mkdir"):
        real = shutil.which(name)
        assert real is not None
        scripts[programs / name] = RECORDED.format(name=name, python=sys.executable, real=real)
    for file, text in scripts.items():
        file.write_text(text)
        file.chmod(0o755)
    shutil.copytree(REPOSITORY / "tpu", checkout / "tpu", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / ".gitignore").write_text("/runs/\n")
    for study in ("quickstart", "my study"):
        (checkout / "experiments" / study).mkdir(exist_ok=True)
        (checkout / "experiments" / study / "study.toml").write_text('name = "s"\n')
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "FAKE_CLOUD": str(root),
        "CLOUDSDK_CORE_PROJECT": "my-project",
        "CLOUDSDK_COMPUTE_ZONE": "us-central2-b",
        "HF_TOKEN": "hf_do_not_show",
    }
    made = Cloud(root, checkout, environment)
    made.git("init", "-q", "-b", "main")
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "first")
    return made
