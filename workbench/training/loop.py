"""The training loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from workbench import config
from workbench.errors import Preempted
from workbench.mixture.stream import Stream
from workbench.models.encoder import Encoder
from workbench.runs.checkpoint import Checkpoints
from workbench.training import checkpoint
from workbench.training.checkpoint import load_model
from workbench.training.interrupt import stop_requests
from workbench.training.log import Log, StepLog
from workbench.training.optim import learning_rate, rule
from workbench.training.state import start
from workbench.training.step import train_step

__all__ = ["StepLog", "load_model", "train"]


def train(
    *,
    model: Encoder,
    stream: Stream,
    optim: config.Optim,
    checkpoint_every: int,
    folder: Path,
    seed: int,
    identity: str,
    tokenizer_sha256: str,
    on_step: Callable[[StepLog], None],
) -> Encoder:
    """Train for the stream's steps and return the trained model, which `folder` then holds too.

    Where `folder` has a checkpoint of the same identity and tokenizer the run goes on from it, and ends bit for bit
    where an uninterrupted one ends. `folder/metrics.jsonl` gets a line per window of steps.

    Random: dropout from (seed, "dropout"); the data order is the stream's own.
    Raises: Preempted after saving, on SIGTERM or SIGINT; WorkbenchError with step and batch where the loss is not
        finite; BadInput where the folder's checkpoint is another run's.
    """
    checkpoints = Checkpoints(folder / checkpoint.FOLDER, {"config": identity, "tokenizer": tokenizer_sha256})
    state, num_tokens = start(model, rule(optim), seed), 0
    if saved := checkpoint.restore(checkpoints, state):
        state, num_tokens = saved
    first = int(state.step)
    log = Log(folder / "metrics.jsonl", start=first, steps=stream.steps, num_tokens=num_tokens, on_step=on_step)
    try:
        with stop_requests() as asked_to_stop:
            for step in range(first, stream.steps):
                batch = stream.batch(step)
                state, metrics = train_step(state, batch, learning_rate(optim, step, stream.steps), rule=rule(optim))
                # only now the metrics of the step before are read: the device already has its next work
                log.add(metrics, int(np.count_nonzero(batch.segments)), stream.describe(step))
                done, stop = step + 1, asked_to_stop()
                if stop or done % checkpoint_every == 0 or done == stream.steps:
                    log.flush()  # before saving: a state that is not finite must never be saved
                    checkpoint.save(checkpoints, state, log.num_tokens)
                if stop and done < stream.steps:
                    raise Preempted(f"stopped after step {done} of {stream.steps}; saved in {checkpoints.folder}")
    finally:
        checkpoints.close()
        log.close()
    return state.model
