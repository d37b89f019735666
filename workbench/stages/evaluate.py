"""Stage `run`: one arm's model measured on held-out text, and what a reader needs to repeat it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, assert_never

import jax
import numpy as np

from workbench import languages
from workbench.evaluation import alignment, bits, cost, zero_shot
from workbench.evaluation.pairwise import Method
from workbench.evaluation.representations import all_vectors
from workbench.evaluation.store import Store
from workbench.files import atomic_open, write_json, write_jsonl
from workbench.models import Model
from workbench.models.published import Published
from workbench.probing import probe, reader, sentences
from workbench.probing.probe import Settings
from workbench.records import Lang, Pair
from workbench.reports import lm_eval
from workbench.reports.figure import read_curve
from workbench.reports.table import RESULTS_FILE
from workbench.runs.manifest import code_revision, manifest
from workbench.stages import in_context, prompted_inflection, tasks
from workbench.stages.corpora import held_out, measured, pseudo_labelled
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.rows import Rows, sentence_pairs
from workbench.stages.source import Resources, Text, licences, open_resources, open_text
from workbench.stages.tokenize import MODEL
from workbench.tokenizer.kept import kept
from workbench.tokenizer.processor import TextTokenizer
from workbench.training.loop import load_model

ALIGNMENT_METHODS: tuple[Method, ...] = ("paper", "held-out", "csls")
MAP_SENTENCES = 30  # per language, in the embedding map


def run(stage: Stage, report: Report) -> None:
    config = stage.config
    data = open_text(config.data.source, stage.identity["data_revision"])
    tokenizer = kept(stage.inputs["tokenizer"].folder / MODEL)
    model = load_model(stage.inputs["model"].folder, config.model, tokenizer.vocab.size)
    rows = Rows(stage, code_revision())
    for number, measure in enumerate(config.measures):
        report(Progress(number, 10, note=measure))
        match measure:
            case "bits":
                _bits(stage, data, model, tokenizer, rows)
            case "retrieval":
                _retrieval(stage, _resources(stage), model, tokenizer, rows)
            case "intents":
                _intents(stage, _resources(stage), model, tokenizer, rows, report)
            case "alignment":
                _alignment(stage, model, tokenizer, rows, report)
            case "tasks":
                tasks.measure(stage, data, model, tokenizer, rows, report)
            case "in-context":
                in_context.classify(stage, model, tokenizer, rows, report)
            case "translation":
                in_context.translated(stage, _resources(stage), model, tokenizer, rows, report)
            case "inflection":
                prompted_inflection.written(stage, _resources(stage), model, tokenizer, rows, report)
            case "cost":
                _cost(stage, model, tokenizer, rows)
            case "fertility":
                _fertility(stage, data, tokenizer, rows)
            case _:
                assert_never(measure)
    _write_manifest(stage)
    write_json(stage.folder / lm_eval.FILE, lm_eval.layout(rows.found))
    write_jsonl(stage.folder / RESULTS_FILE, (asdict(row) for row in rows.found))


def _resources(stage: Stage) -> Resources:
    return open_resources(stage.config.data.source, stage.identity["data_revision"])


def _bits(stage: Stage, data: Text, model: Model, tokenizer: TextTokenizer, rows: Rows) -> None:
    """Bits per byte of held-out text: of every target and of the pivot (what adapting made it forget), or of every base
    language; which bits, depends on what the model was trained to predict."""
    config = stage.config
    documents = {lang: held_out(config, data, lang) for lang in measured(config)}
    everything = [document for found in documents.values() for document in found]
    for number, found in enumerate(bits.measure(config, model, tokenizer, everything)):
        name = "bits.jsonl" if not number else f"bits-{number}.jsonl"
        write_jsonl(stage.folder / "predictions" / name, (asdict(one) for one in found.documents if one.num_bytes))
        in_order = iter(found.documents)  # told by their places: of one's own text, several may share an id
        for lang, held in documents.items():
            if part := [one for one in islice(in_order, len(held)) if one.num_bytes]:
                rows.bits(stage.variant, lang, part, found.metric, found.setting)


def _fertility(stage: Stage, data: Text, tokenizer: TextTokenizer, rows: Rows) -> None:
    """How finely held-out text is cut: bits of two tokenizers are to be read beside it."""
    vocab = tokenizer.vocab
    for lang in measured(stage.config):
        texts = [document.text for document in held_out(stage.config, data, lang)]
        encoded = tokenizer.encode_all(texts)
        in_bytes = [int(np.count_nonzero((ids >= vocab.first_byte) & (ids < vocab.first_piece))) for ids in encoded]
        if texts:
            rows.fertility(lang, list(map(len, encoded)), in_bytes, [len(languages.words(text)) for text in texts])


def _retrieval(stage: Stage, data: Resources, model: Model, tokenizer: TextTokenizer, rows: Rows) -> None:
    config = stage.config
    pivot = languages.parse(config.data.pivot)
    read_as = reader.own(stage.variant, model, tokenizer, config.objective, config.pretrain.length)
    shown: list[tuple[np.ndarray, Lang, list[str], list[str]]] = []
    for lang in measured(config)[:-1]:  # all but the pivot
        pairs = sentence_pairs(data, lang, config.evaluate.split, config.evaluate.retrieval_pairs)
        both = all_vectors(read_as, [p.source for p in pairs] + [p.target for p in pairs])
        here, there = both[:, : len(pairs)], both[:, len(pairs) :]
        for found in alignment.retrieval(here, there, seed=0):
            rows.retrieval(stage.variant, pivot, lang, found)
        few = pairs[:MAP_SENTENCES]
        ids = [pair.id for pair in few]
        shown.append((here[-1, : len(few)], pivot, ids, [pair.source for pair in few]))
        shown.append((there[-1, : len(few)], lang, ids, [pair.target for pair in few]))
    _write_map(stage.folder, f"last layer, {stage.variant}, seed {stage.seed}", shown)


def _write_map(folder: Path, title: str, shown: list[tuple[np.ndarray, Lang, list[str], list[str]]]) -> None:
    """The points of the embedding map; a pivot sentence that several targets share is kept once."""
    points: list[np.ndarray] = []
    columns: dict[str, list[str]] = {"lang": [], "meaning": [], "text": []}
    seen: set[tuple[str, str]] = set()
    for vectors, lang, ids, texts in shown:
        for vector, meaning, text in zip(vectors, ids, texts, strict=True):
            if (lang.tag, meaning) not in seen:
                seen.add((lang.tag, meaning))
                points.append(vector)
                for name, value in (("lang", lang.tag), ("meaning", meaning), ("text", text)):
                    columns[name].append(value)
    with atomic_open(folder / "embeddings.npz") as file:
        np.savez(file, points=np.stack(points))
    write_json(folder / "embeddings.json", {"title": title, **columns})


def _intents(stage: Stage, data: Resources, model: Model, tokenizer: TextTokenizer, rows: Rows, report: Report) -> None:
    """Zero-shot intents: English labels alone, and in the arms with a lexicon English and pseudo-labelled together."""
    config = stage.config
    pivot = languages.parse(config.data.pivot)
    english, dev = data.intents(pivot, "train"), data.intents(pivot, "dev")
    trainings: dict[str, list[Pair]] = {"train=en": []}
    if config.evaluate.pseudo_labelled:
        trainings["train=en+pseudo"] = pseudo_labelled(stage)
    for number, (setting, pseudo) in enumerate(trainings.items()):
        report(Progress(3 + 4 * number, 10, note=f"intents {setting}"))
        classifier = zero_shot.fine_tune(model, tokenizer, english, pseudo, dev, config.evaluate, stage.seed)
        for lang in measured(config):
            test = data.intents(lang, config.evaluate.split)
            if test:
                rows.accuracy(stage.variant, lang, classifier.correct(test), setting)


def _alignment(stage: Stage, model: Model, tokenizer: TextTokenizer, rows: Rows, report: Report) -> None:
    """Retrieval of translations by every layer, of the pivot with each language of the parallel sentences."""
    config = stage.config
    read_as = reader.own(stage.variant, model, tokenizer, config.objective, config.pretrain.length)
    settings = Settings(probes=("retrieval",), methods=ALIGNMENT_METHODS)
    for name in config.evaluate.parallel:
        found = sentences.pinned(name, config.data.pivot, config.evaluate.parallel_sentences)
        with tempfile.TemporaryDirectory(dir=stage.folder, prefix="vectors-") as scratch:
            total = probe.steps(read_as, found, settings)
            store = Store(Path(scratch))
            measured_rows = probe.probe(read_as, found, lambda *_: None, settings, store, with_floors=False)
            for number, row in enumerate(measured_rows):
                rows.alignment(stage.variant, name, row)
                report(Progress(number // (2 * len(ALIGNMENT_METHODS)), total, note=f"{name} {row.lang}"))


def _cost(stage: Stage, model: Model, tokenizer: TextTokenizer, rows: Rows) -> None:
    """Parameters, the tokens read in all of the training, its operations, and those of reading a token afterwards.

    What a base that was there already took is not known, and left out. Operations are counted of our own models alone.
    """
    config, length = stage.config, stage.config.pretrain.length
    trained = []
    own = stage.inputs["model"]
    if not config.pretrain.start:
        base = own.inputs["base"] if config.adapt.resources else own
        trained.append((base.folder, config.pretrain.steps, config.pretrain.batch_size))
    if config.adapt.resources:
        trained.append((own.folder, config.adapt.steps, config.adapt.batch_size))
    tokens = sum(read_curve(folder / "metrics.jsonl", "", "num_tokens").values[-1] for folder, _, _ in trained)
    total, embedding = cost.parameters(model)
    rows.cost("parameters", total, "parameters")
    rows.cost("parameters", total - embedding, "parameters", "without embeddings")
    rows.cost("training_tokens", float(tokens), "tokens")
    if isinstance(model, Published):
        return
    formula = compiled = 0.0
    for _, steps, batch_size in trained:
        counted = cost.step(config, tokenizer, batch_size)
        formula += steps * counted.formula
        compiled += steps * counted.compiled
    rows.cost("training_flops", formula, "FLOPs", "formula")
    rows.cost("training_flops", compiled, "FLOPs", "compiled program")
    per_token = cost.reading(config.model, tokenizer.vocab.size, length)
    rows.cost("inference_flops_per_token", per_token, "FLOPs", f"context={length}")


def _write_manifest(stage: Stage) -> None:
    found = licences(stage.config.data.source)
    sources: dict[str, Any] = {"revision": stage.identity["data_revision"]}
    sources["licences"] = [[one.source, one.licence, one.citation] for one in found]
    folders = {role: source.folder.name for role, source in stage.inputs.items()}
    devices = [f"{device.platform}:{device.device_kind}" for device in jax.devices()]
    write_json(stage.folder / "manifest.json", manifest(devices, stage.seed, sources, folders))
    shutil.copyfile(stage.inputs["model"].folder / "metrics.jsonl", stage.folder / "metrics.jsonl")
