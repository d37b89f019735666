"""What a run says while it trains: one JSON line per window of steps."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import numpy as np

from workbench import files
from workbench.errors import BadInput, WorkbenchError
from workbench.models.leaves import named_leaves
from workbench.objectives.batch import Batch
from workbench.training.step import Metrics

LOG_EVERY = 10
COMPILE_EVENT = "/jax/core/compile/backend_compile_duration"


@dataclass(frozen=True, slots=True)
class StepLog:
    """A window of steps that ends with `step` updates done. Losses and rates are means over the window.

    `tokens_per_second` and `seconds_left` are of the steps alone, without looks at held-out text and checkpoints.

    Compiling and peaks of memory are the process's so far; `device_peak_bytes` is of the fullest device, None where the
    backend does not tell.
    """

    step: int
    steps: int
    loss_nats_per_token: float
    grad_norm: float
    num_tokens: int
    tokens_per_second: float
    seconds_left: float
    compile_seconds: float
    host_peak_bytes: int
    device_peak_bytes: int | None


class Log:
    """Collects each step's metrics one step late, so that reading them never keeps the device waiting."""

    def __init__(
        self, path: Path, *, start: int, steps: int, num_tokens: int, on_step: Callable[[StepLog], None]
    ) -> None:
        self.num_tokens = num_tokens
        self._folder, self._steps, self._on_step = path.parent, steps, on_step
        self._step = self._first = start
        self._clock = (time.monotonic(), start, num_tokens)  # since when rates are measured: time, step, tokens
        self._pending: tuple[Metrics, Batch, str, int] | None = None
        self._losses: list[float] = []
        self._grad_norms: list[float] = []
        self._compile_seconds = 0.0
        keep_until(path, start)
        self._file = path.open("a", encoding="utf-8")
        jax.monitoring.register_event_duration_secs_listener(self._compiled)

    def _compiled(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event == COMPILE_EVENT:
            self._compile_seconds += duration_secs

    def add(self, metrics: Metrics, batch: Batch, description: str) -> None:
        """Take the metrics of the step just dispatched on `batch`; an error shows what was in it."""
        self._read_pending()
        self.num_tokens += num_tokens(batch)
        self._pending = (metrics, batch, description, self.num_tokens)

    def _read_pending(self) -> None:
        if self._pending is None:
            return
        (metrics, batch, description, num_tokens), self._pending = self._pending, None
        loss, grad_norm = float(metrics.loss), float(metrics.grad_norm)
        self._step += 1
        if self._step == self._first + 1 and self._step % LOG_EVERY:  # compiling is no part of any rate
            self._clock = (time.monotonic(), self._step, num_tokens)
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            file = self._folder / f"batch-of-step-{self._step}.npz"
            with files.atomic_open(file) as opened:
                np.savez(opened, allow_pickle=False, **{k: np.asarray(v) for k, v in named_leaves(batch).items()})
            raise WorkbenchError(
                f"training: loss {loss}, gradient norm {grad_norm} at step {self._step} of {self._steps} (batch of "
                f"{description}); the last checkpoint is from before, the batch is kept in {file}; look at it, lower "
                "optim.learning_rate or optim.clip_norm"
            )
        self._losses.append(loss)
        self._grad_norms.append(grad_norm)
        if self._step % LOG_EVERY == 0:
            self._write()

    def flush(self) -> None:
        """Read what is pending and end the window here. Raises where the step went wrong: do this before a save."""
        self._read_pending()
        self._write()

    def _write(self) -> None:
        if not self._losses:
            return
        since, step_then, tokens_then = self._clock
        seconds, done = max(time.monotonic() - since, 1e-9), max(self._step - step_then, 1)
        line = StepLog(
            step=self._step,
            steps=self._steps,
            loss_nats_per_token=sum(self._losses) / len(self._losses),
            grad_norm=sum(self._grad_norms) / len(self._grad_norms),
            num_tokens=self.num_tokens,
            tokens_per_second=(self.num_tokens - tokens_then) / seconds,
            seconds_left=(self._steps - self._step) * seconds / done,
            compile_seconds=self._compile_seconds,
            host_peak_bytes=host_peak_bytes(),
            device_peak_bytes=device_peak_bytes(),
        )
        self._write_line(asdict(line))
        self._go_on()
        self._losses, self._grad_norms = [], []
        self._on_step(line)

    def held_out(self, measure: str, mean: float, by_lang: Mapping[str, float]) -> None:
        """A look at held-out text after the steps so far: `flush` first."""
        name = f"held_out_{measure}"
        self._write_line({"step": self._step, name: mean, f"{name}_by_lang": dict(by_lang)})
        self._go_on()

    def saved(self, seconds: float) -> None:
        """A checkpoint after the steps so far, which held up the loop for `seconds`."""
        self._write_line({"step": self._step, "checkpoint_blocked_seconds": seconds})
        self._go_on()

    def _go_on(self) -> None:
        self._clock = (time.monotonic(), self._step, self.num_tokens)

    def _write_line(self, line: Mapping[str, object]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        jax.monitoring.unregister_event_duration_listener(self._compiled)
        self._file.close()


def num_tokens(batch: Batch) -> int:
    """Tokens read, by encoder and decoder, that are not padding."""
    read = np.count_nonzero(batch.segments)
    return int(read if batch.decoder is None else read + np.count_nonzero(batch.decoder.segments))


def host_peak_bytes() -> int:
    """The most memory that the process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts kibibytes


def device_peak_bytes() -> int | None:
    """The most memory that was in use on one device of this process; None where the backend does not tell."""
    peaks = [stats.get("peak_bytes_in_use") for device in jax.local_devices() if (stats := device.memory_stats())]
    return max((peak for peak in peaks if peak is not None), default=None)


def keep_until(path: Path, step: int) -> None:
    """Drop the lines after `step`: what a killed run had done since its last checkpoint will be done again."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return
    lines = path.read_text("utf-8").split("\n")[:-1]  # the last line may be torn; a whole one ends with a newline
    kept = []
    for number, line in enumerate(lines, 1):
        try:
            if json.loads(line)["step"] > step:
                break
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise BadInput(f"{path}:{number}: wanted a line of metrics, got {line[:80]!r}; delete the file") from error
        kept.append(line + "\n")
    files.write_text(path, "".join(kept))
