"""In-context measures of a study, on data that the fixtures write: rows, floors, and figures made again from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench import load, models
from workbench.errors import BadInput
from workbench.evaluation import predictions
from workbench.evaluation.translation_scores import score
from workbench.files import read_json, read_jsonl
from workbench.languages import parse
from workbench.records import Lang
from workbench.sources import embedded
from workbench.stages import in_context, prompted_floors
from workbench.stages.plan import Stage, stages
from workbench.stages.prompted_data import Translations
from workbench.stages.rows import Rows
from workbench.stages.source import revision
from workbench.tokenizer.train import train

ENGLISH, WELSH = Lang("eng", "Latn"), Lang("cym", "Latn")
OVERRIDES = (
    'base.model.kind="decoder"',
    'base.objective.kind="causal"',
    "base.pretrain.length=48",
    'base.evaluate.measures=["in-context","translation"]',
    "base.evaluate.in_context.shots=[0,2]",
    "base.evaluate.in_context.items=5",
    "base.evaluate.translation.sentences=8",
    "base.evaluate.translation.max_new=3",
    "base.evaluate.translation.num_beams=2",
)


def planned(folder: Path, kind: str, *more: str) -> Stage:
    study = load.study(folder, [one.removeprefix("base.") for one in (*OVERRIDES, *more)])
    (found,) = (stage for stage in stages(study, "data") if stage.kind == kind and stage.variant == "none")
    return found


@pytest.fixture
def tiny(tiny_study: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One variant of the tiny study, run where its folders may lie."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tiny_data))
    monkeypatch.chdir(tiny_study.parent)
    text = (tiny_study / "study.toml").read_text("utf-8").split("[variants.lexicon]")[0]
    (tiny_study / "study.toml").write_text(text, "utf-8")
    return tiny_study


def test_every_figure_can_be_made_again_from_what_was_stored(tiny: Path, tmp_path: Path) -> None:
    stage, data = planned(tiny, "run"), embedded.prepare()
    texts = {lang: [one.text for one in data.documents(lang, "train")] for lang in (ENGLISH, WELSH)}
    tokenizer = train(texts, stage.config.tokenizer, tmp_path / "model", seed=0)
    model = models.build(stage.config.model, tokenizer.vocab.size, seed=0)
    rows = Rows(stage, "code")
    in_context.classify(stage, model, tokenizer, rows, lambda *_: None)
    in_context.translated(stage, data, model, tokenizer, rows, lambda *_: None)
    told = {(row.task, row.lang, row.setting, row.metric): row.value for row in rows.found}

    settings = {row.setting for row in rows.found if row.metric == "accuracy"}
    plain = {f"in-context k={k}{kind}" for k in (0, 2) for kind in ("", " calibrated", " no-input")}
    assert settings == plain | {f"in-context k=2 random-labels{kind}" for kind in ("", " calibrated")}
    for path in predictions.files([stage.folder]):
        found = predictions.read(path)
        assert len(found.predictions) == 5
        for one in found.scores():
            key = (found.head.task, found.head.lang, found.head.setting, one.metric)
            assert told[key] == round(one.interval.value, 6)
        if found.head.setting.endswith("no-input"):
            assert len({one.predicted_label for one in found.predictions}) == 1

    kept = list(read_jsonl(stage.folder / "label_scores" / "intents" / "in-context_k=2.jsonl"))
    assert {row["lang"] for row in kept} == {"eng-Latn", "cym-Latn"}
    again = {
        row["id"]: max(row["given"], key=lambda label, row=row: row["given"][label] - row["nothing"][label])
        for row in kept
    }
    calibrated = stage.folder / "predictions" / "intents" / "none_in-context_k=2_calibrated" / "cym-Latn.test.jsonl"
    for one in predictions.read(calibrated).predictions:
        assert again[one.id] == one.predicted_label
    shown = read_json(stage.folder / "label_scores" / "intents" / "demonstrations.json")
    assert [len(several) for several in shown.values()] == [0, 2, 2]
    pairs = zip(shown["in-context k=2"], shown["in-context k=2 random-labels"], strict=True)
    assert all(one[0] == other[0] for one, other in pairs)
    drawn = [row["demonstrations"] for row in kept if row["lang"] == "cym-Latn"]
    assert told["intents", "cym-Latn", "in-context k=2", "demonstrations_kept"] == round(float(np.mean(drawn)), 6)

    for path in sorted((stage.folder / "translations").iterdir()):
        lines = list(read_jsonl(path))
        made = score([one["predicted"] for one in lines], [one["gold"] for one in lines], ["chrf++"])[0]
        way = path.stem.removeprefix("none_").replace("_", " ").replace("-", ">")
        assert told["translation", "cym-Latn", f"{way} {made.signature}", "chrF++"] == round(made.value, 6)
    assert len(list((stage.folder / "translations").iterdir())) == 2


def test_floors_of_a_cipher_are_a_perfect_gloss_a_useless_copy_and_the_commonest_label(tiny: Path) -> None:
    stage = planned(tiny, "floors")
    rows = Rows(stage, "code")
    prompted_floors.in_context(stage, rows, lambda *_: None)
    prompted_floors.translation(stage, embedded.prepare(), rows, lambda *_: None)
    told = {(row.variant, row.lang, row.setting.split(" nrefs")[0], row.metric): row.value for row in rows.found}
    for way in ("eng>cym", "cym>eng"):
        assert told["floor:gloss", "cym-Latn", f"embedded {way}", "BLEU"] == pytest.approx(100.0)
        assert told["floor:copy", "cym-Latn", f"embedded {way}", "BLEU"] < 1.0
    asked = {
        one.id: one.label for path in predictions.files([stage.folder]) for one in predictions.read(path).predictions
    }
    english = [label for name, label in asked.items() if "eng-Latn" in name]
    assert told["floor:majority", "eng-Latn", "in-context", "accuracy"] == english.count("Open") / 5
    assert told["floor:char-ngram-svm", "eng-Latn", "in-context", "accuracy"] == 1.0


def test_translations_of_one_language_in_two_scripts_lie_in_two_files(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = 'base.evaluate.translation.languages=["srp-Cyrl","srp-Latn"]'
    stage, data = planned(tiny, "floors", both), embedded.prepare()
    serbian = [parse("srp-Cyrl"), parse("srp-Latn")]
    pairs = tuple(data.pairs(WELSH, "test"))[:3]
    found = Translations(dict.fromkeys(serbian, pairs), dict.fromkeys(serbian, pairs))
    monkeypatch.setattr(prompted_floors, "translations", lambda *_: found)
    prompted_floors.translation(stage, data, Rows(stage, "code"), lambda *_: None)
    names = {path.name for path in (stage.folder / "translations").glob("floor-copy_*")}
    ways = ("eng-srp_srp-Cyrl", "srp-eng_srp-Cyrl", "eng-srp_srp-Latn", "srp-eng_srp-Latn")
    assert names == {f"floor-copy_embedded_{way}.jsonl" for way in ways}
    assert prompted_floors.direction(*serbian, into_pivot=True) == "srp-Latn>srp-Cyrl"


def test_a_number_of_demonstrations_is_not_negative(tiny: Path) -> None:
    with pytest.raises(BadInput, match=r"in_context\.shots"):
        planned(tiny, "run", "base.evaluate.in_context.shots=[-1]")


def test_the_data_revision_knows_what_is_asked_in_prompts(tiny: Path) -> None:
    def of(*more: str) -> str:
        study = load.study(tiny, [one.removeprefix("base.") for one in (*OVERRIDES, *more)])
        return revision(study, lambda _: None)

    assert of() == of()
    assert of() != of('evaluate.measures=["bits"]')


def test_an_encoder_is_refused_before_anything_runs(tiny: Path) -> None:
    with pytest.raises(BadInput, match="need a model that goes on behind a prompt"):
        load.study(tiny, ['evaluate.measures=["translation"]'])
