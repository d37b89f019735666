"""Runs a plan on a few worker processes: inputs before users, a line of progress all the way, nothing run twice."""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from workbench.config import Where
from workbench.errors import BadInput, Preempted, Unavailable, WorkbenchError
from workbench.runs.folder import Folder
from workbench.sources.embedded import data_home
from workbench.stages.display import Display
from workbench.stages.plan import Stage

LOCK_WAIT_SECONDS = 20.0
POOL = 2  # threads: another number gives other last digits, and after some thousand steps another model


@dataclass
class _Worker:
    """A child process, the stage that it has in hand, and the end of its last report that was not yet a whole line."""

    process: subprocess.Popen[bytes]
    log: Path
    hosts: int
    stage: Stage | None = None
    rest: bytes = b""
    asked: bool = False

    def ask_to_stop(self) -> None:
        """Once: a second SIGTERM would end a training that is saving."""
        if not self.asked:
            self.asked = True
            self.process.terminate()


@dataclass
class _Stop:
    """Set by SIGINT/SIGTERM; the loop then passes the request on and waits for the workers to save."""

    asked: bool = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def execute(
    plan: Sequence[Stage],
    where: Where,
    study_path: Path,
    overrides: Sequence[str],
    display: Display,
    retry_failed: bool,
) -> None:
    """Run every stage of `plan` that is not done yet.

    Raises: WorkbenchError of the first stage that fails (others in hand are asked to save and stop);
        Preempted when this process is asked to stop; BadInput when another process uses the same folder.
    """
    states = {stage.folder: Folder(stage.folder).status() for stage in plan}
    failed = [stage for stage in plan if states[stage.folder].state == "failed"]
    if failed and not retry_failed:
        stage = failed[0]
        raise WorkbenchError(
            f"{stage.folder}: failed earlier: {states[stage.folder].message}\n"
            "  mend the cause and add --retry-failed to try it again"
        )
    waiting = [stage for stage in plan if states[stage.folder].state != "done"]
    display.start(plan, waiting)
    if not waiting:
        return
    root = waiting[0].root
    with _lock(root, where.hosts.index) as lock, _signals() as stop:
        count = min(number_of_workers(where), len(waiting))
        first = {
            "path": str(study_path),
            "overrides": list(overrides),
            "data_revision": waiting[0].identity["data_revision"],
        }
        workers = [_spawn(i, where, root, first, lock) for i in range(count)]
        try:
            _serve(workers, waiting, display, stop, follows=where.hosts.index > 0)
        finally:
            for worker in workers:
                worker.ask_to_stop()
            for worker in workers:
                _end(worker.process)


def number_of_workers(where: Where) -> int:
    """`where.jobs`, or one per CPU core; one only where an accelerator may be in use (it belongs to one process)."""
    if where.jobs:
        return where.jobs
    if where.hosts.count > 1 or where.mesh.num_devices != 1:
        return 1
    accelerators = [node for pattern in ("nvidia0", "accel*", "vfio/[0-9]*") for node in Path("/dev").glob(pattern)]
    if where.device in ("gpu", "tpu") or (where.device == "auto" and accelerators):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_environment(where: Where) -> dict[str, str]:
    """One thread per worker on CPU: two one-threaded workers do 1.3 times the work of one two-threaded worker
    (models this small).

    A run's numbers do not depend on how many cores the machine has: XLA divides some sums by the size of its thread
    pool, which is always `POOL` here.
    """
    environment = dict(os.environ)
    platforms = {"cpu": "cpu", "gpu": "cuda", "tpu": "tpu"}
    if where.device != "auto":
        environment["JAX_PLATFORMS"] = platforms[where.device]
    if where.device == "cpu" and where.mesh.num_devices is not None:
        environment["JAX_NUM_CPU_DEVICES"] = str(where.mesh.num_devices // where.hosts.count)
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    environment["XLA_FLAGS"] = " ".join(filter(None, [environment.get("XLA_FLAGS", ""), flags]))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = "1"
    environment["PJRT_NPROC"] = str(POOL)
    environment.setdefault("JAX_COMPILATION_CACHE_DIR", str(data_home() / "xla"))
    environment.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    environment.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    return environment


def _spawn(index: int, where: Where, root: Path, first: dict[str, Any], lock: int) -> _Worker:
    host = f"host-{where.hosts.index}-" if where.hosts.index else ""
    log = root / "logs" / f"{host}worker-{index}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.stages.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=worker_environment(where),
            pass_fds=(lock,),  # the lock is free only when the last worker has ended
        )
    worker = _Worker(process, log, where.hosts.count)
    _tell(worker, first)
    return worker


