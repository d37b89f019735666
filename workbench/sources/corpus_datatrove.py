"""The stages of `corpus` on datatrove's executors: one machine, Slurm or Ray. The door for `datatrove` (extra `scale`).

Each stage is a pipeline of one step, and a task of it does its part of the shards with the very functions and markers
of `corpus`: the bytes are the same, and a corpus that one engine began another may finish. Documents do not go through
datatrove's own readers and writers, whose JSON lines lose fields that are empty or 0.

Source: https://github.com/huggingface/datatrove, `executor/`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, assert_never

from workbench.errors import Unavailable
from workbench.files import content_hash
from workbench.sources import corpus, shards
from workbench.sources.corpus import Settings, Stage
from workbench.sources.shards import Say


@dataclass(frozen=True, slots=True)
class Local:
    """Worker processes of this machine."""

    workers: int = 1


@dataclass(frozen=True, slots=True)
class Slurm:
    """Job arrays, each stage after the one before; `workers`: how many tasks at once, at most. Units: time HH:MM:SS."""

    partition: str
    time: str = "04:00:00"
    workers: int = -1
    mem_per_cpu_gb: int = 2
    qos: str = "normal"


@dataclass(frozen=True, slots=True)
class Ray:
    """Actors of the Ray cluster that is there; its nodes must share the folder."""

    workers: int = -1
    mem_per_cpu_gb: int = 2


Engine = Local | Slurm | Ray


@dataclass(frozen=True, slots=True)
class Step:
    """A pipeline's one step: task `rank` of `world_size` does its part of a stage."""

    stage: Stage
    inputs: tuple[Path, ...]
    out: Path
    settings: Settings
    name: str = field(default="workbench", init=False)

    def __call__(self, data: object = None, rank: int = 0, world_size: int = 1) -> None:
        corpus.run_stage(self.stage, self.inputs, self.out, self.settings, print, part=(rank, world_size))


def executors(
    engine: Engine, inputs: Sequence[Path], out: Path, settings: Settings, *, tasks: int = 0
) -> dict[Stage, Any]:
    """datatrove's executor for each stage, each depending on the one before; running the last runs all.

    `tasks`: into how many parts a stage is cut; 0: one for each shard. Which shards are done is told by our markers
    alone: datatrove's own say nothing of settings, and are not asked.

    Raises: Unavailable where datatrove is not installed.
    """
    paths = tuple(path.resolve() for path in sorted(inputs))
    if settings.profiles is not None:
        settings = replace(settings, profiles=settings.profiles.resolve())
    made: dict[Stage, Any] = {}
    before: Any = None
    for stage in corpus.STAGES:
        step = Step(stage, paths, out.resolve(), settings)
        logs = out.resolve() / "datatrove" / content_hash(settings.identity()) / stage
        before = made[stage] = executor(engine, step, tasks or max(1, len(paths)), str(logs), before)
    return made


class Part(Protocol):
    """A pipeline's one step, of ours or of another map over shards: does task `rank` of `world_size`."""

    @property
    def stage(self) -> str: ...

    def __call__(self, data: object = None, rank: int = 0, world_size: int = 1) -> None: ...


def executor(engine: Engine, step: Part, tasks: int, logs: str, before: Any = None) -> Any:
    """datatrove's executor for one step, which is to run after `before`.

    Raises: Unavailable where datatrove is not installed.
    """
    shared: dict[str, Any] = {"pipeline": [step], "tasks": tasks, "logging_dir": logs, "depends": before}
    shared["skip_completed"] = False
    try:
        match engine:
            case Local(workers):
                import multiprocess
                from datatrove.executor.local import LocalPipelineExecutor

                # datatrove's own manager process would be forked, which a process that has used jax must never do
                multiprocess.set_start_method("spawn", force=True)
                return LocalPipelineExecutor(workers=workers, start_method="spawn", **shared)
            case Slurm(partition, time, workers, memory, qos):
                from datatrove.executor.slurm import SlurmPipelineExecutor

                return SlurmPipelineExecutor(
                    partition=partition,
                    time=time,
                    workers=workers,
                    mem_per_cpu_gb=memory,
                    qos=qos,
                    job_name=f"workbench-{step.stage}",
                    env_command=f'export PATH="{Path(sys.executable).parent}:$PATH"',
                    **shared,
                )
            case Ray(workers, memory):
                from datatrove.executor.ray import RayPipelineExecutor

                return RayPipelineExecutor(workers=workers, mem_per_cpu_gb=memory, **shared)
            case _:
                assert_never(engine)
    except ImportError as error:
        raise Unavailable(
            f"datatrove is not installed ({error}): `uv sync --extra scale`, or leave out --engine datatrove"
        ) from error


def prepare(inputs: Sequence[Path], out: Path, settings: Settings, say: Say, *, workers: int = 1) -> shards.Counts:
    """`corpus.prepare`, run by datatrove on this machine.

    Raises: BadInput where a shard is wrong; Unavailable where datatrove is not installed.
    """
    for executor in executors(Local(workers), inputs, out, settings).values():
        executor.depends = None  # which is done: it would only be looked up
        executor.run()
    return corpus.prepare(inputs, out, settings, say)
