"""Stage `base`: pretraining on the skewed mixture of the base languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from workbench import models
from workbench.config import Config
from workbench.evaluation.bits import built
from workbench.files import content_hash, write_json
from workbench.mixture import weights
from workbench.mixture.schedule import schedule
from workbench.mixture.stream import Stream
from workbench.objectives.batch import Rows
from workbench.objectives.build import Objective, fitted
from workbench.stages import paradigms, start
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.tokenize import MODEL, read_corpus
from workbench.stages.validation import held_out_texts
from workbench.tokenizer.kept import kept
from workbench.tokenizer.processor import TextTokenizer
from workbench.training import mesh
from workbench.training.held_out import HeldOut, measure_of
from workbench.training.loop import StepLog, train


def run(stage: Stage, report: Report) -> None:
    config = stage.config
    if config.pretrain.start:
        start.run_base(stage)
        return
    tokenizer = kept(stage.inputs["tokenizer"].folder / MODEL)
    rows = read_corpus(stage.inputs["corpus"].folder, config)
    settings = config.pretrain
    stretches = schedule(
        {tag: len(packed) for tag, packed in rows.items()},
        settings.mixture,
        settings.steps,
        settings.batch_size,
        pivot=config.data.pivot,
        pivot_share=settings.pivot_share,
    )
    if settings.inflection_share:
        made = paradigms.pretraining_rows(config, stage.identity["data_revision"], tokenizer, stage.seed)
        stretches = paradigms.beside_text(stretches, made, settings.inflection_share)
        rows |= {paradigms.pool(tag): packed for tag, packed in made.items()}
    stream = Stream(
        rows,
        stretches,
        objective(config, tokenizer, rows),
        steps=settings.steps,
        batch_size=settings.batch_size,
        seed=stage.seed,
    )
    write_mixture(stage.folder, stream)
    train(
        model=models.build(config.model, tokenizer.vocab.size, stage.seed),
        stream=stream,
        optim=settings.optim,
        checkpoint_every=settings.checkpoint_every,
        folder=stage.folder,
        seed=stage.seed,
        identity=content_hash(stage.identity),
        tokenizer_sha256=tokenizer.sha256,
        on_step=reporter(report),
        accumulate=settings.accumulate,
        keep=settings.keep,
        validation=settings.validation,
        held_out=_held_out(stage, tokenizer),
        devices=mesh.build(stage.where.mesh),
    )


def _held_out(stage: Stage, tokenizer: TextTokenizer) -> HeldOut | None:
    settings = stage.config.pretrain
    if settings.validation is None:
        return None
    texts = held_out_texts(stage, tokenizer, settings.validation, stage.config.data.pretrain)
    rows = {tag: text.rows for tag, text in texts.items()}
    return HeldOut(
        texts,
        objective(stage.config, tokenizer, rows),
        measure_of(stage.config.objective),
        batch_size=settings.batch_size // settings.accumulate,  # what fits in training fits here
        seed=stage.seed,
    )


def base_shares(config: Config, rows: dict[str, Rows], num_rows: int) -> dict[str, float]:
    """The shares for `num_rows` rows by the pretraining mixture; of a staged one, by its last stage."""
    counts = {tag: len(packed) for tag, packed in rows.items()}
    mixture, pivot_share = config.pretrain.mixture, config.pretrain.pivot_share
    last = mixture.stages[-1].mixture if mixture.kind == "staged" else mixture
    return weights.shares(counts, last, num_rows, pivot=config.data.pivot, pivot_share=pivot_share)


def objective(config: Config, tokenizer: TextTokenizer, rows: Mapping[str, Rows]) -> Objective:
    """The config's objective, in shapes as short as all of these rows allow."""
    return fitted(built(config, tokenizer), *rows.values())


def write_mixture(folder: Path, stream: Stream) -> None:
    """Keep, and print, what each language really gets: tokens, share, rows drawn, epochs."""
    rows = stream.report()
    write_json(folder / "mixture.json", [asdict(row) for row in rows])
    for row in rows:
        print(f"{row.lang:24} {row.num_tokens:9,} tokens  share {row.share:.4f}  {row.epochs:6.2f} epochs", row.warning)


def reporter(report: Report) -> Callable[[StepLog], None]:
    def on_step(log: StepLog) -> None:
        report(Progress(log.step, log.steps, log.tokens_per_second, f"loss {log.loss_nats_per_token:.2f}"))

    return on_step
