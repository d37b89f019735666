"""A corpus as shards (JSON lines), and work on it as pure shard -> shard functions with done-markers.

A finished output has a marker beside it, `<name>.done.json`, that says of which input, by which settings, it was made.
A marker is written after the output is whole and under its name. So whatever is killed, wherever, the same command
redoes the shards that have no right marker and nothing else; outputs are the same bytes for any number of workers, and
several hosts may each do their part (`part=(i, n)`).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.files import atomic_open, content_hash, read_json, sha256_file, write_json
from workbench.records import Document
from workbench.sources.lines import Report, reject
from workbench.sources.text import json_objects

Say = Callable[[str], None]
Counts = dict[str, int]
Work = Callable[[Path, Path], Counts]  # (input, output) -> counts; pure: the same input gives the same bytes


def to_json(document: Document) -> str:
    """One line of a shard. All fields stand there, empty ones too."""
    row = {
        "id": document.id,
        "text": document.text,
        "lang": document.lang.tag,
        "source": document.source,
        "parents": list(document.parents),
    }
    return json.dumps(row, ensure_ascii=False)


def write(documents: Iterable[Document], folder: Path, rows_per_shard: int = 50_000) -> list[Path]:
    """Cut a stream of documents into shards `00000.jsonl`, `00001.jsonl`, …; one line is in memory at a time.

    Shards that an earlier, longer stream left in the folder are removed.
    """
    if rows_per_shard < 1:
        raise BadInput(f"rows per shard: wanted at least 1, got {rows_per_shard}")
    paths: list[Path] = []
    stream = iter(documents)
    while (first := next(stream, None)) is not None:
        path = folder / f"{len(paths):05d}.jsonl"
        with atomic_open(path) as file:
            file.write(f"{to_json(first)}\n".encode())
            for _, document in zip(range(rows_per_shard - 1), stream, strict=False):
                file.write(f"{to_json(document)}\n".encode())
        paths.append(path)
    if not paths:
        raise BadInput(f"{folder}: no document to write; is the input empty, or was everything left out?")
    prune(folder, {path.stem for path in paths})
    return paths


def prune(folder: Path, stems: Collection[str]) -> None:
    """Remove the shards that an earlier run left in a folder beside those of `stems`, with their markers.

    A shard is known by its marker, or by its name, `00000.jsonl`; other files stay.
    """
    there = list(folder.iterdir()) if folder.is_dir() else []
    marked = {path.name.removesuffix(".done.json") for path in there if path.name.endswith(".done.json")}
    for path in there:
        stem = path.name.removesuffix(".done.json") if path.name.endswith(".done.json") else path.stem
        if stem not in stems and (stem in marked or re.fullmatch(r"[0-9]{5}\.jsonl", path.name)):
            path.unlink(missing_ok=True)


def read(path: Path, report: Report | None = None) -> Iterator[Document]:
    """The documents of one shard.

    Raises: BadInput at file:line.
    """
    if path.is_file() and path.stat().st_size == 0:
        return  # a shard of which nothing was kept
    for where, row in json_objects(path, report):
        key, text, tag, parents = row.get("id"), row.get("text"), row.get("lang"), row.get("parents", [])
        texts = isinstance(key, str) and isinstance(text, str) and isinstance(tag, str)
        if not texts or not isinstance(parents, list) or not all(isinstance(parent, str) for parent in parents):
            reject(report, where, "wanted the texts id, text, lang, and parents as a list of texts", str(row))
            continue
        if report is not None:
            report.rows += 1
        yield Document(str(key), str(text), languages.parse(str(tag)), str(row.get("source", "")), tuple(parents))


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did: inputs done now, inputs that were done before, and the counts of both together."""

    now: tuple[str, ...]
    before: tuple[str, ...]
    counts: Counts


