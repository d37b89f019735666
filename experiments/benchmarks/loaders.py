"""Every reader of the workbench beside the reader one would use without it, in turns within one run.

    WORKBENCH_DATA=... uv run --group bench python experiments/benchmarks/loaders.py [--only NAME ...]

Beside each reader: `datasets`' own reader of that format (streaming, and its default with a fresh cache), where it has
one, and a naive one (pandas, csv, json, ElementTree, the `conllu` package, a loop). Peers get the settings with which
they lose no rows (no quoting, no `NA`). Ours does more than any peer: it checks every line, puts text in normal form C,
counts what it leaves out, and makes typed records; peers make dicts, tuples or fields.

Of three formats `datasets` gives other rows than ours: of MASSIVE it leaves the slots unparsed, of storybooks the pages
in lists of a story, and of the Bible corpus (half of whose editions write letter and accent as two characters) the text
as it comes. There its row counts in `min_ratio` with that work added ("equal work"); the bare row is shown beside it.

Writes loaders.json and loaders.md here-beside; the last line is one JSON object with `min_ratio`, the least ratio to
any reader of `datasets`, at any size, by CPU or by wall time.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

os.environ["HF_HUB_OFFLINE"] = "1"

import conllu
import datasets
import pandas
from loaders_files import Files
from timing import Comparison, interleave, last_line

from workbench import languages
from workbench.files import write_json, write_text
from workbench.sources import (
    bible,
    labeled,
    lexicon,
    lexicon_json,
    massive,
    parallel,
    sigmorphon,
    storybook,
    text,
    unimorph,
    xsid,
)
from workbench.sources import conllu as ud
from workbench.sources.lines import Report

HERE = Path(__file__).parent
STREAMING, DEFAULT = "datasets streaming", "datasets default"
ENG, CYM, SWH, DEU = (languages.parse(code) for code in ("eng", "cym", "swh", "deu"))
PLAIN: dict[str, Any] = {"sep": "\t", "quoting": csv.QUOTE_NONE, "keep_default_na": False}

Reader = Callable[[], Iterable[object]]
EQUAL = "datasets streaming, equal work"


@dataclass(frozen=True, slots=True)
class Case:
    """A format: ours, and its peers by name. `datasets` reads the same rows, unless `note` says that it does less."""

    name: str
    ours: Callable[[Report], Iterable[object]]
    peers: dict[str, Reader]
    note: str = ""  # then the peer named EQUAL is the one to compare with


def hub(kind: str, *files: Path, **settings: Any) -> dict[str, Reader]:
    """`datasets`' own readers of some files; of several, their rows side by side."""

    def streaming() -> Iterable[object]:
        found = [
            datasets.load_dataset(kind, data_files=str(file), split="train", streaming=True, **settings)
            for file in files
        ]
        return found[0] if len(found) == 1 else zip(*found, strict=True)

    def default() -> Iterator[object]:
        with tempfile.TemporaryDirectory() as cache:
            found = [
                datasets.load_dataset(kind, data_files=str(file), split="train", cache_dir=cache, **settings)
                for file in files
            ]
            yield from found[0] if len(found) == 1 else zip(*found, strict=True)

    return {STREAMING: streaming, DEFAULT: default}


def tables(path: Path, columns: list[str] | None = None) -> dict[str, Reader]:
    """Naive readers of a tab-separated file, with a header unless `columns` are given."""

    def of_pandas() -> Iterable[object]:
        frame = pandas.read_csv(path, header=None if columns else 0, names=columns, dtype=str, **PLAIN)
        return frame.itertuples(index=False)

    def of_csv() -> Iterator[object]:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)

    named = {"column_names": columns} if columns else {}
    return hub("csv", path, **named, **PLAIN) | {"pandas": of_pandas, "csv": of_csv}


def loop(*paths: Path) -> Iterator[object]:
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(path.open(encoding="utf-8")) for path in paths]
        yield from files[0] if len(files) == 1 else zip(*files, strict=True)


