#!/usr/bin/env python3
"""Run a study on a Cloud TPU VM, or on all workers of a slice, through `gcloud`. See README.md beside this file.

Every step is one command, an argument list that no local shell sees; `--dry-run` prints the steps and runs none.
What happens on the TPU is in worker.sh, which travels with the checkout.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = "runs/workbench.bundle"  # runs/ is ignored by git
RUNS = "workbench-runs"  # on the TPU VM, under the home directory and beside the checkout
STOPPED = 75
INTERRUPTED = 130

# Runtime versions for JAX. Source: https://cloud.google.com/tpu/docs/runtimes, "PyTorch and JAX".
RUNTIMES = {
    "v2": "tpu-ubuntu2204-base",
    "v3": "tpu-ubuntu2204-base",
    "v4": "tpu-ubuntu2204-base",
    "v5litepod": "v2-alpha-tpuv5-lite",
    "v5p": "v2-alpha-tpuv5",
    "v6e": "v2-alpha-tpuv6e",
}
# What gcloud prints when a command fails on one of several workers. Source: Google Cloud SDK 528, command_lib/
# compute/tpus/tpu_vm/ssh.py, AttemptRunWithRetries. It then exits with the status of the first that failed.
WORKER_FAILED = re.compile(r"Command execution on worker (\d+) failed with exit status (\d+)")

Command = list[str]


class LaunchError(Exception):
    """A failure with a message fit to be shown without a traceback; `exit_code` is the process's."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Tpu:
    """A TPU VM or slice; `flags` are handed to every gcloud command as they are."""

    name: str
    project: str
    zone: str
    flags: tuple[str, ...] = ()

    def gcloud(self, group: str, verb: str, *arguments: str) -> Command:
        place = (f"--project={self.project}", f"--zone={self.zone}")
        return ["gcloud", "compute", "tpus", group, verb, *arguments, *place, *self.flags]

    def on_workers(self, *remote: str) -> Command:
        """The same command on all workers at once (one, if there is one)."""
        return self.gcloud("tpu-vm", "ssh", self.name, "--worker=all", f"--command={shlex.join(remote)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 2 wrong usage, 75 stopped and resumable, 130 no longer watched; else the failed command's."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    cut = given.index("--") if "--" in given else len(given)
    options = _parser().parse_args(given[:cut])
    try:
        tpu = _tpu(options, given[cut + 1 :])
        steps: list[Command] = options.steps(tpu, options)
        if options.dry_run:
            print("\n".join(shlex.join(step) for step in steps))
            return 0
        if shutil.which("gcloud") is None:
            raise LaunchError("gcloud is not on the PATH; install it (https://cloud.google.com/sdk/docs/install)")
        if options.verb == "delete" and not options.yes:
            _confirm(tpu)
        for step in steps:
            _execute(step, tpu)
    except LaunchError as error:
        print(f"launch: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        watching = "; a study that was started goes on: `run` again watches it, `stop` stops it"
        print(f"launch: interrupted{watching if options.verb == 'run' else ''}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="launch.py",
        description="Run a study on a Cloud TPU VM (v2 to v6e) or on all workers of a slice.",
        epilog="What follows a bare `--` is handed to every gcloud command, e.g. -- --internal-ip",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    env = os.environ

    def verb(name: str, steps: object, help: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = verbs.add_parser(name, help=help, description=help)
        sub.set_defaults(steps=steps)
        sub.add_argument("name", help="the TPU's name")
        sub.add_argument("--project", default=env.get("CLOUDSDK_CORE_PROJECT"), help="or $CLOUDSDK_CORE_PROJECT")
        sub.add_argument("--zone", default=env.get("CLOUDSDK_COMPUTE_ZONE"), help="or $CLOUDSDK_COMPUTE_ZONE")
        sub.add_argument("--dry-run", action="store_true", help="print the commands, one a line, and run none")
        return sub

    create = verb("create", create_steps, "ask for a TPU VM or slice")
    create.add_argument("--type", required=True, help="accelerator type, e.g. v4-8, v5litepod-8, v6e-8")
    create.add_argument("--runtime-version", help="default: the one for JAX on this type")
    create.add_argument("--spot", action="store_true", help="cheaper, may be preempted at any time")
    create.add_argument("--queued", action="store_true", help="wait in the queue (a queued resource of this name)")

    bootstrap = verb("bootstrap", bootstrap_steps, "copy this checkout at its commit and install it, on every worker")
    run = verb("run", run_steps, "check the TPU, start a study detached, follow its log; or follow one that runs")
    run.add_argument("study", type=Path, help="folder with a study.toml, for example experiments/quickstart")
    run.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    run.add_argument("--retry-failed", action="store_true", help="try again what failed earlier")
    for sub in (bootstrap, run):
        sub.add_argument("--allow-dirty", action="store_true", help="leave uncommitted changes behind")

    verb("stop", stop_steps, "ask the study that runs to save and end, on every worker")
    fetch = verb("fetch", fetch_steps, "copy the runs back")
    fetch.add_argument("--worker", default="0", help="worker to fetch from, or several: 0,1,2,3 (default 0)")
    fetch.add_argument("--to", type=Path, help="folder (default: runs/tpu/NAME in this checkout)")
    for sub in (run, fetch):
        what = "folder of the runs on the TPU VM: absolute, say a mounted disk; on a slice one that all workers share"
        sub.add_argument("--runs", default=RUNS, help=what)

    delete = verb("delete", delete_steps, "delete the TPU, and all on its disk")
    delete.add_argument("--queued", action="store_true", help="it was created with --queued")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _tpu(options: argparse.Namespace, flags: Sequence[str]) -> Tpu:
    for what, variable in (("project", "CLOUDSDK_CORE_PROJECT"), ("zone", "CLOUDSDK_COMPUTE_ZONE")):
        if not getattr(options, what):
            raise LaunchError(f"no {what}: give --{what}, or set ${variable}")
    _check("name", options.name, r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", "lower-case letters, digits and hyphens")
    _check("--project", options.project, r"[a-z0-9][a-z0-9.:-]*[a-z0-9]", "a project id such as my-project")
    _check("--zone", options.zone, r"[a-z]+-[a-z]+\d+-[a-z]", "a zone such as us-central2-b")
    return Tpu(options.name, options.project, options.zone, tuple(flags))


def create_steps(tpu: Tpu, options: argparse.Namespace) -> list[Command]:
    kind, _, _ = options.type.partition("-")
    if kind == "v5e":
        raise LaunchError(f"--type {options.type}: gcloud calls the v5e v5litepod, for example v5litepod-8")
    if re.fullmatch(r"(tpu|v)([7-9]|\d\d)\w*", kind):
        raise LaunchError(f"--type {options.type}: TPU7x and later need Compute Engine or GKE; see tpu/README.md")
    _check("--type", options.type, rf"({'|'.join(RUNTIMES)})-[1-9]\d*", f"{' '.join(RUNTIMES)} and a size: v4-8")
    runtime = options.runtime_version or RUNTIMES[kind]
    spot = ("--spot",) if options.spot else ()
    shape = (f"--accelerator-type={options.type}",)
    if options.queued:
        shape = (f"--node-id={tpu.name}", *shape, f"--runtime-version={runtime}", *spot)
        return [tpu.gcloud("queued-resources", "create", tpu.name, *shape)]
    return [tpu.gcloud("tpu-vm", "create", tpu.name, *shape, f"--version={runtime}", *spot)]


def bootstrap_steps(tpu: Tpu, options: argparse.Namespace) -> list[Command]:
    commit = _commit(".", options.allow_dirty)
    if _git("rev-parse", "--is-shallow-repository") == "true":
        raise LaunchError("this checkout is a shallow clone, which cannot be bundled: git fetch --unshallow")
    return [
        ["mkdir", "-p", "runs"],
        ["git", "bundle", "create", "-q", BUNDLE, "HEAD"],
        tpu.gcloud("tpu-vm", "scp", BUNDLE, "tpu/worker.sh", f"{tpu.name}:", "--worker=all"),
        tpu.on_workers("bash", "worker.sh", "bootstrap", commit),
    ]


def run_steps(tpu: Tpu, options: argparse.Namespace) -> list[Command]:
    study = _in_checkout(options.study)
    arguments = [study]
    for override in options.overrides:
        key, equals, _ = override.partition("=")
        if not equals:
            raise LaunchError(f"--set {override}: wanted KEY=VALUE")
        if re.match(r"\s*where\.(device|runs|hosts)\b", key):
            wanted = "the launcher sets where.device, where.runs (see --runs) and where.hosts itself"
            raise LaunchError(f"--set {override}: {wanted}")
        arguments += ["--set", override]
    arguments += ["--retry-failed"] if options.retry_failed else []
    runs = _runs(options.runs) if options.runs != RUNS else f"../{RUNS}"
    arguments += ["--set", "where.device=tpu", "--set", f"where.runs={runs}"]
    commit = _commit(study, options.allow_dirty)
    return [tpu.on_workers("bash", "workbench/tpu/worker.sh", "run", commit, *arguments)]


def stop_steps(tpu: Tpu, options: argparse.Namespace) -> list[Command]:
    return [tpu.on_workers("bash", "workbench/tpu/worker.sh", "stop")]


def fetch_steps(tpu: Tpu, options: argparse.Namespace) -> list[Command]:
    """One copy per worker: gcloud copies from several only one at a time."""
    _check("--worker", options.worker, r"\d+(,\d+)*", "numbers such as 0 or 0,1,2,3")
    runs = _runs(options.runs) if options.runs != RUNS else RUNS
    workers = options.worker.split(",")
    to = str(options.to.absolute()) if options.to else f"runs/tpu/{tpu.name}"
    steps: list[Command] = []
    for worker in workers:
        folder = to if len(workers) == 1 else f"{to}/worker-{worker}"
        source = (f"{tpu.name}:{runs}", folder, "--recurse", f"--worker={worker}")
        steps += [["mkdir", "-p", folder], tpu.gcloud("tpu-vm", "scp", *source)]
    return steps


def delete_steps(tpu: Tpu, options: argparse.Namespace) -> list[Command]:
    if options.queued:
        return [tpu.gcloud("queued-resources", "delete", tpu.name, "--force", "--quiet")]
    return [tpu.gcloud("tpu-vm", "delete", tpu.name, "--quiet")]


def _execute(step: Command, tpu: Tpu) -> None:
    """Run one command, its standard error passed on as it comes, and read for which worker failed and why.

    Raises: LaunchError naming the workers that failed, with the exit code of the first that did not just stop.
    """
    failed: dict[int, int] = {}
    said = ""
    with subprocess.Popen(step, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            said += line if line.startswith("ERROR:") or "gcloud auth login" in line else ""
            if found := WORKER_FAILED.search(line):
                failed[int(found[1])] = int(found[2])
    if process.returncode == 0:
        return
    code = next((code for code in failed.values() if code != STOPPED), STOPPED) if failed else process.returncode
    who = ", ".join(f"worker {worker}: exit code {code}" for worker, code in sorted(failed.items()))
    what = f"{tpu.name}: {who or f'exit code {code}'} from `{shlex.join(step[:5])}`"
    if code == STOPPED:
        what += "; all that was done is saved there, and the same command continues"
    elif "gcloud auth login" in said:
        what = "gcloud has no valid login: run `gcloud auth login`, then the same command"
    elif "PREEMPTED" in said:
        what += "; preempted: delete it, then create, bootstrap and run again (what was not fetched, or on a disk of "
        what += "its own, is gone)"
    elif code == 255:
        what += ": the connection failed or was lost; a study that was started goes on, and `run` watches it again"
    raise LaunchError(what, code if code > 0 else 1)


def _commit(path: str, allow_dirty: bool) -> str:
    """The commit that the TPU gets, after a look that nothing under `path` is left behind unnoticed."""
    changed = _git("status", "--porcelain", "--", path).splitlines()
    if changed and not allow_dirty:
        shown = "".join(f"\n  {line}" for line in changed[:5]) + ("\n  ..." if len(changed) > 5 else "")
        raise LaunchError(f"not committed, so the TPU would not get it (commit, or --allow-dirty):{shown}")
    return _git("rev-parse", "HEAD")


def _git(*arguments: str) -> str:
    if shutil.which("git") is None:
        raise LaunchError("git is not on the PATH; it names and copies the commit that the TPU gets")
    done = subprocess.run(["git", *arguments], check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise LaunchError(f"git {shlex.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def _in_checkout(study: Path) -> str:
    file = study / "study.toml" if study.is_dir() else study
    if not file.is_file() or not study.resolve().is_relative_to(ROOT):
        raise LaunchError(f"{study}: wanted a study.toml, or its folder, in {ROOT}")
    return study.resolve().relative_to(ROOT).as_posix()


def _runs(path: str) -> str:
    _check("--runs", path, r"(/[A-Za-z0-9._-]+)+", "an absolute path of letters, digits and ._-/ on the TPU VM")
    return path


def _check(what: str, got: str, pattern: str, wanted: str) -> None:
    if not re.fullmatch(pattern, got):
        raise LaunchError(f"{what} {got!r}: wanted {wanted}")


def _confirm(tpu: Tpu) -> None:
    if not sys.stdin.isatty():
        raise LaunchError("delete asks first: add --yes where nobody can answer")
    if input(f"delete {tpu.name} in {tpu.zone}, with every run on its disk that was not fetched? [y/N] ") != "y":
        raise LaunchError("nothing was deleted", 1)


if __name__ == "__main__":
    sys.exit(main())
