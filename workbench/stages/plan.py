"""From a study to its stages: what runs, on what inputs, in which folder.

A stage's folder name carries the hash of everything it depends on, so variants that share a stage share its folder,
and a changed setting makes new folders of exactly the stages it touches.

    tokenizer ──► base (per seed) ──► adapt (per variant, seed) ──► run (evaluation: results.jsonl)
        lexicons ──► synth (per seed) ──┘                     floors (per seed; no model) ──► results.jsonl
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.config import Config, Study
from workbench.files import content_hash

Kind = Literal["tokenizer", "base", "synth", "adapt", "run", "floors"]

# Raised when a stage's meaning changes, so that folders made by the older code are not taken for its output.
VERSIONS: dict[Kind, int] = {"tokenizer": 1, "base": 1, "synth": 1, "adapt": 1, "run": 1, "floors": 1}


@dataclass(frozen=True, slots=True)
class Stage:
    """One unit of work. `inputs` maps a role ("tokenizer", "base", …) to the stage that fills it."""

    kind: Kind
    label: str
    folder: Path
    identity: dict[str, Any]
    inputs: dict[str, Stage]
    config: Config
    study: str
    variant: str
    seed: int
    cost: float

    def __hash__(self) -> int:
        return hash(self.folder)


def stages(study: Study, data_revision: str) -> list[Stage]:
    """Every stage of `study`, each once, inputs before users; the order is also the order of starting.

    `cost` is a rough forward+backward token count, used only to predict how long the rest will take.
    """
    root = Path(study.where.runs) / study.name
    found: dict[Path, Stage] = {}

    def add(kind: Kind, config: Config, seed: int, depends: dict[str, Any], inputs: dict[str, Stage], **more: Any) -> Stage:
        variant: str = more.get("variant", "")
        identity = {
            "kind": kind,
            "version": VERSIONS[kind],
            "data_revision": data_revision,
            "seed": seed,
            **depends,
            "inputs": {role: stage.folder.name for role, stage in sorted(inputs.items())},
        }
        if kind == "run":
            identity |= {"study": study.name, "variant": variant}
            folder = root / f"{variant}-s{seed}-{content_hash(identity)[:8]}"
        else:
            folder = root / "stages" / f"{kind}-s{seed}-{content_hash(identity)}"
        if folder not in found:
            label = f"{kind} {variant} s{seed}".replace("  ", " ")
            found[folder] = Stage(kind, label, folder, identity, inputs, config, study.name, variant, seed, more["cost"])
        return found[folder]

    def dump(part: Any) -> Any:
        return part.model_dump(mode="json")

    plans: dict[tuple[str, int], dict[str, Stage]] = {}
    for seed in study.seeds:
        for name, config in study.variants.items():
            # The tokenizer is one per study, not one per seed: pieces must mean the same in every row of a table.
            tokenizer = add("tokenizer", config, 0, {"data": dump(config.data), "tokenizer": dump(config.tokenizer)}, {}, cost=40_000.0)
            train = config.pretrain
            base = add(
                "base",
                config,
                seed,
                {k: dump(getattr(config, k)) for k in ("data", "model", "objective", "pretrain")},
                {"tokenizer": tokenizer},
                cost=float(train.steps * train.batch_size * train.length),
            )
            plans[name, seed] = {"tokenizer": tokenizer, "base": base}
    for (name, seed), plan in plans.items():
        config = study.variants[name]
        if {"pseudo", "word-list", "inflection"} & set(config.adapt.resources):
            depends = {"data": dump(config.data), "synth": dump(config.synth)}
            plan["synth"] = add("synth", config, seed, depends, {}, cost=30_000.0)
    for (name, seed), plan in plans.items():
        config = study.variants[name]
        inputs = {role: plan[role] for role in ("tokenizer", "base", "synth") if role in plan}
        plan["model"] = plan["base"]
        if config.adapt.resources:
            adapt = config.adapt
            plan["model"] = add(
                "adapt",
                config,
                seed,
                {"adapt": dump(adapt)},
                inputs,
                variant=name,
                cost=float(adapt.steps * adapt.batch_size * config.pretrain.length),
            )
        fine_tunes = 2 if config.evaluate.pseudo_labelled else 1
        tokens = fine_tunes * config.evaluate.intent_steps * config.evaluate.intent_batch_size * 16
        add(
            "run",
            config,
            seed,
            {"config": dump(config)},
            {**inputs, "model": plan["model"]},
            variant=name,
            cost=float(tokens + 80_000),
        )
    for (name, seed), plan in plans.items():
        config = study.variants[name]
        inputs = {"synth": plan["synth"]} if "synth" in plan else {}
        depends = {"data": dump(config.data), "adapt": config.adapt.resources, "evaluate": dump(config.evaluate)}
        add("floors", config, seed, depends, inputs, variant=name, cost=40_000.0)
    return list(found.values())
