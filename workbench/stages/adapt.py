"""Stage `adapt`: the base goes on reading, now what one arm gives each target, with the base's text replayed."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import NamedTuple, assert_never

from workbench.adaptation.lora import VOCABULARY, leaves_alone, low_rank
from workbench.adaptation.madx import adapter_names, with_adapters
from workbench.adaptation.surgery import Material, operate
from workbench.config import Adapters, Config, Resource
from workbench.config.adapt import MADX, Full, Initialise, LoRA
from workbench.errors import BadInput
from workbench.files import content_hash, write_json
from workbench.mixture.packing import pack
from workbench.mixture.stream import Stream
from workbench.models import Model
from workbench.models.changes import Changes
from workbench.models.leaves import named_leaves
from workbench.models.published import Published
from workbench.objectives.batch import Rows
from workbench.stages import align, start
from workbench.stages.corpora import arm_documents, measured, targets
from workbench.stages.plan import Stage
from workbench.stages.pretrain import base_shares, objective, reporter, write_mixture
from workbench.stages.progress import Report
from workbench.stages.source import open_resources, open_text
from workbench.stages.tokenize import MODEL, encode, read_corpus
from workbench.stages.validation import held_out_texts
from workbench.stages.vocabulary import arm_texts, pivot_texts
from workbench.synth.lexicon import permuted
from workbench.tokenizer.kept import kept
from workbench.tokenizer.processor import TextTokenizer
from workbench.training import mesh
from workbench.training.checkpoint import describe, save_model
from workbench.training.held_out import HeldOut, measure_of
from workbench.training.loop import load_model, train

CHANGES = "changes"  # in the stage's folder: what LoRA or MAD-X trained, without the model it belongs to


def run(stage: Stage, report: Report) -> None:
    config, adapt = stage.config, stage.config.adapt
    tokenizer = kept(stage.inputs["tokenizer"].folder / MODEL)
    target_rows, target_shares = _targets(stage, tokenizer)
    num_rows = adapt.steps * adapt.batch_size
    rows, shares = target_rows, target_shares
    if adapt.target_share < 1.0:
        replay = read_corpus(stage.inputs["corpus"].folder, config)
        rest = base_shares(config, replay, round(num_rows * (1.0 - adapt.target_share)))
        rows = target_rows | replay
        shares = {name: share * adapt.target_share for name, share in target_shares.items()}
        shares |= {name: share * (1.0 - adapt.target_share) for name, share in rest.items()}
    stream = Stream(
        rows,
        shares,
        objective(config, tokenizer, rows),
        steps=adapt.steps,
        batch_size=adapt.batch_size,
        seed=stage.seed,
    )
    write_mixture(stage.folder, stream)
    base = _base(stage, tokenizer)
    if isinstance(base, Published):
        describe(stage.folder, base)
    part = _part(stage, base)
    training = align.training(stage, tokenizer, base, stream, rows)
    trained = train(
        model=part.changes if part else training.model,
        frozen=part.frozen if part else None,
        stream=training.stream,
        loss=training.loss,
        optim=adapt.optim,
        checkpoint_every=adapt.checkpoint_every,
        folder=stage.folder / CHANGES if part else stage.folder,
        seed=stage.seed,
        identity=content_hash(stage.identity),
        tokenizer_sha256=tokenizer.sha256,
        on_step=reporter(report),
        accumulate=adapt.accumulate,
        keep=adapt.keep,
        validation=adapt.validation,
        held_out=_held_out(stage, tokenizer),
        devices=mesh.build(stage.where.mesh),
    )
    if part:
        save_model(stage.folder, trained, adapt.steps)
        shutil.copyfile(stage.folder / CHANGES / "metrics.jsonl", stage.folder / "metrics.jsonl")


def _base(stage: Stage, tokenizer: TextTokenizer) -> Model:
    """The base's model, over the pieces of the arm's tokenizer; `surgery.json` says where their vectors are from."""
    base, settings = stage.inputs["base"], stage.config.adapt.vocabulary
    own = kept(base.inputs["tokenizer"].folder / MODEL)
    model = load_model(base.folder, stage.config.model, own.vocab.size)
    if settings.kind == "keep":
        return model
    changed, operation = operate(
        model, own, tokenizer, settings.initialise, _material(stage, settings.initialise), stage.seed
    )
    write_json(stage.folder / "surgery.json", asdict(operation))
    return changed


class _Part(NamedTuple):
    """What is trained, and the model whose other weights stay."""

    changes: Changes
    frozen: Model


def _part(stage: Stage, base: Model) -> _Part | None:
    """None where all of the model is trained. Pieces that are new have to be learnt, whatever else is."""
    method = stage.config.adapt.method
    is_new = stage.config.adapt.vocabulary.kind != "keep"
    pieces = [name for name in VOCABULARY if is_new and name in named_leaves(base)]
    match method:
        case Full():
            return None
        case LoRA():
            return _Part(low_rank(base, method, stage.seed, pieces), base)
        case MADX():
            if isinstance(base, Published):
                raise BadInput(f"{stage.label}: adapt.method.kind 'madx': {start.ONLY_OURS}")
            adapters = Adapters(reduction=method.reduction, invertible=method.invertible)
            adapted = with_adapters(base, adapters, stage.seed)
            return _Part(leaves_alone(adapted, (*adapter_names(adapted, "language"), *pieces)), adapted)
        case _:
            assert_never(method)


def _material(stage: Stage, how: Initialise) -> Material:
    """What the initialisation reads, and nothing else."""
    config = stage.config
    match how:
        case "random" | "mean" | "subword-average":
            return Material()
        case "overlap":
            return Material(target_texts=[text for lang in targets(config) for text in arm_texts(stage, lang)])
        case "lexicon-aligned":
            data = open_resources(config.data.source, stage.identity["data_revision"])
            lexicons = [data.lexicon(lang) for lang in targets(config)]
            if config.synth.permute_lexicon:
                lexicons = [permuted(lexicon, stage.seed) for lexicon in lexicons]
            return Material(lexicons=lexicons, pivot_texts=pivot_texts(stage, config.data.max_train_bytes))
        case _:
            assert_never(how)


def _held_out(stage: Stage, tokenizer: TextTokenizer) -> HeldOut | None:
    config, settings = stage.config, stage.config.adapt
    if settings.validation is None:
        return None
    texts = held_out_texts(stage, tokenizer, settings.validation, [lang.tag for lang in measured(config)])
    return HeldOut(
        texts,
        objective(config, tokenizer, {tag: text.rows for tag, text in texts.items()}),
        measure_of(config.objective),
        batch_size=settings.batch_size // settings.accumulate,
        seed=stage.seed,
    )


def _targets(stage: Stage, tokenizer: TextTokenizer) -> tuple[dict[str, Rows], dict[str, float]]:
    """Packed rows and shares (summing to one) of every (language, resource); languages share equally."""
    data = open_text(stage.config.data.source, stage.identity["data_revision"])
    langs = targets(stage.config)
    rows: dict[str, Rows] = {}
    shares: dict[str, float] = {}
    for lang in langs:
        documents = arm_documents(stage, data, lang)
        parts = resource_shares(stage.config, list(documents))
        for resource, found in documents.items():
            name = f"{lang.tag} {resource}"
            rows[name] = pack(encode(tokenizer, [d.text for d in found], stage.config), stage.config.pretrain.length)
            shares[name] = parts[resource] / len(langs)
    return rows, shares


def resource_shares(config: Config, resources: list[Resource]) -> dict[Resource, float]:
    """How one language's share is divided: real sentences and inflection tasks get theirs, the rest is equal."""
    fixed: dict[Resource, float] = {
        "few-text": config.adapt.resource_shares.few_text,
        "inflection": config.adapt.resource_shares.inflection,
    }
    given = {resource: fixed[resource] for resource in resources if resource in fixed}
    others = [resource for resource in resources if resource not in fixed]
    if not others:
        return {resource: share / sum(given.values()) for resource, share in given.items()}
    left = (1.0 - sum(given.values())) / len(others)
    return given | dict.fromkeys(others, left)