def _serve(workers: list[_Worker], waiting: list[Stage], display: Display, stop: _Stop, *, follows: bool) -> None:
    """Hand out ready stages and take reports until nothing is left; one that `follows` joins the first in training."""
    todo = list(waiting)
    open_folders = {stage.folder for stage in waiting}
    selector = selectors.DefaultSelector()
    for worker in workers:
        assert worker.process.stdout is not None
        os.set_blocking(worker.process.stdout.fileno(), False)
        selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
    problem: WorkbenchError | None = None
    while open_folders or any(worker.stage for worker in workers):
        if stop.asked and problem is None:
            problem = Preempted("stopped on request; everything is saved: type the same command to continue")
            for worker in workers:
                worker.ask_to_stop()
        if problem is not None and not any(worker.stage for worker in workers):
            break
        if follows and problem is None:
            problem = _take_over(todo, open_folders, display)
        if problem is None:
            for worker in workers:
                if worker.stage is None and (ready := _ready(todo, open_folders, follows)) is not None:
                    todo.remove(ready)
                    worker.stage = ready
                    display.begin(ready)
                    _tell(worker, {"folder": str(ready.folder)})
        for key, _ in selector.select(timeout=0.5):
            worker = key.data
            ended = worker.process.poll() is not None  # asked first, so that its last words are read
            for event in _events(worker):
                found = _take(worker, event, open_folders, display)
                problem = problem or found  # the first: what follows are the others, asked to stop because of it
            if ended:  # none does by itself while there is something to do
                problem = problem or _died(worker)
                worker.stage = None
                selector.unregister(key.fileobj)
        display.tick()
        if problem is not None and not isinstance(problem, Preempted):
            for worker in workers:
                worker.ask_to_stop()
    if problem is not None:
        raise problem


def _ready(todo: list[Stage], open_folders: set[Path], follows: bool) -> Stage | None:
    for stage in todo:
        if not any(source.folder in open_folders for source in stage.inputs.values()):
            if not follows:
                return stage
            if stage.trains and Folder(stage.folder).status().state == "running":  # the first host has begun it
                return stage
    return None


def _take_over(todo: list[Stage], open_folders: set[Path], display: Display) -> WorkbenchError | None:
    """Take what the first host has done off the list; its failure is ours."""
    for stage in [stage for stage in todo if not stage.trains]:
        found = Folder(stage.folder).status()
        if found.state == "failed":
            return WorkbenchError(f"{stage.label}: failed on host 0: {found.message}")
        if found.state == "done":
            todo.remove(stage)
            open_folders.discard(stage.folder)
            display.done(stage, found.seconds)
    return None


def _take(worker: _Worker, event: dict[str, Any], open_folders: set[Path], display: Display) -> WorkbenchError | None:
    kinds = {2: BadInput, 75: Preempted}
    if event["folder"] is None:  # the hosts did not come together: no stage is at fault
        worker.stage = None
        return kinds.get(event["code"], WorkbenchError)(event["message"])
    stage = worker.stage
    assert stage is not None
    assert str(stage.folder) == event["folder"]
    if event["event"] == "progress":
        display.progress(stage, event["done"], event["total"], event["rate"], event["note"])
        return None
    worker.stage = None
    if event["event"] == "done":
        open_folders.discard(stage.folder)
        display.done(stage, event["seconds"])
        return None
    return kinds.get(event["code"], WorkbenchError)(f"{stage.label}: {event['message']}")


def _died(worker: _Worker) -> WorkbenchError:
    label = worker.stage.label if worker.stage else "before its first stage"
    tail = worker.log.read_text("utf-8", errors="replace").splitlines()[-15:]
    code = worker.process.returncode
    if code == Preempted.exit_code:
        return Preempted(f"{label}: its worker was asked to stop; type the same command to continue")
    cause = "killed (out of memory?)" if code == -signal.SIGKILL else f"ended with code {code}"
    if worker.hosts > 1:
        cause += (
            " (a host that was lost ends the others: look at its log, and type the same command on all hosts again)"
        )
    return Unavailable(
        f"{label}: its worker was {cause}; the same command continues from what is saved.\n"
        f"  {worker.log} ends:\n" + "\n".join(f"    {line}" for line in tail)
    )


def _events(worker: _Worker) -> Iterator[dict[str, Any]]:
    assert worker.process.stdout is not None
    chunk = worker.process.stdout.read()
    *lines, worker.rest = (worker.rest + (chunk or b"")).split(b"\n")
    for line in lines:
        yield json.loads(line)


def _tell(worker: _Worker, message: dict[str, Any]) -> None:
    assert worker.process.stdin is not None
    try:
        worker.process.stdin.write(json.dumps(message).encode() + b"\n")
        worker.process.stdin.flush()
    except BrokenPipeError:
        worker.process.wait()  # its end is noticed, with its log, by the loop


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its input is closed first: one that had ended its stage when it was asked to stop waits for the next."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # what it no longer read
        process.stdin.close()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


@contextmanager
def _signals() -> Iterator[_Stop]:
    stop = _Stop()
    old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextmanager
def _lock(root: Path, host: int) -> Iterator[int]:
    """One workbench per study folder and host at a time; waits a little for the orphans of a killed one to end."""
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / (f".lock-{host}" if host else ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BadInput(
                        f"{root}: another `workbench run` is using this folder; wait for it to end"
                    ) from None
                time.sleep(0.2)
        yield handle
    finally:
        os.close(handle)
