"""The stages of `corpus` on datatrove: its workers do the shards by the same functions, to the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.files import content_hash
from workbench.sources.corpus_datatrove import Local, executor
from workbench.synth import corpus
from workbench.synth.corpus import Settings, Stage


@dataclass(frozen=True, slots=True)
class Step:
    """A pipeline's one step: task `rank` of `world_size` does its part of a stage."""

    stage: Stage
    inputs: tuple[Path, ...]
    out: Path
    settings: Settings
    name: str = field(default="workbench-synth", init=False)

    def __call__(self, data: object = None, rank: int = 0, world_size: int = 1) -> None:
        corpus.run_stage(self.stage, self.inputs, self.out, self.settings, print, part=(rank, world_size))


def run(inputs: Sequence[Path], out: Path, settings: Settings, *, workers: int = 1) -> None:
    """Every stage, by datatrove on this machine.

    Raises: BadInput where a shard is wrong; Unavailable where datatrove is not installed.
    """
    paths = tuple(path.resolve() for path in sorted(inputs))
    for stage in settings.stages:
        step = Step(stage, paths, out.resolve(), settings)
        logs = out.resolve() / "work" / "datatrove" / content_hash(settings.identity()) / stage
        executor(Local(workers), step, len(paths), str(logs)).run()
