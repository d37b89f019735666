"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

import jax
from jax.sharding import Mesh

from workbench import config, models
from workbench.errors import BadInput, Preempted
from workbench.mixture.stream import Batches
from workbench.models.changes import whole
from workbench.runs.checkpoint import Checkpoints
from workbench.training import checkpoint
from workbench.training.checkpoint import Progress, load_model
from workbench.training.interrupt import stop_requests
from workbench.training.log import LOG_EVERY, Log, StepLog
from workbench.training.losses import mean_loss
from workbench.training.mesh import any_process, place, place_batch
from workbench.training.optim import learning_rate, rule
from workbench.training.state import Trained, start
from workbench.training.step import Loss, split, train_step

__all__ = ["HeldOut", "StepLog", "load_model", "train"]


class HeldOut(Protocol):
    """What is looked at while training: a measure of each language, the lower the better."""

    @property
    def measure(self) -> str: ...

    @property
    def langs(self) -> Sequence[str]: ...

    def evaluate(self, model: Any, /) -> dict[str, float]: ...


def train(
    *,
    model: Trained,
    stream: Batches,
    optim: config.Optim,
    checkpoint_every: int,
    folder: Path,
    seed: int,
    identity: str,
    tokenizer_sha256: str,
    on_step: Callable[[StepLog], None],
    accumulate: int = 1,
    keep: config.Keep | None = None,
    validation: config.Validation | None = None,
    held_out: HeldOut | None = None,
    devices: Mesh | None = None,
    loss: Loss = mean_loss,
    frozen: models.Model | None = None,
) -> Any:
    """Train for the stream's steps and return the trained model, which `folder` then holds too.

    Where `folder` has a checkpoint of the same identity and tokenizer the run goes on from it, and ends bit for bit
    where an uninterrupted one ends. `folder/metrics.jsonl` gets a line per window of steps, per look at `held_out` and
    per checkpoint. With a patience the run may stop early, and ends with the weights of its best look.

    With `devices` the run is spread over them, of one process or of several that all call this alike, share `folder`
    and stop together when one is asked to; the first writes the log.

    What comes back is of the kind of `model`. Heads are trained and saved with their model, and are no part of it. Of
    `Changes` to the model `frozen` these alone are trained and saved; what comes back is the whole model.

    Random: dropout from (seed, "dropout"); the data order is the stream's own.
    Raises: Preempted after saving, on SIGTERM or SIGINT; WorkbenchError with step and batch where the loss is not
        finite; BadInput where the folder's checkpoint is another run's, or the validation has no such text.
    """
    looks = _Looks(validation, held_out)
    keep = keep or config.Keep()
    owner = {"config": identity, "tokenizer": tokenizer_sha256}
    checkpoints = Checkpoints(folder / checkpoint.FOLDER, owner, keep_last=keep.last, keep_every=keep.every)
    state, progress = start(model, rule(optim), seed, devices), Progress()
    rest = frozen if frozen is None or devices is None else place(frozen, frozen, devices)
    if saved := checkpoint.restore(checkpoints, state):
        state, progress = saved
    first, steps = int(state.step), stream.steps
    log_name = "metrics.jsonl" if jax.process_index() == 0 else f"metrics-{jax.process_index()}.jsonl"
    log = Log(folder / log_name, start=first, steps=steps, num_tokens=progress.num_tokens, on_step=on_step)
    try:
        with stop_requests() as asked_to_stop:
            for step in range(first, steps):
                if looks.enough(progress):
                    break
                batch = stream.batch(step)
                rate = learning_rate(optim, step, steps)
                placed = place_batch(split(batch, accumulate), devices, accumulate)
                state, metrics = train_step(
                    state, placed, rate, rule=rule(optim), parts=accumulate, devices=devices, loss=loss, frozen=rest
                )
                # only now the metrics of the step before are read: the device already has its next work
                log.add(metrics, batch, stream.describe(step))
                done, best_before = step + 1, progress.best_step
                stop = any_process(asked_to_stop, now=done % LOG_EVERY == 0)
                if looks.due(done, steps):
                    log.flush()
                    progress = looks.look(whole(state.trained, rest), done, progress, log)
                ended = done == steps or looks.enough(progress)
                if stop or ended or done % checkpoint_every == 0 or progress.best_step != best_before:
                    log.flush()  # before saving: a state that is not finite must never be saved
                    progress = replace(progress, num_tokens=log.num_tokens)
                    log.saved(checkpoint.save(checkpoints, state, progress))
                if stop and not ended:
                    raise Preempted(f"stopped after step {done} of {steps}; saved in {checkpoints.folder}")
        if progress.best_step is None:
            return whole(state.trained, rest)
        return whole(checkpoint.restore_best(checkpoints, state, progress), rest)
    finally:
        checkpoints.close()
        log.close()


class _Looks:
    """When held-out text is looked at, and what follows from it."""

    def __init__(self, settings: config.Validation | None, held_out: HeldOut | None) -> None:
        if (settings is None) != (held_out is None):
            raise BadInput("validation: wants held-out text, and that wants a validation; give both or neither")
        if settings and held_out and settings.metric is not None and settings.metric not in held_out.langs:
            raise BadInput(f"validation.metric: {settings.metric!r} has no held-out text; {list(held_out.langs)} have")
        self._settings, self._held_out = settings, held_out

    def due(self, done: int, steps: int) -> bool:
        return self._settings is not None and (done % self._settings.every == 0 or done == steps)

    def look(self, model: models.Model, done: int, progress: Progress, log: Log) -> Progress:
        assert self._settings is not None
        assert self._held_out is not None
        by_lang = self._held_out.evaluate(model)
        mean = fmean(by_lang.values())
        log.held_out(self._held_out.measure, mean, by_lang)
        if self._settings.patience is None:
            return progress
        return progress.after(done, mean if self._settings.metric is None else by_lang[self._settings.metric])

    def enough(self, progress: Progress) -> bool:
        """True where the patience is at its end."""
        patience = self._settings.patience if self._settings else None
        return patience is not None and progress.looks_since >= patience
