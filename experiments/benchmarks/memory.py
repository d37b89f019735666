"""Peak memory of readers and of the corpus pipeline from 10^5 to 10^7 lines, each in a process of its own.

    uv run python experiments/benchmarks/memory.py [--lines N ...] [--only NAME ...] [--write]

Files are generated (about 60 bytes a line, every tenth a repetition) and removed again: 10^7 lines take some 3 GB while
they are there, and near-duplicates 656 bytes a line more. Memory is the process' peak resident set (`VmHWM`, so Linux
only). With --write, what was measured takes its place in memory.json and memory.md here-beside. The last line is JSON:
`max_growth`: the most that any of them grew from its smallest size to its largest, as a factor of the whole peak.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from timing import machine

from workbench import languages
from workbench.files import read_json, write_json, write_text
from workbench.records import Document
from workbench.sources import corpus, lexicon, shards, text, unimorph
from workbench.sources.dedup import Near
from workbench.sources.lines import Report

HERE = Path(__file__).parent
CYM, ENG = languages.parse("cym"), languages.parse("eng")
READERS = ("plain text", "JSON lines", "TSV", "parquet", "lexicon", "UniMorph")
PIPELINES = ("shard", "clean, exact duplicates", "clean, near duplicates")


SYLLABLES = [consonant + vowel for consonant in "bcdfghlmnprstw" for vowel in "aeiouwy"]
STRIDES = (1, 7919, 104_729, 1_299_709, 15_485_863, 32_452_843, 49_979_687, 67_867_967)


def lines(number: int) -> Iterator[str]:
    """Eight words of made-up ones each, so that lines are near each other only where one repeats another."""
    for each in range(number):
        at = each - 7 if each % 10 == 9 else each
        yield " ".join(_word(at * stride // 3 + place) for place, stride in enumerate(STRIDES))


def _word(number: int) -> str:
    first, rest = divmod(number, len(SYLLABLES))
    second, third = divmod(first, len(SYLLABLES))
    return SYLLABLES[rest] + SYLLABLES[second % len(SYLLABLES) - 1] + SYLLABLES[third % 7]


def write(folder: Path, what: str, number: int) -> Path:
    """The file that a reader is to read."""
    match what:
        case "plain text" | "shard":
            return _write(folder / "lines.txt", lines(number))
        case "JSON lines":
            rows = (f'{{"id": "d{each}", "text": "{line}"}}' for each, line in enumerate(lines(number)))
            return _write(folder / "lines.jsonl", rows)
        case "TSV":
            return _write(folder / "lines.tsv", _table(number))
        case "lexicon":
            return _write(folder / "lexicon.txt", (f"word {each}\tgair {each}" for each in range(number)))
        case "UniMorph":
            return _write(folder / "cym", (f"lemma{each}\tffurf{each}\tN;SG;{each % 40}" for each in range(number)))
        case "parquet":
            import pyarrow
            from pyarrow import parquet

            path = folder / "lines.parquet"
            with parquet.ParquetWriter(path, pyarrow.schema([("text", pyarrow.string())])) as file:
                stream = lines(number)
                while batch := [line for line, _ in zip(stream, range(10_000), strict=False)]:
                    file.write_table(pyarrow.table({"text": batch}))
            return path
        case _:
            raise AssertionError(what)


def _table(number: int) -> Iterator[str]:
    yield "id\ttext"
    yield from (f"d{each}\t{line}" for each, line in enumerate(lines(number)))


def _write(path: Path, rows: Iterator[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{row}\n" for row in rows)
    return path


def work(what: str, path: Path) -> None:
    """What a child process does: read the file to its end, or run a pipeline."""
    report = Report()
    match what:
        case "nothing":
            pass
        case "plain text" | "JSON lines" | "TSV" | "parquet":
            for _ in text.documents(path, CYM, report):
                pass
        case "lexicon":
            for _ in lexicon.stream(path, "wechsel", ENG, CYM, report=report):
                pass
        case "UniMorph":
            for _ in unimorph.read(path, CYM, report):
                pass
        case "shard":
            shards.write(text.documents(path, CYM, report), path.parent / "shards")
        case "clean, exact duplicates" | "clean, near duplicates":
            settings = corpus.Settings(near=Near() if "near" in what else None)
            corpus.prepare(sorted((path / "shards").glob("*.jsonl")), path / "out", settings, lambda line: None)
        case _:
            raise AssertionError(what)


def child(what: str, path: Path) -> dict[str, float]:
    """Peak memory in MB and CPU seconds of a process that does it."""
    command = [sys.executable, __file__, "--work", what, "--path", str(path)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_mb() -> float:
    """The peak resident set of this process (`ru_maxrss` would count what its parent had when it was forked)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def documents(number: int) -> Iterator[Document]:
    for each, line in enumerate(lines(number)):
        yield Document(f"d{each}", line, CYM, "made")


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measured(what: str, number: int, folder: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        if what in READERS or what == "shard":
            return child(what, write(place, what, number))
        shards.write(documents(number), place / "shards")
        found = child(what, place)
        return found | {"state_bytes_a_line": round(size_of(place / "out" / "sign") / number, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--near-lines", type=int, nargs="+", help="as --lines, for near duplicates (0.2 ms a line)")
    parser.add_argument("--only", nargs="+", default=[*READERS, *PIPELINES])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the files are made")
    parser.add_argument("--write", action="store_true", help="put what was measured into memory.json and memory.md")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.path)
        print(json.dumps({"mb": round(peak_mb(), 1), "cpu": round(time.process_time(), 1)}))
        return
    here = machine()
    bare = child("nothing", options.folder)["mb"]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for what in options.only:
        sizes = options.near_lines or options.lines if "near" in what else options.lines
        for number in sizes:
            one = measured(what, number, options.folder)
            found.setdefault(what, {})[str(number)] = one
            print(f"{what}, {number:,} lines: {one['mb']} MB at most, {one['cpu']} CPU s", flush=True)
    growth = {what: list(sizes.values())[-1]["mb"] / next(iter(sizes.values()))["mb"] for what, sizes in found.items()}
    if options.write:
        known = read_json(HERE / "memory.json") if (HERE / "memory.json").is_file() else {"measured": {}}
        every = {what: known["measured"].get(what, {}) | found.get(what, {}) for what in (*READERS, *PIPELINES)}
        write_json(HERE / "memory.json", {"machine": asdict(here), "imports_mb": bare, "measured": every})
        write_text(HERE / "memory.md", markdown(every, bare))
    print(
        json.dumps(
            {"max_growth": round(max(growth.values()), 3), "growth": {k: round(v, 3) for k, v in growth.items()}}
        )
    )


def markdown(found: dict[str, dict[str, dict[str, float]]], bare: float) -> str:
    sizes = sorted({int(size) for sizes in found.values() for size in sizes})
    out = [
        "# Peak memory by number of lines",
        "",
        f"Written by `memory.py`. MB of the whole process (one that only imports: {bare:.0f}), then its CPU seconds.",
        "",
        "| | " + " | ".join(f"{size:,} lines" for size in sizes) + " | state on disk, bytes a line |",
        "|---|" + "---:|" * (len(sizes) + 1),
    ]
    for what, of_size in found.items():
        cells = [of_size.get(str(size)) for size in sizes]
        shown = [f"{cell['mb']:.0f} MB, {cell['cpu']:.0f} s" if cell else "-" for cell in cells]
        state = next(
            (f"{cell['state_bytes_a_line']:.0f}" for cell in reversed(cells) if cell and "state_bytes_a_line" in cell),
            "-",
        )
        out.append(f"| {what} | " + " | ".join(shown) + f" | {state} |")
    return "\n".join([*out, ""])


if __name__ == "__main__":
    main()
