"""The progress of a study, on a terminal (a live line per worker) or in a log (a line every few seconds)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from workbench.stages.plan import Stage

LOG_EVERY_SECONDS = 5.0


def clock(seconds: float) -> str:
    """`75.2` -> `1m15s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


class Display:
    """Predicts the rest from what has been done: time per unit of planned cost, over this process's own work."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live: Live | None = None
        self.begun = self.last_line = time.monotonic()
        self.total = self.finished = self.skipped = 0.0
        self.running: dict[Stage, tuple[float, float, str]] = {}
        self.count = self.count_done = 0

    def start(self, plan: Sequence[Stage], waiting: Sequence[Stage]) -> None:
        """Say what will run and what is already there."""
        self.begun = self.last_line = time.monotonic()
        self.total = sum(stage.cost for stage in waiting)
        self.count = len(waiting)
        kept = len(plan) - len(waiting)
        self.console.print(f"{len(plan)} stages, {kept} already done, {len(waiting)} to run", highlight=False)
        if self.console.is_terminal and waiting:
            self.live = Live(console=self.console, refresh_per_second=4, transient=True)
            self.live.start()

    def begin(self, stage: Stage) -> None:
        self.running[stage] = (0.0, 0.0, "")

    def progress(self, stage: Stage, done: int, total: int, tokens_per_second: float, note: str) -> None:
        self.running[stage] = (done / max(total, 1), tokens_per_second, note)

    def done(self, stage: Stage, seconds: float) -> None:
        self.running.pop(stage, None)
        self.finished += stage.cost
        self.count_done += 1
        if self.live is not None:
            self.console.print(f"[green]✓[/] {stage.label} [dim]{clock(seconds)}[/]", highlight=False)

    def tick(self) -> None:
        """Redraw, or write a line if the last is old enough."""
        if self.live is not None:
            self.live.update(self._table())
        elif time.monotonic() - self.last_line >= LOG_EVERY_SECONDS:
            self.last_line = time.monotonic()
            self.console.print(" · ".join([self._headline(), *self._lines()]), highlight=False, soft_wrap=True)

    def stop(self) -> None:
        if self.live is not None:
            self.live.stop()
            self.live = None

    def _headline(self) -> str:
        elapsed = time.monotonic() - self.begun
        done = self.finished + sum(stage.cost * share for stage, (share, _, _) in self.running.items())
        share = done / self.total if self.total else 1.0
        left = clock(elapsed / share - elapsed) if share > 0.02 else "…"
        speed = sum(rate for _, rate, _ in self.running.values())
        text = f"{share:4.0%} · {self.count_done}/{self.count} stages · {clock(elapsed)} elapsed · ETA {left}"
        return text + (f" · {speed:,.0f} tokens/s" if speed else "")

    def _lines(self) -> list[str]:
        return [
            f"{stage.label} {share:.0%}{' ' + note if note else ''}" for stage, (share, _, note) in self.running.items()
        ]

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        table.add_row(f"[bold]{self._headline()}[/]")
        for line in self._lines():
            table.add_row(f"  {line}")
        return table
