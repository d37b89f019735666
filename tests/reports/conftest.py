"""A made-up study that has every shape a real one has: arms, controls, a ceiling, floors, gaps by design, layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.records import Result
from workbench.reports import collect, figure, table
from workbench.reports.collect import Results
from workbench.reports.html import Inputs
from workbench.reports.spec import Spec, load
from workbench.seeds import stream

ARMS = (
    "none",
    "word-list",
    "lexicon-control",
    "lexicon",
    "lexicon+inflection",
    "few-text",
    "few-text+lexicon",
    "all-text",
)
LANGS = ("cym-Latn", "gle-Latn", "eus-Latn", "isl-Latn", "mal-Mlym", "hau-Latn")
NO_INTENTS = ("hau-Latn",)
NO_PARADIGMS = ("hau-Latn", "mal-Mlym")
SEEDS = (0, 1, 2)
BITS = dict(zip(ARMS, (3.8, 3.3, 3.05, 2.85, 2.83, 2.95, 2.72, 2.2), strict=True))
INTENTS = dict(zip(ARMS, (11.0, 12.0, 14.0, 31.0, 31.5, 12.0, 32.0, 15.0), strict=True))
HARDNESS = dict(zip((*LANGS, "eng-Latn"), (0.0, 0.3, 0.1, 0.4, 0.9, -0.2, -1.0), strict=True))
ITEMS = dict(zip((*LANGS, "eng-Latn"), (52, 200, 35, 165, 123, 97, 400), strict=True))

SPEC = """
study = "made-up"

[[table]]
name = "bits"
title = "Masked bits per byte on held-out text"
caption = "Masked pseudo-likelihood (7 passes) of real held-out sentences; every arm starts from the same base."
task = "lm"
metric = "masked_bits_per_byte"
setting = "K=7"
unit = "bits/byte"
columns = ["cym-Latn", "gle-Latn", "eus-Latn", "isl-Latn", "mal-Mlym", "hau-Latn"]
aside = ["eng-Latn"]
rows = [
    { variant = "none" },
    { variant = "word-list" },
    { variant = "lexicon-control" },
    { variant = "lexicon" },
    { variant = "lexicon+inflection" },
    { variant = "few-text" },
    { variant = "few-text+lexicon" },
    { variant = "all-text", ceiling = true },
    { variant = "floor:char-6gram (lexicon)", metric = "bits_per_byte" },
    { variant = "floor:char-6gram (few-text)", metric = "bits_per_byte" },
]
absent = [
    { row = "lexicon+inflection", columns = ["mal-Mlym", "hau-Latn"], why = "no paradigms" },
    { row = "floor:char-6gram (lexicon)", columns = ["eng-Latn"], why = "a floor of the targets" },
    { row = "floor:char-6gram (few-text)", columns = ["eng-Latn"], why = "a floor of the targets" },
]
compare = [
    { reference = "none", over = "languages" },
    { reference = "lexicon-control", head = "control", over = "seeds", rows = ["lexicon", "lexicon+inflection"] },
]

[[table]]
name = "intents"
title = "Zero-shot assistant intents"
caption = "Trained on English, with lexicon-translated English where the row says so; chosen on English dev alone."
task = "intents"
metric = "accuracy"
setting = "train=en"
unit = "%"
scale = 100.0
digits = 1
columns = ["cym-Latn", "gle-Latn", "eus-Latn", "isl-Latn", "mal-Mlym"]
rows = [
    { variant = "none" },
    { variant = "lexicon-control", label = "lexicon-control, pseudo-labelled", setting = "train=en+pseudo" },
    { variant = "lexicon" },
    { variant = "lexicon", label = "lexicon, pseudo-labelled", setting = "train=en+pseudo" },
    { variant = "floor:char-ngram-linear", label = "floor: char n-grams, translated", setting = "train=en+pseudo" },
    { variant = "floor:majority", setting = "" },
]
compare = [{ reference = "none", over = "languages" }]

[[figure]]
kind = "bars"
name = "bits"
title = "Masked bits per byte"
table = "bits"

[[figure]]
kind = "bars"
name = "intents"
title = "Zero-shot intents"
table = "intents"

