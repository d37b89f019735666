"""Progress of one command with the time left: bars on a terminal; in a log a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_EVERY_SECONDS = 15.0


@dataclass(slots=True)
class Display:
    """Tasks under way, one bar each."""

    bars: Progress
    last_line: float = field(default_factory=time.monotonic)

    def task(self, name: str, total: int) -> TaskID:
        return self.bars.add_task(name, total=total, note="")

    def advance(self, task: TaskID, count: int, note: str = "") -> None:
        self.bars.update(task, advance=count, note=note)
        self._log(task, note)

    def reach(self, task: TaskID, count: int, note: str = "") -> None:
        """As `advance`, by the count so far."""
        self.bars.update(task, completed=count, note=note)
        self._log(task, note)

    def _log(self, task: TaskID, note: str) -> None:
        if not self.bars.console.is_terminal and time.monotonic() - self.last_line >= LOG_EVERY_SECONDS:
            self.last_line = time.monotonic()
            (found,) = (one for one in self.bars.tasks if one.id == task)
            done = f"{found.description} {found.completed:,.0f} of {found.total or 0:,.0f}"
            left = "…" if found.time_remaining is None else str(timedelta(seconds=round(found.time_remaining)))
            since = timedelta(seconds=round(found.elapsed or 0))
            self.bars.console.print(f"{done} · {since} · ETA {left} · {note}", highlight=False, soft_wrap=True)


@contextmanager
def shown() -> Iterator[Display]:
    """On standard error."""
    columns = (
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as found:
        yield Display(found)