def run(
    work: Work,
    inputs: Sequence[Path],
    folder: Path,
    settings: Any,
    say: Say,
    *,
    suffix: str = ".jsonl",
    workers: int = 1,
    part: tuple[int, int] = (0, 1),
) -> Done:
    """Apply `work` to each input that is this part's, unless its marker says that it is done already.

    `settings` is whatever the outcome depends on beside the input, as JSON: a marker made under others does not count.
    `work` must be a module's function, or a `functools.partial` of one: worker processes are spawned.

    Raises: BadInput where a shard is wrong; Unavailable where a worker was killed (the same command continues).
    """
    if len({path.stem for path in inputs}) != len(inputs):
        raise BadInput(f"{folder}: two inputs of one name among {[path.name for path in inputs[:6]]}; rename one")
    index, count = part
    if not 0 <= index < count or workers < 1:
        raise BadInput(f"part {index}/{count} with {workers} workers: wanted 0 <= i < n, and at least one worker")
    mine = sorted(inputs)[index::count]
    identity = content_hash(settings)
    before: list[Path] = []
    todo: list[Path] = []
    for path in mine:
        marker = folder / f"{path.stem}.done.json"
        (before if _is_done(marker, path, folder / f"{path.stem}{suffix}", identity) else todo).append(path)
    folder.mkdir(parents=True, exist_ok=True)
    for path in todo:  # of a process that was killed
        for leftover in folder.glob(f".{path.stem}{suffix}.*.tmp"):
            leftover.unlink(missing_ok=True)
    for number, path in enumerate(_each(work, todo, folder, suffix, identity, workers), 1):
        say(f"{folder.name}: {number} of {len(todo)} shards done ({path.name}); {len(before)} were done before")
    counts: Counts = {}
    for path in mine:
        for name, number in read_json(folder / f"{path.stem}.done.json")["counts"].items():
            counts[name] = counts.get(name, 0) + number
    return Done(tuple(path.name for path in todo), tuple(path.name for path in before), counts)


def missing(inputs: Sequence[Path], folder: Path, settings: Any, suffix: str = ".jsonl") -> list[str]:
    """The inputs that have no right marker yet: what another part, or host, has still to do.

    Outputs are not read for this (`run` reads those of its own part): many hosts ask, each for all.
    """
    identity = content_hash(settings)
    return [
        path.name
        for path in sorted(inputs)
        if not _is_marked(folder / f"{path.stem}.done.json", path, folder / f"{path.stem}{suffix}", identity)
    ]


def _each(work: Work, todo: Sequence[Path], folder: Path, suffix: str, identity: str, workers: int) -> Iterator[Path]:
    if workers == 1 or len(todo) <= 1:
        for path in todo:
            _do(work, path, folder, suffix, identity)
            yield path
        return
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(todo)), mp_context=spawned) as pool:
        running = {pool.submit(_do, work, path, folder, suffix, identity): path for path in todo}
        try:
            for finished in as_completed(running):
                finished.result()
                yield running[finished]
        except BrokenProcessPool as error:
            raise Unavailable(
                f"{folder}: a worker process was killed (out of memory?). Finished shards are kept; the same command "
                "does the others, with fewer --workers if memory was short"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _do(work: Work, path: Path, folder: Path, suffix: str, identity: str) -> None:
    output, marker = folder / f"{path.stem}{suffix}", folder / f"{path.stem}.done.json"
    marker.unlink(missing_ok=True)  # from here on the old output is not vouched for
    counts = work(path, output)
    made = {"input": sha256_file(path), "settings": identity, "output": sha256_file(output), "counts": counts}
    write_json(marker, made | {"size": os.stat(output).st_size, "mtime": os.stat(path).st_mtime_ns})


def _is_done(marker: Path, path: Path, output: Path, identity: str) -> bool:
    """Whether the marker speaks of this input and these settings, and its output lies there whole."""
    return _is_marked(marker, path, output, identity) and read_json(marker).get("output") == sha256_file(output)


def _is_marked(marker: Path, path: Path, output: Path, identity: str) -> bool:
    if not marker.is_file() or not output.is_file():
        return False
    made = read_json(marker)
    if not isinstance(made, dict) or made.get("settings") != identity or made.get("size") != output.stat().st_size:
        return False
    unchanged = made.get("mtime") == path.stat().st_mtime_ns  # else its bytes decide
    return unchanged or made.get("input") == sha256_file(path)