[[figure]]
kind = "layers"
name = "layers"
title = "Sentence retrieval by layer"
task = "retrieval"
metric = "accuracy"
setting = "layer={layer} centred eng>{code}"
layers = [0, 1, 2]
columns = ["cym-Latn", "gle-Latn", "eus-Latn", "isl-Latn", "mal-Mlym", "hau-Latn"]
unit = "%"
scale = 100.0
chance = 0.5
rows = [
    { variant = "none" },
    { variant = "lexicon-control" },
    { variant = "lexicon" },
    { variant = "few-text+lexicon" },
    { variant = "all-text", ceiling = true },
    { variant = "floor:char-tfidf", label = "floor: char TF-IDF", setting = "eng>{code}" },
]

[[claim]]
kind = "gain"
title = "Pseudo text from the lexicon, against nothing"
table = "bits"
row = "lexicon"
against = "none"

[[claim]]
kind = "gain"
title = "What the lexicon's meanings bought"
table = "bits"
row = "lexicon"
against = "lexicon-control"

[[claim]]
kind = "gain"
title = "What inflection tasks bought"
table = "bits"
row = "lexicon+inflection"
against = "lexicon"

[[claim]]
kind = "gain"
title = "Pseudo-labelled intents, against English alone"
table = "intents"
row = "lexicon, pseudo-labelled"
against = "lexicon"

[[claim]]
kind = "floors"
title = "Do model-free floors win on text?"
table = "bits"

[[claim]]
kind = "floors"
title = "Do model-free floors win on intents?"
table = "intents"

[[claim]]
kind = "forgetting"
title = "What adapting cost in English"
table = "bits"
reference = "none"
column = "eng-Latn"
"""


def make_rows() -> list[Result]:
    """Every row of the made-up study; the same at every call."""
    rng = stream(7, "made-up rows")
    rows: list[Result] = []

    def add(variant: str, seed: int, task: str, lang: str, metric: str, value: float, setting: str) -> None:
        unit, higher = ("bits/byte", False) if task == "lm" else ("rate", True)
        rows.append(
            Result(
                run=f"{variant}-s{seed}", study="made-up", variant=variant, seed=seed, step=250, task=task, lang=lang,
                split="test", metric=metric, value=round(float(value), 6), n=ITEMS[lang], unit=unit,
                higher_is_better=higher, setting=setting, data_revision="d1", code="c1",
            )
        )  # fmt: skip

    for arm in ARMS:
        for seed in SEEDS:
            for lang in LANGS:
                if not (arm == "lexicon+inflection" and lang in NO_PARADIGMS):
                    value = BITS[arm] + HARDNESS[lang] + rng.normal(0, 0.03)
                    add(arm, seed, "lm", lang, "masked_bits_per_byte", value, "K=7")
                for layer in range(3):
                    value = 0.02 + 0.01 * layer + 0.02 * (arm != "none") + rng.normal(0, 0.006)
                    add(
                        arm, seed, "retrieval", lang, "accuracy", max(value, 0), f"layer={layer} centred eng>{lang[:3]}"
                    )
                if lang not in NO_INTENTS:
                    value = (11 + rng.normal(0, 1.5)) / 100
                    add(arm, seed, "intents", lang, "accuracy", value, "train=en")
                    if "lexicon" in arm:
                        value = (INTENTS[arm] + rng.normal(0, 1.5)) / 100
                        add(arm, seed, "intents", lang, "accuracy", value, "train=en+pseudo")
            forgot = 0.0 if arm == "none" else 0.09 if arm != "few-text" else 0.01
            add(arm, seed, "lm", "eng-Latn", "masked_bits_per_byte", 2.6 + forgot + rng.normal(0, 0.015), "K=7")
    for lang in LANGS:
        for seed in SEEDS:
            value = 2.95 + HARDNESS[lang] + rng.normal(0, 0.02)
            add("floor:char-6gram (lexicon)", seed, "lm", lang, "bits_per_byte", value, "K=7")
        add("floor:char-6gram (few-text)", 0, "lm", lang, "bits_per_byte", 3.4 + HARDNESS[lang], "K=7")
        add("floor:char-tfidf", 0, "retrieval", lang, "accuracy", 0.22 - 0.1 * HARDNESS[lang], f"eng>{lang[:3]}")
        if lang not in NO_INTENTS:
            value = 0.43 + rng.normal(0, 0.03)
            add("floor:char-ngram-linear", 0, "intents", lang, "accuracy", value, "train=en+pseudo")
            add("floor:majority", 0, "intents", lang, "accuracy", 0.08, "")
    return rows


@pytest.fixture(scope="session")
def rows() -> list[Result]:
    return make_rows()


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    path = tmp_path / "study" / "table.toml"
    path.parent.mkdir()
    path.write_text(SPEC, "utf-8")
    return path


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    path = tmp_path_factory.mktemp("spec") / "table.toml"
    path.write_text(SPEC, "utf-8")
    return load(path)


@pytest.fixture(scope="session")
def save_map(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write an embedding map: points near a shared meaning plus an offset per language."""

    def save(name: str = "map", num_meanings: int = 24, dim: int = 16, noise: float = 0.6) -> Path:
        rng = stream(3, "map", name)
        tags = ("eng-Latn", *LANGS)
        meanings = rng.normal(size=(num_meanings, dim))
        offsets = {tag: 2.0 * rng.normal(size=dim) for tag in tags}
        points = [
            meanings[m] + offsets[tag] + noise * rng.normal(size=dim) for tag in tags for m in range(num_meanings)
        ]
        path = tmp_path_factory.mktemp("map") / f"{name}.npz"
        np.savez(path, points=np.asarray(points, np.float32))
        side = {
            "title": name,
            "lang": [tag for tag in tags for _ in range(num_meanings)],
            "meaning": [f"m{m:03d}" for _ in tags for m in range(num_meanings)],
            "text": [SAMPLE[tag].format(m) for tag in tags for m in range(num_meanings)],
        }
        path.with_suffix(".json").write_text(json.dumps(side, ensure_ascii=False), "utf-8")
        return path

    return save


