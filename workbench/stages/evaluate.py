"""Stage `run`: one arm's model measured on held-out text, and what a reader needs to repeat it."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import jax
import numpy as np

from workbench import languages
from workbench.evaluation import alignment, zero_shot
from workbench.evaluation.embed import sentence_embeddings
from workbench.evaluation.perplexity import masked_bits
from workbench.files import atomic_open, write_json, write_jsonl
from workbench.models.encoder import Encoder
from workbench.records import Lang, Pair
from workbench.runs.manifest import code_revision, manifest
from workbench.sources import embedded
from workbench.sources.embedded import EmbeddedData
from workbench.stages.corpora import pseudo_labelled, targets
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.rows import Rows, sentence_pairs
from workbench.stages.tokenize import MODEL
from workbench.tokenizer.processor import Tokenizer
from workbench.training.loop import load_model

MAP_SENTENCES = 30  # per language, in the embedding map


def run(stage: Stage, report: Report) -> None:
    data, config = embedded.prepare(), stage.config
    tokenizer = Tokenizer.load(stage.inputs["tokenizer"].folder / MODEL)
    model = load_model(stage.inputs["model"].folder, config.model, tokenizer.vocab.size)
    rows = Rows(stage, code_revision())
    report(Progress(0, 10, note="bits per byte"))
    _language_model(stage, data, model, tokenizer, rows)
    report(Progress(1, 10, note="retrieval"))
    _retrieval(stage, data, model, tokenizer, rows)
    report(Progress(2, 10, note="intents"))
    _intents(stage, data, model, tokenizer, rows, report)
    _write_manifest(stage, data)
    write_jsonl(stage.folder / "results.jsonl", (asdict(row) for row in rows.found))


def _language_model(stage: Stage, data: EmbeddedData, model: Encoder, tokenizer: Tokenizer, rows: Rows) -> None:
    """Masked bits per byte of every target's held-out text, and of the pivot's: what adapting made it forget."""
    config = stage.config
    pivot = languages.parse(config.data.pivot)
    langs = [*targets(config), pivot]
    documents = {lang: data.documents(lang, config.evaluate.split) for lang in langs}
    documents[pivot] = documents[pivot][: config.evaluate.pivot_documents]
    everything = [document for lang in langs for document in documents[lang]]
    found = masked_bits(model, tokenizer, everything, config.evaluate.mask_groups, seed=0)
    write_jsonl(stage.folder / "predictions" / "bits.jsonl", (asdict(one) for one in found))
    start = 0
    for lang in langs:
        part = found[start : start + len(documents[lang])]
        start += len(part)
        rows.bits(stage.variant, lang, part, "masked_bits_per_byte", f"K={config.evaluate.mask_groups}")


def _retrieval(stage: Stage, data: EmbeddedData, model: Encoder, tokenizer: Tokenizer, rows: Rows) -> None:
    config = stage.config
    pivot = languages.parse(config.data.pivot)
    shown: list[tuple[np.ndarray, Lang, list[str], list[str]]] = []
    for lang in targets(config):
        pairs = sentence_pairs(data, lang, config.evaluate.split, config.evaluate.retrieval_pairs)
        both = sentence_embeddings(model, tokenizer, [p.source for p in pairs] + [p.target for p in pairs])
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


def _intents(
    stage: Stage, data: EmbeddedData, model: Encoder, tokenizer: Tokenizer, rows: Rows, report: Report
) -> None:
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
        for lang in [*targets(config), pivot]:
            test = data.intents(lang, config.evaluate.split)
            if test:
                rows.accuracy(stage.variant, lang, classifier.correct(test), setting)


def _write_manifest(stage: Stage, data: EmbeddedData) -> None:
    sources = {
        "revision": data.revision,
        "licences": [[one.source, one.licence, one.citation] for one in embedded.licences()],
    }
    folders = {role: source.folder.name for role, source in stage.inputs.items()}
    devices = [f"{device.platform}:{device.device_kind}" for device in jax.devices()]
    write_json(stage.folder / "manifest.json", manifest(devices, stage.seed, sources, folders))
    shutil.copyfile(stage.inputs["model"].folder / "metrics.jsonl", stage.folder / "metrics.jsonl")
