"""What the adapt stage trains beside the masked LM: batches that hold more, heads, and the sum of the losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench import languages
from workbench.errors import BadInput
from workbench.mixture.aligned import AlignedStream, SentencePairs, concept_rows, sentence_pairs
from workbench.mixture.stream import Batches, Stream
from workbench.models import Encoder, Model
from workbench.models.heads import Headed
from workbench.objectives.batch import Rows
from workbench.stages import start
from workbench.stages.corpora import read_documents, synthetic_file, targets
from workbench.stages.plan import Stage
from workbench.stages.source import leading, open_resources
from workbench.synth.concepts import Concepts, shared
from workbench.synth.lexicon import permuted
from workbench.tokenizer.processor import TextTokenizer
from workbench.training.alignment import AlignmentLoss, headed
from workbench.training.losses import mean_loss
from workbench.training.step import Loss


@dataclass(frozen=True, slots=True)
class Training:
    """What `train` is given."""

    model: Model | Headed
    stream: Batches
    loss: Loss


def training(stage: Stage, tokenizer: TextTokenizer, model: Model, stream: Stream, rows: dict[str, Rows]) -> Training:
    """The stage's `adapt.align`; without one the model, the stream and the masked LM's loss as they are."""
    settings = stage.config.adapt.align
    if not settings.any:
        return Training(model, stream, mean_loss)
    if not isinstance(model, Encoder):
        raise BadInput(f"{stage.label}: adapt.method.align: {start.ONLY_OURS}")
    tags = {pool: pool.split()[0] for pool in rows}
    found, by_pool = None, None
    if settings.concepts is not None:
        found = _concepts(stage, settings.concepts.number)
        words = {lang.tag: own for lang, own in found.words.items()}
        by_pool = {pool: concept_rows(tokenizer, rows[pool], words[tag]) for pool, tag in tags.items() if tag in words}
        if not any(np.count_nonzero(known) for known in by_pool.values()):
            raise BadInput(f"{stage.label}: no word that it reads has one of the {len(found.names)} concepts")
    pairs = _pairs(stage, tokenizer, settings.contrastive.length) if settings.contrastive is not None else None
    aligned = AlignedStream(stream, settings, tags, concepts=by_pool, pairs=pairs)
    heads = headed(
        model,
        settings,
        languages=len(aligned.languages),
        concepts=len(found.names) if found else 0,
        seed=stage.seed,
    )
    return Training(heads, aligned, AlignmentLoss(settings))


def _concepts(stage: Stage, number: int) -> Concepts:
    config = stage.config
    data = open_resources(config.data.source, stage.identity["data_revision"])
    lexicons = [data.lexicon(lang) for lang in targets(config)]
    if config.synth.permute_lexicon:
        lexicons = [permuted(lexicon, stage.seed) for lexicon in lexicons]
    pivot = languages.parse(config.data.pivot)
    read = leading(data.documents(pivot, "train"), config.data.max_train_bytes)
    return shared(lexicons, (document.text for document in read), number)


def _pairs(stage: Stage, tokenizer: TextTokenizer, length: int) -> SentencePairs:
    """Every pseudo sentence with the pivot sentence that it was made from."""
    config = stage.config
    data = open_resources(config.data.source, stage.identity["data_revision"])
    pivot = languages.parse(config.data.pivot)
    folder = stage.inputs["synth"].folder
    made = [one for lang in targets(config) for one in read_documents(synthetic_file(folder, "pseudo", lang), lang)]
    wanted = {one.parents[0] for one in made}
    texts = {one.id: one.text for one in data.documents(pivot, "train") if one.id in wanted}
    texts |= {pair.id: pair.source for pair in data.intents(pivot, "train") if pair.id in wanted}
    return sentence_pairs(tokenizer, [(texts[one.parents[0]], one.text) for one in made], length)
