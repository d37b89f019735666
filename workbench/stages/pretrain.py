"""Stage `base`: masked-LM pretraining on the skewed mixture of the base languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from workbench import models
from workbench.config import Config
from workbench.files import content_hash, write_json
from workbench.mixture import weights
from workbench.mixture.stream import Stream
from workbench.objectives.batch import Rows
from workbench.objectives.mlm import MaskedLM
from workbench.stages.plan import Stage
from workbench.stages.progress import Progress, Report
from workbench.stages.tokenize import MODEL, read_corpus
from workbench.tokenizer.processor import Tokenizer
from workbench.training.loop import StepLog, train


def run(stage: Stage, report: Report) -> None:
    config = stage.config
    tokenizer = Tokenizer.load(stage.inputs["tokenizer"].folder / MODEL)
    rows = read_corpus(stage.inputs["corpus"].folder, config)
    num_rows = config.pretrain.steps * config.pretrain.batch_size
    stream = Stream(
        rows,
        base_shares(config, rows, num_rows),
        objective(config, tokenizer),
        steps=config.pretrain.steps,
        batch_size=config.pretrain.batch_size,
        seed=stage.seed,
    )
    write_mixture(stage.folder, stream)
    train(
        model=models.build(config.model, tokenizer.vocab.size, stage.seed),
        stream=stream,
        optim=config.pretrain.optim,
        checkpoint_every=config.pretrain.checkpoint_every,
        folder=stage.folder,
        seed=stage.seed,
        identity=content_hash(stage.identity),
        tokenizer_sha256=tokenizer.sha256,
        on_step=reporter(report),
    )


def base_shares(config: Config, rows: dict[str, Rows], num_rows: int) -> dict[str, float]:
    """The pretraining mixture's shares for a run of `num_rows` rows."""
    counts = {tag: len(packed) for tag, packed in rows.items()}
    train_config = config.pretrain
    return weights.shares(
        counts, train_config.mixture, num_rows, pivot=config.data.pivot, pivot_share=train_config.pivot_share
    )


def objective(config: Config, tokenizer: Tokenizer) -> MaskedLM:
    vocab = tokenizer.vocab
    return MaskedLM(config.objective, vocab.size, vocab.mask, vocab.first_byte, tokenizer.starts_word)


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