SAMPLE = {
    "eng-Latn": "Turn on the lights in room {} & wait <now>",
    "cym-Latn": "Trowch y goleuadau ymlaen yn ystafell {}",
    "gle-Latn": "Cuir na soilse ar siúl i seomra {}",
    "eus-Latn": "Piztu {}. gelako argiak",
    "isl-Latn": "Kveiktu ljósin í herbergi {}",
    "mal-Mlym": "മുറി {} ലെ ലൈറ്റുകൾ ഓണാക്കുക",
    "hau-Latn": "Kunna fitilun ɗaki na {}",
}


@pytest.fixture
def study_dir(spec_file: Path, rows: list[Result]) -> Path:
    """A study folder with its spec, its frozen rows and its tables."""
    collect.freeze(rows, variants=ARMS, seeds=SEEDS, dest=spec_file.parent / "results.jsonl")
    table.write(spec_file.parent)
    return spec_file.parent


@pytest.fixture(scope="session")
def results(rows: list[Result]) -> Results:
    return collect.gather(rows)


@pytest.fixture(scope="session")
def inputs(spec: Spec, results: Results, save_map: Callable[..., Path]) -> Inputs:
    """A report's inputs, with markup in its texts that must come out as text."""
    return Inputs(
        title="A <made-up> study & its report",
        question="What does a lexicon buy?",
        spec=spec,
        results=results,
        pivot="eng-Latn",
        data=[{"lang": lang, "tokens": 1000 * (i + 1), "intents": None} for i, lang in enumerate(LANGS)],
        fertility=[{"lang": lang, "pieces_per_word": 1.5, "unknown_rate": 0.0} for lang in LANGS],
        mixture=[{"lang": lang, "tokens": 10 ** (6 - i), "epochs": 0.5 + i} for i, lang in enumerate(LANGS)],
        licences=[{"source": "made up", "licence": "MIT", "url": "https://example.org/licence"}],
        reproduce={"command": "workbench run made-up", "commit": "0123abc", "versions": {"numpy": "2.4"}},
        curves=[figure.Curve("base", (0, 10, 20), (3.0, 2.0, 1.5)), figure.Curve("lexicon", (0, 10), (2.0, 1.0))],
        maps=[save_map()],
        remarks=["A remark with <b>markup</b>."],
    )
