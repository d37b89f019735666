from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from workbench import config, load, models
from workbench.errors import BadInput
from workbench.exchange import native
from workbench.files import sha256_file, write_json
from workbench.stages import start
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
        ("adapt.steps=90", {"adapt", "run", "floors"}),
        ("synth.rate=0.5", {"synth", "adapt", "run", "floors", "linear"}),
        ("pretrain.steps=90", {"base", "adapt", "run"}),
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


def test_an_arm_that_reads_a_permuted_lexicon_itself_has_a_folder_of_its_own() -> None:
    permuted = "variants.few-text.synth.permute_lexicon=true"
    reading = (
        'variants.few-text.adapt.vocabulary={kind="extend"}',
        "variants.few-text.adapt.method={kind='full', align={concepts={}}}",
    )
    for one in reading:
        assert folders("adapt", one) != folders("adapt", one, permuted), one
    assert folders("adapt") == folders("adapt", permuted)  # where it reads none, it stays what it was
    pseudo = 'variants.few-text.adapt.resources=["few-text", "pseudo"]'
    adapted = [stage for stage in plan(pseudo, reading[0], permuted) if stage.kind == "adapt"]
    assert not any("permute_lexicon" in stage.identity for stage in adapted)  # its made text says so already


def test_packing_knows_whether_the_objective_wants_documents_to_end() -> None:
    decoder = ('model.kind="decoder"', 'objective={kind="causal"}')
    assert folders("tokenizer") == folders("tokenizer", *decoder)
    assert folders("corpus") != folders("corpus", *decoder)


@pytest.fixture
def encoder(tmp_path: Path) -> str:
    """All that a plan sees of an imported encoder."""
    write_json(tmp_path / "config.json", {"model_type": "bert"})
    return f'pretrain.start="{tmp_path}"'


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("adapt.method={kind='madx'}", "adapt.method.kind 'madx'"),
        ("adapt.method={kind='full', align={adversarial={}}}", "adapt.method.align"),
        ("adapt.optim.kind=muon", "adapt.optim.kind 'muon'"),
        (
            "model={dropout=0.2, compute={remat='full', dtype='bfloat16'}}",
            "model.dropout, model.compute.remat, model.compute.dtype",
        ),
    ],
)
def test_what_a_published_encoder_cannot_be_given_is_refused_before_anything_runs(
    encoder: str, override: str, named: str
) -> None:
    override = f"variants.few-text.{override}"
    assert plan(override)
    with pytest.raises(BadInput, match=rf"variants\.few-text: {re.escape(named)}: the base is a published encoder"):
        plan(override, encoder)


def test_of_low_rank_changes_those_to_a_published_encoder_alone_have_other_folders(encoder: str) -> None:
    lora = "variants.few-text.adapt.method={kind='lora'}"
    assert not any("low_rank" in stage.identity for stage in [*plan(lora), *plan(encoder)])
    found = [stage.variant for stage in plan(lora, encoder) if "low_rank" in stage.identity]
    assert found == ["few-text"] * 3


def test_a_run_that_started_from_a_published_encoder_is_one(encoder: str, tmp_path: Path) -> None:
    again = tmp_path / "run"
    write_json(again / "config.json", {"inputs": {}, "config": {"pretrain": {"start": str(tmp_path)}}})
    assert start.is_published(str(again))
    write_json(tmp_path / "config.json", {"model_type": native.MODEL_TYPE})
    assert not start.is_published(str(again))


def test_a_start_whose_layers_are_laid_out_otherwise_is_refused_before_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "config.json", {"model_type": native.MODEL_TYPE})
    scanned = models.build(config.Model(compute=config.Compute(layers="scanned")), vocab_size=300, seed=0)
    monkeypatch.setattr(start, "opened", lambda folder: (scanned, None))
    base = next(stage for stage in plan(f'pretrain.start="{tmp_path}"') if stage.kind == "base")
    with pytest.raises(BadInput, match=r"set model\.compute\.layers = 'scanned'"):
        start.run_base(base)


def test_a_plan_reads_the_weights_it_starts_from_once(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    read: list[Path] = []
    monkeypatch.setattr(start, "sha256_file", lambda path: read.append(path) or sha256_file(path))
    before = folders("base", encoder)
    assert sorted(path.name for path in read) == ["config.json", "model.safetensors"]
    (tmp_path / "model.safetensors").write_bytes(b"others")
    assert folders("base", encoder) != before
