"""One worker process: reads which stages to run from standard input, reports on standard output.

Both are JSON lines. The study, its overrides and the data revision come first, so that parent and worker plan the same
stages from the same file. When the parent disappears, however abruptly, the worker's next report fails and it ends too.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TextIO, assert_never

from workbench import load
from workbench.errors import Preempted, Unavailable, WorkbenchError
from workbench.runs import memory
from workbench.runs.folder import Folder
from workbench.stages import hosts
from workbench.stages.plan import Stage, stages
from workbench.stages.progress import Progress, Report

FULL = (errno.ENOSPC, errno.EDQUOT)


def main() -> int:
    """Serve stages until standard input closes."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes to the log, never among the reports
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, _stop)
    memory.keep_freed()
    first = json.loads(sys.stdin.readline())
    study = load.study(Path(first["path"]), first["overrides"])
    planned = {str(stage.folder): stage for stage in stages(study, first["data_revision"])}
    try:
        if study.where.hosts.count > 1:
            hosts.join(study.where.hosts, Path(study.where.runs) / study.name)
        for line in sys.stdin:
            _serve(planned[json.loads(line)["folder"]], out)
            memory.forget_programs()
            memory.give_back()
    except Preempted as error:
        return error.exit_code
    except WorkbenchError as error:  # of the meeting: no stage is in hand
        _send(out, {"event": "failed", "folder": None, "message": str(error), "code": error.exit_code})
        return error.exit_code
    return 0


def _serve(stage: Stage, out: TextIO) -> None:
    try:
        seconds = perform(stage, lambda progress: _send_progress(out, stage.folder, progress))
    except WorkbenchError as error:
        _send(
            out,
            {"event": "failed", "folder": str(stage.folder), "message": str(error), "code": error.exit_code},
        )
        if isinstance(error, Preempted):
            raise
    else:
        _send(out, {"event": "done", "folder": str(stage.folder), "seconds": seconds})


def perform(stage: Stage, report: Report) -> float:
    """Run one stage in this process and mark its folder; return its seconds. A stage that is done is left alone.

    Raises: WorkbenchError, with the folder marked failed (or still running, when the stage was asked to stop).
    """
    if stage.where.hosts.index:  # the first host keeps the folder's books
        start = time.monotonic()
        _dispatch(stage, report)
        return time.monotonic() - start
    folder = Folder(stage.folder)
    folder.claim(stage.identity)
    before = folder.status()
    if before.state == "done":
        return 0.0
    folder.mark("running", seconds=before.seconds)
    start = time.monotonic()
    try:
        _dispatch(stage, report)
    except Preempted:
        folder.mark("running", "stopped on request", before.seconds + time.monotonic() - start)
        raise
    except BrokenPipeError:  # of a report: the parent is gone
        raise
    except WorkbenchError as error:
        folder.mark("failed", str(error), before.seconds + time.monotonic() - start)
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise Unavailable(
                f"{stage.folder}: the disk or its quota is full; what was saved is whole. Free some space and type the "
                "same command"
            ) from error
        traceback.print_exc()
        folder.mark("failed", f"{type(error).__name__}: {error}", before.seconds + time.monotonic() - start)
        raise WorkbenchError(f"{stage.label}: {type(error).__name__}: {error} (full trace in the log)") from error
    seconds = before.seconds + time.monotonic() - start
    folder.mark("done", seconds=seconds)
    return seconds


def _dispatch(stage: Stage[Any], report: Report) -> None:
    run: Callable[[Stage[Any], Report], None]
    # Imported per kind: the stages that need no model (synth, floors) never load jax.
    match stage.kind:
        case "tokenizer":
            from workbench.stages.tokenize import run
        case "corpus":
            from workbench.stages.tokenize import run_corpus as run
        case "base":
            from workbench.stages.pretrain import run
        case "synth":
            from workbench.stages.synthesize import run
        case "vocabulary":
            from workbench.stages.vocabulary import run
        case "adapt":
            from workbench.stages.adapt import run
        case "run":
            from workbench.stages.evaluate import run
        case "floors":
            from workbench.stages.floors import run
        case "linear":
            from workbench.stages.floors import run_linear as run
        case "inflect":
            from workbench.stages.inflect import run
        case "task-floors":
            from workbench.stages.task_floors import run
        case "inflect-floors":
            from workbench.stages.inflect import run_floors as run
        case _:
            assert_never(stage.kind)
    run(stage, report)


def _stop(number: int, frame: FrameType | None) -> None:
    """Outside training (which saves first) there is nothing to save: the stage is simply done again."""
    raise Preempted("asked to stop; type the same command to continue")


def _send(out: TextIO, event: dict[str, object]) -> None:
    out.write(json.dumps(event) + "\n")
    out.flush()


def _send_progress(out: TextIO, folder: Path, progress: Progress) -> None:
    row = {
        "done": progress.done,
        "total": progress.total,
        "rate": progress.tokens_per_second,
        "note": progress.note,
    }
    _send(out, {"event": "progress", "folder": str(folder), **row})


if __name__ == "__main__":
    sys.exit(main())