def objects(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def of_pandas_json(path: Path) -> Iterable[object]:
    return pandas.read_json(path, lines=True).itertuples(index=False)


def translations(path: Path) -> Iterator[object]:
    for page in objects(path):
        yield from ((page["word"], one["word"]) for one in page["translations"] if one["code"] == "cy")


def tei(path: Path) -> Iterator[object]:
    space = "{http://www.tei-c.org/ns/1.0}"
    for entry in ElementTree.parse(path).iter(f"{space}entry"):
        yield entry.findtext(f"{space}form/{space}orth"), entry.findtext(f"{space}sense/{space}cit/{space}quote")


def dix(path: Path) -> Iterator[object]:
    for entry in ElementTree.parse(path).iter("e"):
        sides = entry.find("p/l"), entry.find("p/r")
        yield tuple(" ".join(side.itertext()) for side in sides if side is not None)


def symbols(left: Path, right: Path) -> Iterator[object]:
    sides = [json.loads(path.read_text("utf-8"))["annotations"]["annotations"] for path in (left, right)]
    yield from ((about["tts"][0], sides[1][symbol]["tts"][0]) for symbol, about in sides[0].items())


def meanings(left: Path, right: Path) -> Iterable[object]:
    frames = [pandas.read_csv(path, dtype=str, **PLAIN) for path in (left, right)]
    return frames[0].merge(frames[1], on="meaning").itertuples(index=False)


def sentences(path: Path, token: int, tag: int) -> Iterator[object]:
    """Blocks of a CoNLL file by a plain loop."""
    rows: list[list[str]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip() and line[0] != "#":
                rows.append(line.split())
            elif rows and not line.strip():
                yield [row[token] for row in rows], [row[tag] for row in rows]
                rows = []


def trees(path: Path) -> Iterator[object]:
    with path.open(encoding="utf-8") as file:
        yield from conllu.parse_incr(file)


def intents(path: Path) -> Iterator[object]:
    """`datasets`' rows of MASSIVE, and of each what the published script makes: tokens and labels."""
    for row in datasets.load_dataset("csv", data_files=str(path), split="train", streaming=True, **PLAIN):
        yield row["id"], massive.tokenize(massive.parse_slots(row["annot_utt"]))


def verses_of(path: Path) -> Iterator[object]:
    """`datasets`' rows of the Bible corpus, in normal form C."""
    named = {"column_names": ["verse", "text"]}
    for row in datasets.load_dataset("csv", data_files=str(path), split="train", streaming=True, **named, **PLAIN):
        yield row["verse"], languages.nfc(row["text"])


def pages_of(path: Path) -> Iterator[object]:
    """`datasets`' stories, a row a page, in normal form C."""
    for story in datasets.load_dataset("json", data_files=str(path), split="train", streaming=True):
        for number, page in enumerate(story["pages"]):
            yield story["id"], number, languages.nfc(" ".join(page.split()))


def cases(files: Files) -> Iterator[Case]:
    """Each format, its file made just before it is read."""
    path = files.text()
    yield Case("plain text", lambda r: text.documents(path, CYM, r), {**hub("text", path), "loop": lambda: loop(path)})
    lines = files.jsonl()
    naive: dict[str, Reader] = {"json": lambda: objects(lines), "pandas": lambda: of_pandas_json(lines)}
    yield Case("JSON lines", lambda r: text.documents(lines, CYM, r), hub("json", lines) | naive)
    table = files.table()
    yield Case("TSV with a header", lambda r: text.documents(table, CYM, r), tables(table))
    packed = files.parquet()
    framed: dict[str, Reader] = {"pandas": lambda: pandas.read_parquet(packed).itertuples(index=False)}
    yield Case("parquet", lambda r: text.documents(packed, CYM, r), hub("parquet", packed) | framed)
    yield from lexicons(files)
    yield from sentences_and_words(files)


def lexicons(files: Files) -> Iterator[Case]:
    hand, mined, three = files.gatitos(), files.wechsel(), files.triples()
    two = ["source", "target"]
    yield Case("GATITOS", lambda r: lexicon.stream(hand, "gatitos", ENG, CYM, report=r), tables(hand, two))
    yield Case("WECHSEL", lambda r: lexicon.stream(mined, "wechsel", ENG, CYM, report=r), tables(mined, two))
    peers = tables(three, [*two, "pos"])
    yield Case("lexicon of three columns", lambda r: lexicon.stream(three, "triples", ENG, CYM, report=r), peers)
    book = files.freedict()
    yield Case(
        "FreeDict TEI",
        lambda r: lexicon.stream(book, "freedict", ENG, CYM, report=r),
        {"ElementTree": lambda: tei(book)},
    )
    pairs = files.apertium()
    yield Case(
        "Apertium dix",
        lambda r: lexicon.stream(pairs, "apertium", ENG, CYM, report=r),
        {"ElementTree": lambda: dix(pairs)},
    )
    sides = files.panlex()
    merged: dict[str, Reader] = {"pandas merge": lambda: meanings(*sides)}
    yield Case("PanLex", lambda r: lexicon.panlex(*sides, r), hub("csv", *sides, **PLAIN) | merged)
    pages = files.wiktextract()
    yield Case(
        "Wiktextract",
        lambda r: lexicon.stream(pages, "wiktextract", ENG, CYM, report=r),
        hub("json", pages) | {"json": lambda: translations(pages)},
    )
    names = files.annotations()
    joined: dict[str, Reader] = {"json": lambda: symbols(*names)}
    yield Case("CLDR annotations", lambda r: lexicon_json.symbol_names(*names, r), joined)


def sentences_and_words(files: Files) -> Iterator[Case]:
    cells, shared = files.unimorph(), files.sigmorphon()
    yield Case("UniMorph", lambda r: unimorph.read(cells, SWH, r), tables(cells, ["lemma", "form", "features"]))
    columns = ["lemma", "features", "form"]
    yield Case("SIGMORPHON", lambda r: sigmorphon.read(shared, 2023, DEU, r), tables(shared, columns))
    both = files.aligned()
    side_by_side: dict[str, Reader] = {"loop": lambda: loop(*both)}
    yield Case("NTREX", lambda r: parallel.aligned(*both, CYM, "ntrex", r), hub("text", *both) | side_by_side)
    flores = files.flores()
    two = [flores / "dev" / f"{code}.dev" for code in ("eng_Latn", "cym_Latn")]
    abreast: dict[str, Reader] = {"loop": lambda: loop(*two)}
    yield Case("FLORES", lambda r: parallel.flores(flores, "cym_Latn", "dev", r), hub("text", *two) | abreast)
    topics = files.sib200()
    sib = topics / "swh_Latn" / "train.tsv"
    yield Case("SIB-200", lambda r: labeled.sib200(topics, "swh_Latn", "train", r), tables(sib))
    tweets = files.afrisenti()
    afrisenti = tweets / "hau" / "train.tsv"
    yield Case("AfriSenti", lambda r: labeled.afrisenti(tweets, "hau", "train", r), tables(afrisenti))
    said, meta = files.massive(), massive.read_meta(files.massive_meta())
    parsed: dict[str, Reader] = {EQUAL: lambda: intents(said)}
    note = "`datasets` and pandas give the raw line; tokens and slot labels are parsed by ours, and at equal work"
    yield Case("MASSIVE", lambda r: massive.read_tsv(said, meta, r), tables(said) | parsed, note)
    slots = files.xsid()
    yield Case("xSID", lambda r: xsid.read(slots, SWH, r), {"loop": lambda: sentences(slots, 1, 3)})
    trees_file = files.conllu()
    yield Case(
        "CoNLL-U",
        lambda r: ud.read(trees_file, SWH, r),
        {"conllu": lambda: trees(trees_file), "loop": lambda: sentences(trees_file, 1, 3)},
    )
    names = files.masakhaner()
    yield Case("MasakhaNER", lambda r: ud.read_columns(names, SWH, "ner", r), {"loop": lambda: sentences(names, 0, 1)})
    verses = files.bible()
    composed: dict[str, Reader] = {EQUAL: lambda: verses_of(verses)}
    note = "of the Bible peers give the text as it is; ours, and equal work, put it in normal form C"
    yield Case("Bible", lambda r: bible.read(verses, SWH, r), tables(verses, ["verse", "text"]) | composed, note)
    books = files.storybook()
    by_page: dict[str, Reader] = {EQUAL: lambda: pages_of(books)}
    peers = hub("json", books) | {"json": lambda: objects(books)} | by_page
    note = "peers give a dictionary per story, ours a document per page of the stories whose licence allows it"
    yield Case("storybooks", lambda r: storybook.read(books, SWH, r), peers, note)


def drained(rows: Iterable[object]) -> int:
    return sum(1 for _ in rows)


def measured(case: Case, rounds: int) -> tuple[Comparison, int, dict[str, str]]:
    """(times, rows that ours gives, peers that fail and how)."""
    failed: dict[str, str] = {}
    for name, peer in case.peers.items():
        try:
            drained(peer())
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
    rows = drained(case.ours(Report()))
    variants: dict[str, Any] = {"workbench": lambda: drained(case.ours(Report())) and None}
    for name, peer in case.peers.items():
        if name not in failed:
            variants[name] = lambda peer=peer: drained(peer()) and None
    return interleave(variants, rounds, warm_up=0), rows, failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("WORKBENCH_DATA", ".")), help="the data pack")
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[], help="names of formats, as in the table; writes no files")
    options = parser.parse_args()
    datasets.disable_progress_bars()
    found: dict[str, dict[str, Any]] = {}
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            for case in cases(Files(options.data, Path(folder), rows)):
                if options.only and case.name not in options.only:
                    continue
                times, num_rows, failed = measured(case, options.rounds)
                record = times.record("workbench") | {"rows": num_rows, "failed": failed, "note": case.note}
                found[f"{case.name}, {rows:,} rows"] = record
                ratios = {peer: round(ratio["cpu"]["median"], 2) for peer, ratio in record["ratios"].items()}
                print(
                    f"{case.name}: {num_rows:,} rows, {speed(record, 'workbench'):,.0f}/s; times faster: {ratios}",
                    flush=True,
                )
    ratios = {
        f"{name}, {peer}, {clock}": record["ratios"][peer][clock]["median"]
        for name, record in found.items()
        for peer in ((EQUAL,) if record["note"] else (STREAMING, DEFAULT))
        if peer in record["ratios"]
        for clock in ("cpu", "wall")
    }
    if not options.only:
        write_json(HERE / "loaders.json", found)
        write_text(HERE / "loaders.md", markdown(found))
    print(last_line(ratios, dict.fromkeys(ratios, 1.0)) if ratios else "{}")


