from __future__ import annotations

from pathlib import Path

import pytest

from workbench import config, load
from workbench.config import ExponentMixture, UniMaxMixture
from workbench.errors import BadInput

STUDY = """
name = "tiny"
seeds = [0, 1]
reference = "none"
[base.data]
pretrain = ["eng-Latn", "fra-Latn"]
targets = ["cym-Latn"]
[base.pretrain]
mixture = { kind = "unimax", max_epochs = 2.0 }
[variants.none]
[variants.lexicon]
adapt.resources = ["pseudo"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def problem(file: Path, *overrides: str) -> str:
    with pytest.raises(BadInput) as caught:
        load.study(file, overrides)
    return str(caught.value)


def test_variants_are_differences_on_one_base(file: Path) -> None:
    study = load.study(file)
    assert list(study.variants) == ["none", "lexicon"]
    assert study.variants["none"].adapt.resources == ()
    assert study.variants["lexicon"].adapt.resources == ("pseudo",)
    assert study.variants["lexicon"].pretrain == study.variants["none"].pretrain
    assert study.variants["none"].pretrain.mixture == UniMaxMixture(max_epochs=2.0)


def test_a_folder_stands_for_the_study_file_in_it(file: Path) -> None:
    assert load.study(file.parent) == load.study(file)


def test_a_section_override_reaches_every_variant_and_a_variant_override_one(file: Path) -> None:
    study = load.study(file, ["pretrain.steps=70", "variants.lexicon.adapt.steps=31", "seeds=[5]", "where.device=cpu"])
    assert {v.pretrain.steps for v in study.variants.values()} == {70}
    assert (study.variants["none"].adapt.steps, study.variants["lexicon"].adapt.steps) == (300, 31)
    assert study.seeds == (5,)
    assert study.where.device == "cpu"


def test_a_table_of_another_kind_replaces_the_bases_whole(file: Path) -> None:
    study = load.study(file, ['variants.none.pretrain.mixture={kind="exponent"}'])
    assert study.variants["none"].pretrain.mixture == ExponentMixture()


def test_a_misspelt_key_names_its_path_and_the_nearest_right_one(file: Path) -> None:
    assert "base.pretrain.stepz: unknown key; did you mean 'steps'?" in problem(file, "pretrain.stepz=1")
    assert "base.pretrain.optim.learning_rat: unknown key; did you mean 'learning_rate'?" in problem(
        file, "pretrain.optim.learning_rat=0.1"
    )
    assert "max_epoch: unknown key; did you mean 'max_epochs'?" in problem(file, "pretrain.mixture.max_epoch=0.1")
    assert "--set pretrian.steps=1: pretrian: unknown key; did you mean 'pretrain'?" in problem(
        file, "pretrian.steps=1"
    )


def test_a_misspelt_section_or_variant_of_the_file_is_named(file: Path) -> None:
    file.write_text(STUDY.replace("[base.data]", "[bass]\n[base.data]"))
    assert "bass: unknown key; did you mean 'base'?" in problem(file)
    file.write_text(STUDY)
    assert "no such variant; variants are ['lexicon', 'none']" in problem(file, "variants.lexikon.adapt.steps=3")
    assert "reference 'nun' is not a variant" in problem(file, "reference=nun")


def test_a_wrong_type_names_what_was_wanted_and_what_was_got(file: Path) -> None:
    assert "base.model.width: input should be a valid integer, got '96' (str)" in problem(file, 'model.width="96"')
    assert "base.pretrain.steps: input should be greater than or equal to 1, got 0 (int)" in problem(
        file, "pretrain.steps=0"
    )


@pytest.mark.parametrize("part", ["pretrain", "adapt"])
def test_a_training_that_ends_within_its_warm_up_is_refused(file: Path, part: str) -> None:
    text = problem(file, f"{part}.steps=30")
    assert f"base.{part}: optim.warmup_steps: 30 must be fewer than steps (30); lower it, or raise steps" in text
    load.study(file, [f"{part}.steps=31"])


def test_every_problem_is_reported_at_once_and_a_problem_of_the_base_once(file: Path) -> None:
    text = problem(file, "pretrain.steps=0", "model.width=97", "variants.lexicon.adapt.stepz=2")
    assert text.startswith(f"{file}: 3 problems\n")
    assert text.count("pretrain.steps") == 1


def test_impossible_shapes_and_unknown_languages_are_explained(file: Path) -> None:
    assert "width 100 must be num_heads (8) times an even number" in problem(
        file, "model.width=100", "model.num_heads=8"
    )
    text = problem(file, 'data.targets=["cmy-Latn"]')
    assert "base.data.targets: language 'cmy-Latn'" in text
    assert "nearest: " in text
    assert "targets must not be in pretrain" in problem(file, 'data.targets=["fra-Latn"]')
    said = problem(file, 'data.targets=["swc-Latn"]', 'data.pretrain=["eng-Latn", "swh-Latn"]')
    assert "under another code either: ['swc-Latn and swh-Latn'] have the same text" in said
    assert "needs 'pseudo' among adapt.resources" in problem(file, "evaluate.pseudo_labelled=true")


def test_a_malformed_override_or_file_says_how_it_should_look(file: Path) -> None:
    assert "wanted key.path=value" in problem(file, "pretrain.steps")
    file.write_text("name = ")
    assert "not valid TOML" in problem(file)
    with pytest.raises(BadInput, match="no such study file"):
        load.study(file.parent / "absent")


def test_no_part_of_the_schema_has_more_than_fifteen_fields() -> None:
    parts = [part for part in vars(config).values() if isinstance(part, type) and issubclass(part, config.Part)]
    assert len(parts) > 10
    for part in parts:
        assert len(part.model_fields) <= 15, part


def test_what_is_measured_is_chosen_or_all_that_applies(file: Path) -> None:
    assert load.study(file).variants["none"].measures == ("bits", "retrieval", "intents")
    chosen = load.study(file, ['evaluate.measures=["bits", "cost"]']).variants["none"]
    assert chosen.measures == ("bits", "cost")
    without = load.study(file, ["data.targets=[]", "variants.lexicon.adapt.resources=[]"])
    assert without.variants["none"].measures == ("bits",)
    assert "they are not among evaluate.measures" in problem(
        file, 'variants.lexicon.evaluate={pseudo_labelled=true, measures=["bits"]}'
    )


def test_an_objective_that_cannot_train_the_base_says_what_to_change(file: Path) -> None:
    kinds = 'model.kind="encoder-decoder"'
    assert "set tokenizer.sentinels" in problem(file, kinds, 'objective={kind="span-corruption"}')
    assert "set tokenizer.clm = true" in problem(file, kinds, 'objective={kind="alexatm"}')
    assert "reads pairs, but a study's base reads running text" in problem(file, kinds, 'objective={kind="prefix-lm"}')
    assert "'causal' trains a decoder, but model.kind is 'encoder'" in problem(file, 'objective={kind="causal"}')


def test_variants_over_different_data_are_refused(file: Path) -> None:
    own = '{kind="files", folder="text", licence="CC0-1.0"}'
    text = problem(file, f"variants.none.data.source={own}")
    assert "variants ['lexicon'] read another data.source than 'none'" in text
