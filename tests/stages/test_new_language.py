"""A language added to a finished model by one command: from its lexicon to a table, a model and an export."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.conftest import CIPHER, OBJECTS, SMALL, STUDY, SUBJECTS, TABLES, VERBS
from workbench import exchange, languages, load, models
from workbench.config import Config
from workbench.errors import BadInput
from workbench.evaluation import bits
from workbench.exchange import trained
from workbench.files import read_jsonl
from workbench.models.leaves import named_leaves
from workbench.records import Document
from workbench.sources.own_language import open_language
from workbench.stages import new_language, paradigms, start
from workbench.stages.new_language import Asked
from workbench.stages.plan import stages
from workbench.stages.source import revision
from workbench.stages.study_file import toml
from workbench.stages.worker import perform

LETTERS = {letter: chr(0x10D0 + number) for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}  # Georgian
GEORGIAN = {word: "".join(LETTERS[letter] for letter in word[::-1]) for word in CIPHER}
WITH_COST = [*SMALL, 'evaluate.measures=["bits", "fertility", "cost"]']
SENTENCES = [f"{s} {v} {o}" for s in SUBJECTS for v in VERBS for o in OBJECTS]


@pytest.fixture(scope="module")
def base(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that has read English alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_DATA", str(tiny_data))
        return _finished(tmp_path_factory.mktemp("base"), [])


def _finished(root: Path, overrides: list[str]) -> Path:
    root.mkdir(exist_ok=True)
    (root / "study.toml").write_text(STUDY, "utf-8")
    (root / "table.toml").write_text(TABLES, "utf-8")
    small = ['variants.none.evaluate.measures=["bits"]', f'where.runs="{root / "runs"}"']
    study = load.study(root, [*small, *overrides])
    planned = stages(study, revision(study))
    (run,) = [stage for stage in planned if stage.kind == "run" and stage.variant == "none"]
    for stage in (
        *(run.inputs["model"].inputs[name] for name in ("tokenizer", "corpus")),
        run.inputs["model"],
        run,
    ):
        perform(stage, lambda _: None)
    return run.folder


@pytest.fixture
def asked(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("WORKBENCH_DATA", str(tiny_data))
    (tmp_path / "lexicon.tsv").write_text("".join(f"{key}\t{word}\n" for key, word in GEORGIAN.items()), "utf-8")
    lines = [" ".join(GEORGIAN[word] for word in sentence.split()) for sentence in SENTENCES]
    (tmp_path / "text.txt").write_text("\n".join(lines[:60]) + "\n", "utf-8")
    return Asked("kat", tmp_path / "lexicon.tsv", seeds=1, text=tmp_path / "text.txt", pieces=60, method="madx")


def test_one_command_ends_in_a_table_and_a_model_that_exports(
    base: Path, asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert new_language.adapt(base, asked, out, WITH_COST) == 0
    shown = capsys.readouterr().out
    assert "before" in shown
    assert "adapted" in shown
    assert "vocabulary: extend; trained: madx" in shown
    rows = list(read_jsonl(out / "results.jsonl"))
    value = {(row["variant"], row["lang"], row["metric"]): row["value"] for row in rows}
    assert value["adapted", "kat-Geor", "pieces_per_word"] < 0.5 * value["before", "kat-Geor", "pieces_per_word"]
    assert value["adapted", "eng-Latn", "pieces_per_word"] == value["before", "eng-Latn", "pieces_per_word"]
    assert value["before", "eng-Latn", "masked_bits_per_byte"] != value["before", "kat-Geor", "masked_bits_per_byte"]

    cost = {(row["variant"], row["metric"]): row["value"] for row in rows if row["task"] == "cost"}
    assert cost["before", "training_tokens"] == 0  # what the base took is not this study's
    assert 0 < cost["adapted", "training_tokens"] <= 6 * 4 * 16
    assert cost["adapted", "training_flops"] > cost["before", "training_flops"] == 0

    (run,) = (out / "runs" / "adapt-kat-geor").glob("adapted-s0-*")
    (adapted,) = (stage.folder for stage in trained.read(run).stages if stage.identity["kind"] == "adapt")
    whole = named_leaves(trained.load_model(trained.read(run)))
    old = named_leaves(start.opened(base)[0])
    for name, leaf in old.items():  # only the language's weights and the pieces' moved
        assert name in ("embedding", "vocab_bias") or np.array_equal(leaf, whole[name])
    assert any(".language." in name for name in whole)
    assert (adapted / "changes" / "checkpoints").is_dir()

    exchange.export(run, tmp_path / "exported", "workbench")
    model, _ = exchange.load(tmp_path / "exported")
    assert all(np.array_equal(leaf, whole[name]) for name, leaf in named_leaves(model).items())

    test = out / "data" / "kat-Geor" / "test.txt"
    before = test.read_bytes()
    with pytest.raises(BadInput, match="made by another command"):
        new_language.adapt(base, Asked("kat", asked.lexicon, seeds=2), out, SMALL)
    with pytest.raises(BadInput, match="made by another command"):
        new_language.adapt(base, replace(asked, test=asked.text), out, SMALL)
    assert test.read_bytes() == before


def test_the_notebook_brings_a_language_to_a_table(tiny_data: Path, base: Path, tmp_path: Path) -> None:
    """Notebook 03, from a run and tables of test size in place of the quickstart's."""
    folder = Path(__file__).resolve().parents[2] / "experiments" / "notebooks"
    script = (folder / "03_bring_your_own_language.py").read_text("utf-8")
    given = {
        "RUN = None": f"RUN = Path({str(base)!r})",
        "SEEDS = 3": "SEEDS = 1",
        "SETTINGS = []": f"SETTINGS = {SMALL!r}",
    }
    given['OUT = ROOT / "runs" / "own-language"'] = f"OUT = Path({str(tmp_path / 'own')!r})"
    for asked, instead in given.items():
        assert script.count(asked) == 1
        script = script.replace(asked, instead)
    (tmp_path / "notebook.py").write_text(script, "utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "notebook.py"],
        cwd=folder,
        env=os.environ | {"WORKBENCH_DATA": str(tiny_data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("before", "adapted", "control"):
        assert re.search(rf"^Welsh +{name} +\d+\.\d+ \(one seed: no spread\) bits per byte$", done.stdout, re.MULTILINE)


def test_a_language_of_the_pretraining_is_refused(base: Path, asked: Asked, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="was pretrained on it"):
        new_language.adapt(base, Asked("eng", asked.lexicon), tmp_path / "out", [])


def test_a_lexicon_in_another_script_than_the_languages_is_refused(base: Path, asked: Asked, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"written in Geor, bak-Cyrl in Cyrl.*bak-Geor"):
        new_language.adapt(base, Asked("bak", asked.lexicon), tmp_path / "out", [])


def test_a_folder_without_a_model_is_told_what_is_wanted(asked: Asked, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="workbench export"):
        new_language.adapt(tmp_path, asked, tmp_path / "out", [])


def test_without_held_out_text_the_command_says_what_cannot_be_measured_and_measures_the_rest(
    base: Path, asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_language.study, "run", lambda *_, **__: 0)
    monkeypatch.setattr(new_language.study, "freeze", lambda *_: 0)
    out = tmp_path / "out"
    assert new_language.adapt(base, Asked("kat", asked.lexicon, seeds=1), out, []) == 0
    shown = capsys.readouterr().out
    assert "cannot be measured" in shown
    assert tomllib.loads((out / "table.toml").read_text())["table"][0]["columns"] == ["eng-Latn"]
    found = load.study(out)
    assert found.variants["adapted"].adapt.resources == ("pseudo", "word-list")
    assert found.variants["adapted"].adapt.vocabulary.kind == "extend"


def test_the_model_named_in_the_end_is_that_of_this_commands_settings(
    base: Path,
    asked: Asked,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(new_language.study, "run", lambda *_, **__: 0)
    monkeypatch.setattr(new_language.study, "freeze", lambda *_: 0)
    out, named = tmp_path / "out", []
    for steps in (36, 37, 38):
        assert new_language.adapt(base, asked, out, [f"adapt.steps={steps}"]) == 0
        (found,) = re.findall(r"^model +(.*)$", capsys.readouterr().out, re.MULTILINE)
        study = load.study(out, [f"adapt.steps={steps}"])
        runs = {stage.folder for stage in stages(study, revision(study)) if stage.variant == "adapted"}
        assert Path(found) in runs
        Path(found).mkdir(parents=True)
        named.append(found)
    assert len(set(named)) == 3


@pytest.mark.parametrize(
    ("wrong", "overrides", "said"),
    [
        ({"seeds": 0}, [], "--seeds 0: wanted 1 or more"),
        ({"pieces": 0}, [], "--pieces 0: wanted 1 or more"),
        ({"vocabulary": "replace", "pieces": 9}, [], r"^the study that this command makes: 1 problem\n.*pieces"),
        ({"segmentations": Path("kat.segmentations")}, [], "--segmentations kat.segmentations: .*give --paradigms too"),
        ({}, ["adapt.stepz=9"], r"^the study that this command makes: .*\n.*did you mean 'steps'"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_written(
    base: Path, asked: Asked, tmp_path: Path, wrong: dict[str, Any], overrides: list[str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        new_language.adapt(base, replace(asked, **wrong), tmp_path / "out", overrides)
    assert not (tmp_path / "out").exists()


WRITERS = {
    "decoder": 'objective.kind="causal"',
    "encoder-decoder": 'objective.kind="deshuffle"',
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_model_that_writes_ends_in_a_table_of_its_own_bits(
    tiny_data: Path, asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    model = _finished(tmp_path / "base", [f'model.kind="{kind}"', WRITERS[kind]])
    out = tmp_path / "out"
    few = replace(asked, method="full", vocabulary="keep")
    assert new_language.adapt(model, few, out, SMALL) == 0
    shown = capsys.readouterr().out
    assert {"decoder": "Prediction of held-out text", "encoder-decoder": "Restoration of held-out text"}[kind] in shown


KINDS = [
    ("encoder", {"kind": "mlm"}, 4),
    ("decoder", {"kind": "causal"}, 7),
    ("encoder-decoder", {"kind": "denoise"}, 7),
    ("encoder-decoder", {"kind": "alexatm"}, 7),
]


@pytest.mark.parametrize(("kind", "objective", "groups"), KINDS)
def test_the_table_shows_bits_that_such_a_model_is_measured_by(
    base: Path, kind: str, objective: dict[str, str], groups: int
) -> None:
    parts = {
        "data": {"pretrain": ["eng-Latn"]},
        "tokenizer": {"clm": objective["kind"] == "alexatm"},
        "model": {"kind": kind, "width": 16, "num_layers": 1, "num_heads": 2, "feed_forward": 32, "local_heads": 1},
        "objective": objective,
        "pretrain": {"length": 16},
        "evaluate": {"mask_groups": groups},
    }
    config = Config.model_validate(parts)
    _, tokenizer = start.opened(base)
    model = models.build(config.model, tokenizer.vocab.size, seed=0)
    documents = [Document("a", "the cat sees the door", languages.parse("eng"), "")]
    found = {(one.metric, one.setting) for one in bits.measure(config, model, tokenizer, documents)}
    shown = new_language._bits(config)
    assert (shown["metric"], shown["setting"]) in found


def test_text_that_is_no_longer_given_is_no_longer_read(
    base: Path, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_language.study, "run", lambda *_, **__: 0)
    monkeypatch.setattr(new_language.study, "freeze", lambda *_: 0)
    out, few = tmp_path / "out", tmp_path / "few.txt"
    few.write_text("".join(asked.text.read_text("utf-8").splitlines(keepends=True)[:30]), "utf-8")
    (tmp_path / "dev.txt").write_text("".join(f"{word}\n" for word in GEORGIAN.values()), "utf-8")
    few_text = replace(asked, text=few)
    new_language.adapt(base, replace(few_text, dev=tmp_path / "dev.txt"), out, [])
    dev = out / "data" / "kat-Geor" / "dev.txt"
    assert dev.is_file()
    new_language.adapt(base, few_text, out, [])  # the same study otherwise
    assert sorted(path.name for path in dev.parent.iterdir()) == ["lexicon.tsv", "train.txt"]
    assert len(list((out / "data" / "eng-Latn").iterdir())) == 3


def test_morphemes_and_derived_words_are_lines_of_what_the_language_is_taught(
    base: Path, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_language.study, "run", lambda *_, **__: 0)
    monkeypatch.setattr(new_language.study, "freeze", lambda *_: 0)
    (tmp_path / "kat").write_text("კაცი\tკაცები\tN;NOM;PL\n", "utf-8")
    (tmp_path / "kat.segmentations").write_text("კაცი\tკაცები\tN;NOM;PL\tკაც|ებ|ი\n", "utf-8")
    (tmp_path / "kat.derivations").write_text("კაცი\tკაცობა\tN:N\t-ობა\n", "utf-8")
    few = replace(asked, paradigms=tmp_path / "kat")
    given = replace(few, segmentations=tmp_path / "kat.segmentations", derivations=tmp_path / "kat.derivations")

    new_language.adapt(base, given, tmp_path / "all", [])
    adapted = load.study(tmp_path / "all").variants["adapted"]
    assert "inflection" in adapted.adapt.resources
    data = open_language(str(tmp_path / "all" / "data"))
    made = paradigms.lines(data, languages.parse("kat"), adapted.synth, seed=0)
    assert {task: [one.text for one in found] for task, found in made.items()} == {
        "paradigm": ["კაცი: N NOM PL კაცები"],
        "segment": ["კაცები / კაც|ებ|ი"],
        "derive": ["კაცი + -ობა, N N: კაცობა"],
    }

    new_language.adapt(base, few, tmp_path / "few", [])
    found = load.study(tmp_path / "few").variants["adapted"]
    assert found.synth.inflection_tasks == ("paradigm",)
    assert "synth" not in (tmp_path / "few" / "study.toml").read_text("utf-8")  # as it was before these options
    folder = tmp_path / "few" / "data" / "kat-Geor"
    assert sorted(path.name for path in folder.glob("*s.tsv")) == ["paradigms.tsv"]


def test_text_is_held_out_without_overlap(asked: Asked, tmp_path: Path) -> None:
    lang = languages.parse("kat")
    found = new_language._texts(asked, lang)
    assert {name: len(texts) for name, texts in found.items()} == {"train": 41, "dev": 4, "test": 15}
    assert len({sentence for texts in found.values() for sentence in texts}) == 60
    own = Asked("kat", asked.lexicon, text=asked.text, test=asked.text)
    assert len(new_language._texts(own, lang)["train"]) == 0


def test_an_exported_model_is_a_start_too(base: Path, tmp_path: Path) -> None:
    exchange.export(base, tmp_path / "exported", "workbench")
    model, tokenizer = start.opened(tmp_path / "exported")
    again, own = start.opened(base)
    assert tokenizer.sha256 == own.sha256
    assert all(np.array_equal(leaf, named_leaves(again)[name]) for name, leaf in named_leaves(model).items())
    assert start.revision(str(base)) != start.revision(str(tmp_path / "exported"))


PLAIN = st.recursive(
    st.text(max_size=8) | st.integers(-9, 9) | st.booleans() | st.floats(-1e9, 1e9),
    lambda inner: st.lists(st.text(max_size=4), max_size=3) | st.dictionaries(st.text(min_size=1, max_size=4), inner),
    max_leaves=6,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(min_size=1, max_size=6), PLAIN, max_size=5))
def test_what_is_written_as_toml_is_read_back(values: dict[str, object]) -> None:
    assert tomllib.loads(toml(values)) == values