def speed(record: dict[str, Any], name: str) -> float:
    """Units: rows per CPU second, of the rows that ours gives."""
    return float(record["rows"] / record["seconds"][name]["cpu"])


def markdown(found: dict[str, dict[str, Any]]) -> str:
    """The table; the last of several sizes of a format is shown, the others stand in the JSON."""
    shown = {name.rpartition(",")[0].rpartition(",")[0] or name: record for name, record in found.items()}
    machine = next(iter(found.values()))["machine"]
    out = [
        "# Rows per second of each reader",
        "",
        f"Written by `loaders.py`. {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, load "
        f"{machine['load1']} at the start. Thousand rows per CPU second (median of rounds, in turns); in brackets how "
        "many times faster ours is. Peers do less: see the head of `loaders.py`. Sizes and wall times: `loaders.json`.",
        "",
        f"| format | rows | workbench | {STREAMING} | {DEFAULT} | others |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for name, record in shown.items():

        def cell(peer: str, record: dict[str, Any] = record) -> str:
            if peer in record["failed"]:
                return "fails"
            if peer not in record["seconds"]:
                return "-"
            return f"{speed(record, peer) / 1e3:,.0f} ({record['ratios'][peer]['cpu']['median']:.2f})"

        others = [peer for peer in record["seconds"] if peer not in {"workbench", STREAMING, DEFAULT}]
        others = [f"{peer} {cell(peer)}" for peer in others] + [
            f"{p} fails" for p in record["failed"] if p not in (STREAMING, DEFAULT)
        ]
        own = f"{speed(record, 'workbench') / 1e3:,.0f}"
        mark = "*" if record["note"] else ""
        out.append(
            f"| {name}{mark} | {record['rows']:,} | {own} | {cell(STREAMING)} | {cell(DEFAULT)} | {'; '.join(others)} |"
        )
    notes = [f"\\* {record['note']}." for record in shown.values() if record["note"]]
    fails = [f"`{peer}` on {name}: {how}" for name, record in shown.items() for peer, how in record["failed"].items()]
    return "\n".join([*out, "", *notes, *fails, ""])


if __name__ == "__main__":
    main()
