"""What a run says while it trains: one JSON line per window of steps."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench import files
from workbench.errors import BadInput, WorkbenchError
from workbench.training.step import Metrics

LOG_EVERY = 10


@dataclass(frozen=True, slots=True)
class StepLog:
    """A window of steps that ends with `step` updates done. Losses and rates are means over the window."""

    step: int
    steps: int
    loss_nats_per_token: float
    grad_norm: float
    num_tokens: int
    tokens_per_second: float
    seconds_left: float


class Log:
    """Collects each step's metrics one step late, so that reading them never keeps the device waiting."""

    def __init__(
        self, path: Path, *, start: int, steps: int, num_tokens: int, on_step: Callable[[StepLog], None]
    ) -> None:
        self.num_tokens = num_tokens
        self._steps, self._on_step = steps, on_step
        self._step = self._first = start
        self._clock = (time.monotonic(), start, num_tokens)  # since when rates are measured: time, step, tokens
        self._pending: tuple[Metrics, str, int] | None = None
        self._losses: list[float] = []
        self._grad_norms: list[float] = []
        keep_until(path, start)
        self._file = path.open("a", encoding="utf-8")

    def add(self, metrics: Metrics, num_tokens: int, batch: str) -> None:
        """Take the metrics of the step just dispatched; `batch` says, for an error, what was in it."""
        self._read_pending()
        self.num_tokens += num_tokens
        self._pending = (metrics, batch, self.num_tokens)

    def _read_pending(self) -> None:
        if self._pending is None:
            return
        (metrics, batch, num_tokens), self._pending = self._pending, None
        loss, grad_norm = float(metrics.loss), float(metrics.grad_norm)
        self._step += 1
        if self._step == self._first + 1 and self._step % LOG_EVERY:  # compiling is no part of any rate
            self._clock = (time.monotonic(), self._step, num_tokens)
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            raise WorkbenchError(
                f"training: loss {loss}, gradient norm {grad_norm} at step {self._step} of {self._steps} "
                f"(batch of {batch}); the last checkpoint is from before; lower optim.learning_rate or optim.clip_norm"
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
        )
        self._file.write(json.dumps(asdict(line)) + "\n")
        self._file.flush()
        self._clock = (time.monotonic(), self._step, self.num_tokens)
        self._losses, self._grad_norms = [], []
        self._on_step(line)

    def close(self) -> None:
        self._file.close()


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
