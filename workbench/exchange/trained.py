"""A finished run or stage, read back from its folder: its model, its tokenizer, and how they came to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydantic

from workbench import config
from workbench.errors import BadInput
from workbench.files import read_json, read_jsonl
from workbench.models import Model
from workbench.runs.folder import IDENTITY, Folder
from workbench.tokenizer.kept import kept
from workbench.tokenizer.processor import TextTokenizer
from workbench.training import checkpoint

TOKENIZER = "tokenizer.model"
OBJECTIVE: pydantic.TypeAdapter[config.Objective] = pydantic.TypeAdapter(config.Objective)
ROWS_PER_LANGUAGE = 40  # of packed text, decoded to compare tokenizers on


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder and the identity it was made for."""

    folder: Path
    identity: dict[str, Any]

    @property
    def parts(self) -> dict[str, Any]:
        found: dict[str, Any] = self.identity["config"]
        return found


@dataclass(frozen=True, slots=True)
class Trained:
    """`stages`: the run and all that it was built on, nearest first. `length`: tokens per row in training."""

    folder: Path
    stages: tuple[Stage, ...]
    model_stage: Stage
    settings: config.Model
    objective: config.Objective
    length: int
    tokenizer: TextTokenizer
    manifest: dict[str, Any] | None
    results: tuple[dict[str, Any], ...]

    def part(self, name: str) -> dict[str, Any]:
        """One part of the config, from the nearest stage that depends on it; empty where none does."""
        return _part(self.stages, name) or {}

    def stage(self, kind: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.identity["kind"] == kind), None)


def read(folder: Path) -> Trained:
    """A finished run (`runs/STUDY/VARIANT-sN-HASH`) or a stage that trained a model.

    Raises: BadInput where it is neither, is not finished, or something that it was built on is gone.
    """
    root = _stage(folder)
    stages = tuple(_walk(root))
    for stage in stages[:1]:
        state = Folder(stage.folder).status().state
        if state != "done":
            raise BadInput(f"{stage.folder}: {state}, wanted done; `workbench run` finishes it")
    by_name = {stage.folder.name: stage for stage in stages}
    inputs = root.identity["inputs"]
    model_stage = root if (root.folder / checkpoint.FOLDER).is_dir() else by_name.get(inputs.get("model", ""))
    if model_stage is None:
        raise BadInput(
            f"{folder}: a {root.identity['kind']} stage, which trains no model; give a run, or what it names"
        )
    tokenizers = [stage.identity["inputs"]["tokenizer"] for stage in stages if "tokenizer" in stage.identity["inputs"]]
    if not tokenizers:
        raise BadInput(f"{folder / IDENTITY}: names no tokenizer among its inputs; run the study again")
    described = _part(stages, "model")
    if described is None:
        raise BadInput(f"{folder / IDENTITY}: says nothing about the model, nor does a stage it was built on")
    try:
        settings = checkpoint.settings_of(model_stage.folder, config.Model.model_validate(described))
        objective = OBJECTIVE.validate_python(_part(stages, "objective") or {"kind": "mlm"})
    except pydantic.ValidationError as error:
        raise BadInput(f"{folder / IDENTITY}: written by another version of the workbench: {error}") from error
    tokenizer = kept(by_name[tokenizers[0]].folder / TOKENIZER)
    manifest, results = folder / "manifest.json", folder / "results.jsonl"
    return Trained(
        folder=folder,
        stages=stages,
        model_stage=model_stage,
        settings=settings,
        objective=objective,
        length=int((_part(stages, "pretrain") or {}).get("length", config.Train().length)),
        tokenizer=tokenizer,
        manifest=read_json(manifest) if manifest.is_file() else None,
        results=tuple(read_jsonl(results)) if results.is_file() else (),
    )


def load_model(trained: Trained) -> Model:
    """The model, computing in float32 whatever it was trained in.

    Raises: BadInput where its checkpoint is gone or does not fit the config.
    """
    in_float32 = config.Compute(layers=trained.settings.compute.layers)
    settings = trained.settings.model_copy(update={"compute": in_float32})
    return checkpoint.load_model(trained.model_stage.folder, settings, trained.tokenizer.vocab.size)


def lines(trained: Trained) -> list[str]:
    """Text of the run's languages: documents of its corpus as its tokenizer gives them back, and sentences it kept."""
    found: list[str] = []
    if (corpus := trained.stage("corpus")) is not None:
        for file in sorted(corpus.folder.glob("*.ids.npy")):
            tag = file.name.removesuffix(".ids.npy")
            parts = (np.load(file.with_name(f"{tag}.{part}.npy"), mmap_mode="r") for part in ("ids", "segments"))
            for row, segment in zip(*(part[:ROWS_PER_LANGUAGE] for part in parts), strict=True):
                found += [trained.tokenizer.decode(row[segment == number]) for number in range(1, segment.max() + 1)]
    if (kept := trained.folder / "embeddings.json").is_file():
        found += read_json(kept)["text"]
    return list(dict.fromkeys(found))


def sibling_results(trained: Trained) -> dict[int, tuple[dict[str, Any], ...]]:
    """Seed -> the result rows of the same variant's finished runs, this one among them."""
    own = trained.stages[0].identity
    found = {}
    for folder in sorted(trained.folder.parent.glob("*-s*-*")) if own["kind"] == "run" else []:
        if not (folder / IDENTITY).is_file() or Folder(folder).status().state != "done":
            continue
        identity = read_json(folder / IDENTITY)
        if all(identity.get(key) == own.get(key) for key in ("kind", "study", "variant", "config", "data_revision")):
            found[int(identity["seed"])] = tuple(read_jsonl(folder / "results.jsonl"))
    return found


def _stage(folder: Path) -> Stage:
    file = folder / IDENTITY
    if not file.is_file():
        raise BadInput(f"{file}: no such file; wanted the folder of a run, such as runs/STUDY/VARIANT-s0-HASH")
    identity = read_json(file)
    missing = {"kind", "config", "inputs"} - set(identity if isinstance(identity, dict) else ())
    if missing:
        raise BadInput(f"{file}: not a run's: lacks {', '.join(sorted(missing))}")
    return Stage(folder, identity)


def _walk(root: Stage) -> Iterator[Stage]:
    """The stage and everything it was built on, nearest first, each once."""
    stages_folder = root.folder.parent / "stages" if root.identity["kind"] == "run" else root.folder.parent
    queue, seen = [root], {root.folder.name}
    while queue:
        stage = queue.pop(0)
        yield stage
        for name in stage.identity["inputs"].values():
            if name not in seen:
                seen.add(name)
                queue.append(_stage(stages_folder / name))


def _part(stages: tuple[Stage, ...], name: str) -> dict[str, Any] | None:
    return next((stage.parts[name] for stage in stages if name in stage.parts), None)
