from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from workbench import load
from workbench.stages.plan import Stage, stages

QUICKSTART = Path(__file__).resolve().parents[2] / "experiments" / "quickstart"


def plan(*overrides: str, revision: str = "data1") -> list[Stage]:
    return stages(load.study(QUICKSTART, overrides), revision)


def folders(kind: str, *overrides: str, revision: str = "data1") -> set[Path]:
    return {stage.folder for stage in plan(*overrides, revision=revision) if stage.kind == kind}


def test_variants_share_every_stage_that_does_not_depend_on_them() -> None:
    counts = Counter(stage.kind for stage in plan())
    seeds, variants = 3, 8
    assert counts["tokenizer"] == counts["corpus"] == 1
    assert counts["base"] == seeds
    assert counts["synth"] == 2 * seeds  # the lexicon's, and the permuted lexicon's
    assert counts["adapt"] == (variants - 1) * seeds  # the arm `none` is the base itself
    assert counts["run"] == counts["floors"] == variants * seeds
    assert counts["linear"] == 3 * seeds  # English labels; and through the lexicon; and through the permuted one


def test_inputs_come_before_their_users() -> None:
    seen: set[Path] = set()
    for stage in plan():
        assert {source.folder for source in stage.inputs.values()} <= seen
        seen.add(stage.folder)


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("where.jobs=1", set()),
        ("evaluate.mask_groups=5", {"run", "floors"}),
        ("adapt.steps=9", {"adapt", "run", "floors"}),
        ("synth.rate=0.5", {"synth", "adapt", "run", "floors", "linear"}),
        ("pretrain.steps=9", {"base", "adapt", "run"}),
        ("model.width=64", {"base", "adapt", "run"}),
        ("tokenizer.alpha=0.5", {"tokenizer", "corpus", "base", "adapt", "run"}),
        ("pretrain.length=32", {"corpus", "base", "adapt", "run"}),
        ("data.few_text=5", {"tokenizer", "corpus", "base", "synth", "adapt", "run", "floors", "linear"}),
    ],
)
def test_a_changed_setting_makes_new_folders_of_exactly_the_stages_it_touches(override: str, changed: set[str]) -> None:
    for kind in ("tokenizer", "corpus", "base", "synth", "adapt", "run", "floors", "linear"):
        same = folders(kind) == folders(kind, override)
        assert same == (kind not in changed), kind


def test_other_data_make_every_folder_new() -> None:
    assert not {s.folder for s in plan()} & {s.folder for s in plan(revision="data2")}


def test_a_study_without_targets_adapts_nothing_and_has_one_floor_for_all_its_runs() -> None:
    study = load.study(QUICKSTART.parent / "scaling")
    counts = Counter(stage.kind for stage in stages(study, "data1"))
    runs = len(study.variants) * len(study.seeds)
    assert counts == {"tokenizer": 1, "corpus": 1, "base": runs, "run": runs, "floors": 1}
    assert {stage.seed for stage in stages(study, "data1") if stage.kind == "floors"} == {study.seeds[0]}


def test_packing_knows_whether_the_objective_wants_documents_to_end() -> None:
    decoder = ('model.kind="decoder"', 'objective={kind="causal"}')
    assert folders("tokenizer") == folders("tokenizer", *decoder)
    assert folders("corpus") != folders("corpus", *decoder)
