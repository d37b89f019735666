"""`workbench probe`: a quick look at what a model's layers know across languages."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import bars
from workbench.arguments import at_least
from workbench.errors import BadInput
from workbench.files import atomic_open

if TYPE_CHECKING:
    from workbench.evaluation.probe_rows import Row

PROBES = (
    "retrieval", "similarity", "space", "language", "grouping", "word-translation", "word-alignment", "round-trip"
)  # fmt: skip
METHODS = ("paper", "held-out", "centred-cosine", "cosine", "euclidean", "csls", "margin")

ONE_PAIR = "two sentences make one pair, and rsa wants three sentences or more"
ALL_THE_SAME = "all vectors are the same (of cls, layer 0 is one piece's embedding)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="folder of a finished run, of an exported or published encoder, or OWNER/NAME")
    parser.add_argument(
        "--pairs", default="embedded", help="ntrex, sib200, embedded (default), or a folder with one file per language"
    )
    parser.add_argument(
        "--languages", default="", help="tags joined by commas, e.g. cym-Latn,hye-Armn (default: all there are)"
    )
    parser.add_argument("--pivot", default="eng-Latn", help="what the languages are paired with (default: eng-Latn)")
    parser.add_argument("--every-pair", action="store_true", help="pair every language with every other, not the pivot")
    parser.add_argument("--layers", default="all", help="all (default), last, or a number; 0 is the embedding")
    parser.add_argument("--limit", type=at_least(2), help="only the first so many sentences")
    parser.add_argument("--pooling", choices=["mean", "cls", "max"], default="mean")
    parser.add_argument("--probes", default=",".join(PROBES), help=f"some of {','.join(PROBES)} (default: all)")
    parser.add_argument("--methods", default=",".join(METHODS), help=f"of retrieval: some of {','.join(METHODS)}")
    parser.add_argument(
        "--out", type=Path, help="folder for rows.jsonl, figures and map.html; NAME.jsonl: a file for the rows alone"
    )
    parser.add_argument("--cache", type=Path, help="folder for vectors (default: $WORKBENCH_DATA/representations)")
    parser.add_argument("--revision", help="of a model on the hub: a branch, tag or commit")


def run(options: argparse.Namespace) -> int:
    """Probe, write the rows, print the table."""
    from workbench.evaluation.store import Store
    from workbench.probing import probe as probing
    from workbench.probing import sentences, show
    from workbench.probing.lexicons import find
    from workbench.probing.reader import open_model
    from workbench.sources.embedded import data_home

    settings = probing.Settings(
        probes=_some("--probes", options.probes, PROBES),
        methods=_some("--methods", options.methods, METHODS),
        layers=_layers(options.layers),
        pooling=options.pooling,
        every_pair=options.every_pair,
    )
    tags = [tag.strip() for tag in options.languages.split(",") if tag.strip()]
    found = sentences.read(options.pairs, tags, options.pivot, options.limit)
    reader = open_model(options.model, options.revision)
    probing.chosen_layers(reader, settings.layers)
    folder = options.out if options.out and options.out.suffix != ".jsonl" else None
    rows_file = folder / "rows.jsonl" if folder else options.out
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    table, kept, left_out = show.Table(reader.num_layers), [], []
    for remark in show.remarks(found, settings):
        print(remark)
    with _writer(rows_file) as write, bars.shown() as display:
        total = sum(len(texts) for one in found for texts in one.texts.values())
        embedding = display.task("embedding", total)
        store = Store(options.cache or data_home() / "representations", lambda count: display.advance(embedding, count))
        measuring = display.task("measuring", sum(probing.steps(reader, one, settings) for one in found))
        for one in found:
            context = {
                "model": reader.name, "model_sha256": reader.sha256, "pairs": one.name, "pairs_sha256": one.sha256,
                "pooling": settings.pooling,
            }  # fmt: skip
            for row in probing.probe(
                reader, one, find, settings, store, lambda note: display.advance(measuring, 1, note)
            ):
                if not math.isfinite(row.value):
                    left_out.append(row)
                    continue
                write({**context, **row.to_json()})
                table.add(row)
                if folder and row.probe == "retrieval":
                    kept.append(row.to_json())
    table.print()
    for line in _reasons(left_out):
        print(line)
    if rows_file:
        print(f"rows     {rows_file}")
    if folder:
        from workbench.probing import pictures

        for path in pictures.draw(reader, found, kept, settings, store, folder):
            print(f"picture  {path}")
    return 0


def _reasons(left_out: Sequence[Row]) -> Iterator[str]:
    """Why numbers are not defined, a line for each reason."""
    by_reason: dict[str, list[Row]] = {}
    for row in left_out:
        by_reason.setdefault(ONE_PAIR if row.metric == "rsa" and row.n == 2 else ALL_THE_SAME, []).append(row)
    for why, rows in by_reason.items():
        first = f"{rows[0].metric} of {rows[0].lang}, layer {rows[0].layer}"
        yield f"left out {len(rows)} numbers that are not defined, for {why}; the first: {first}"


@contextmanager
def _writer(path: Path | None) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Writes rows, if there is where to; the file appears whole, at the end."""
    if path is None:
        yield lambda row: None
        return
    with atomic_open(path) as file:

        def write(row: dict[str, Any]) -> None:
            file.write((json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode())

        yield write


def _some(option: str, given: str, known: tuple[str, ...]) -> Any:
    chosen = tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))
    if wrong := [name for name in chosen if name not in known]:
        raise BadInput(f"{option}: {wrong[0]!r} is none of {', '.join(known)}")
    if not chosen:
        raise BadInput(f"{option}: wanted at least one of {', '.join(known)}")
    return chosen


def _layers(given: str) -> Any:
    if given in ("all", "last"):
        return given
    if not given.isdecimal():
        raise BadInput(f"--layers {given!r}: wanted all, last, or a number (0 is the embedding)")
    return int(given)
