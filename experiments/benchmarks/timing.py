"""Variants timed in turns within one run: what else loads the machine then meets all of them alike."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.runs import memory

Clock = Literal["wall", "cpu"]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Units: cpu in seconds summed over all threads and ended child processes."""

    wall: float
    cpu: float


Variant = Callable[[], Seconds | None]  # None: timed here; a variant that runs in another process times itself


@dataclass(frozen=True, slots=True)
class Machine:
    """Units: cores that this process may use; load1, the load average of the minute before (near 0: quiet)."""

    cpu: str
    cores: int
    load1: float
    system: str
    python: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster: median over rounds, and the quartiles that show the spread."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of each variant in each round."""

    machine: Machine
    rounds: int
    seconds: dict[str, list[Seconds]]

    def each(self, name: str, clock: Clock) -> list[float]:
        return [getattr(seconds, clock) for seconds in self.seconds[name]]

    def median(self, name: str, clock: Clock) -> float:
        return statistics.median(self.each(name, clock))

    def ratio(self, name: str, peer: str, clock: Clock = "cpu") -> Ratio:
        """How many times faster `name` is than `peer`, round by round: load that drifts cancels within a round."""
        pairs = zip(self.each(name, clock), self.each(peer, clock), strict=True)
        low, median, high = quartiles([theirs / ours for ours, theirs in pairs])
        return Ratio(median, low, high)

    def record(self, ours: str) -> dict[str, Any]:
        """What a result file holds: medians per variant, ratios of `ours` to every other, each round's seconds."""
        peers = [name for name in self.seconds if name != ours]
        return {
            "machine": asdict(self.machine),
            "rounds": self.rounds,
            "seconds": {name: {clock: self.median(name, clock) for clock in ("wall", "cpu")} for name in self.seconds},
            "ratios": {
                peer: {clock: asdict(self.ratio(ours, peer, clock)) for clock in ("wall", "cpu")} for peer in peers
            },
            "each_round": {name: [asdict(seconds) for seconds in found] for name, found in self.seconds.items()},
        }


@contextmanager
def as_worker(yes: bool) -> Iterator[None]:
    """A process started in here, if `yes` and on one core, finds what `workbench run` sets for its workers."""
    if not yes or machine().cores > 1:
        yield
        return
    from workbench.config import Where
    from workbench.stages.scheduler import worker_environment

    before = dict(os.environ)
    os.environ.update(worker_environment(Where()) | {"PJRT_NPROC": "1"})  # one thread, as every other side has
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _begin(serve: Callable[..., None], keeps: bool, *arguments: Any) -> None:
    if keeps:
        memory.keep_freed()
    serve(*arguments)


class Remote:
    """One side of a comparison in a process of its own, where `serve(*arguments, pipe)` answers until None comes.

    With `keeps`, it keeps freed memory as our workers do; without, it has the allocator as it comes.
    """

    def __init__(self, serve: Callable[..., None], *arguments: Any, ours: bool, keeps: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_begin, args=(serve, ours or keeps, *arguments, theirs))
        with as_worker(ours):
            self.process.start()
        theirs.close()

    def ask(self, message: Any) -> Any:
        self.pipe.send(message)
        return self.pipe.recv()

    def end(self) -> None:
        self.pipe.send(None)
        self.process.join()


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """First quartile, median, third quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high


def machine() -> Machine:
    """The machine as it is now; call it before the work that is measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return Machine(
        cpu=names[0] if names else platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        load1=round(os.getloadavg()[0], 2),
        system=platform.platform(),
        python=platform.python_version(),
    )


def cpu_seconds() -> float:
    """CPU time of this process, all its threads, and its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def timed(work: Callable[[], object]) -> Seconds:
    wall, cpu = time.perf_counter(), cpu_seconds()
    work()
    return Seconds(time.perf_counter() - wall, cpu_seconds() - cpu)


def interleave(variants: Mapping[str, Variant], rounds: int, warm_up: int = 1) -> Comparison:
    """Run every variant once per round, in turns that start one place later each round; warm-up rounds don't count."""
    here = machine()
    names = list(variants)
    seconds: dict[str, list[Seconds]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            wall, cpu = time.perf_counter(), cpu_seconds()
            own = variants[name]()
            measured = own or Seconds(time.perf_counter() - wall, cpu_seconds() - cpu)
            if number >= 0:
                seconds[name].append(measured)
    return Comparison(here, rounds, seconds)


def last_line(ratios: Mapping[str, float], goals: Mapping[str, float]) -> str:
    """One JSON line to end a benchmark with: `min_ratio`, the least ratio, and which goals were missed."""
    record = {
        "min_ratio": round(min(ratios.values()), 3),
        "missed": sorted(name for name, goal in goals.items() if ratios[name] < goal),
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "goals": dict(goals),
    }
    return json.dumps(record)
