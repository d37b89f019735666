"""Bilingual lexicons from every format they are published in, read strictly into `records.Lexicon`.

Without a `Report` the first row that cannot be used is an error with its file and line; with one, such rows are left
out and counted in it (the rule of `sources.lines`). Sides are put in normal form C, inner spaces made one, outer spaces
and zero-width spaces taken off; nothing else is changed. Duplicate rows are kept, in file order: they weigh.

| format        | what                                                                                              |
|---------------|---------------------------------------------------------------------------------------------------|
| `tsv`         | ours: source, target[, pos[, weight[, origin]]]; a first line of these names is a header          |
| `gatitos`     | source, target (https://github.com/google-research/url-nlp)                                        |
| `wechsel`     | source, target (https://github.com/CPJKU/wechsel, dicts/data)                                      |
| `muse`        | source and target parted by one space or tab (https://github.com/facebookresearch/MUSE)            |
| `triples`     | source, target, pos (pos may be empty): FreeDict and Apertium exports                              |
| `freedict`    | TEI P5 dictionary (https://freedict.org)                                                           |
| `apertium`    | bilingual `.dix` (https://wiki.apertium.org/wiki/Bilingual_dictionary)                             |
| `wiktextract` | JSONL of the English Wiktionary's entries (https://kaikki.org)                                     |

`panlex` and `annotations` are joined from one file per language: see `join`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Literal, assert_never, get_args

from workbench import files
from workbench.errors import BadInput
from workbench.records import Lang, Lexicon, Translation
from workbench.sources import lexicon_json, lexicon_xml
from workbench.sources.catalogue_kinds import LexiconFormat
from workbench.sources.lexicon_entry import Entry, clean_rows, entry
from workbench.sources.lines import Report, column_blocks, header, in_blocks, lines, reject, unquote

Format = LexiconFormat
PairFormat = Literal["panlex", "annotations"]

COLUMNS = ("source", "target", "pos", "weight", "origin")


def read(
    path: Path,
    format: Format,
    source: Lang,
    target: Lang,
    *,
    reverse: bool = False,
    report: Report | None = None,
    origin: str = "",
    licence: str = "",
) -> Lexicon:
    """The lexicon of a file, held in memory. `reverse`: the file is target -> source, and is turned round.

    Raises: BadInput where the file is not of this format, or holds no entry at all.
    """
    found = stream(path, format, source, target, reverse=reverse, report=report)
    return collect(found, source, target, origin or f"{format}:{path.name}", licence, where=str(path), report=report)


def join(
    source_path: Path,
    target_path: Path,
    format: PairFormat,
    source: Lang,
    target: Lang,
    *,
    report: Report | None = None,
    origin: str = "",
    licence: str = "",
) -> Lexicon:
    """The lexicon that two one-language files make when joined by PanLex meaning or by CLDR symbol.

    Raises: BadInput where a file is not of this format, or the two have nothing in common.
    """
    match format:
        case "panlex":
            found = panlex(source_path, target_path, report)
        case "annotations":
            found = lexicon_json.symbol_names(source_path, target_path, report)
        case _:
            assert_never(format)
    origin = origin or f"{format}:{source_path.name}+{target_path.name}"
    return collect(found, source, target, origin, licence, where=f"{source_path} and {target_path}", report=report)


def stream(
    path: Path, format: Format, source: Lang, target: Lang, *, reverse: bool = False, report: Report | None = None
) -> Iterator[Entry]:
    """The entries of a file one by one, in file order; memory does not grow with the file."""
    if format not in get_args(Format):
        raise BadInput(f"lexicon format {format!r} is unknown; the known ones: {', '.join(get_args(Format))}")
    left, right = (target, source) if reverse else (source, target)
    match format:
        case "tsv":
            found = own(path, report)
        case "gatitos" | "wechsel":
            found = table(path, 2, report)
        case "triples":
            found = table(path, 3, report)
        case "muse":
            found = muse(path, report)
        case "freedict":
            found = lexicon_xml.freedict(path, right, report)
        case "apertium":
            found = lexicon_xml.apertium(path, report, reverse=reverse)
        case "wiktextract":
            found = lexicon_json.wiktextract(path, left, right, report)
        case _:
            assert_never(format)
    return (each.turned() for each in found) if reverse else found


def collect(
    entries: Iterable[Entry],
    source: Lang,
    target: Lang,
    origin: str,
    licence: str = "",
    *,
    where: str,
    report: Report | None = None,
) -> Lexicon:
    """Gather entries into a lexicon. Raises: BadInput (naming `where`, and why rows were left out) if there is none."""
    found: dict[str, list[Translation]] = {}
    for word, other, pos, weight in entries:
        found.setdefault(word, []).append(Translation(other, pos, weight))
    if not found:
        told = ""
        if report is not None:
            for why, number in report.dropped.counts.items():
                told += f"; left out {number:,} x {why}, first at {report.dropped.examples[why]}"
        raise BadInput(
            f"{where}: no entry of a lexicon {source} -> {target} in it{told}; is it another format or language?"
        )
    if report is not None:
        report.rows += sum(map(len, found.values()))
    return Lexicon(source, target, {word: tuple(all_of) for word, all_of in found.items()}, origin, licence)


def write(path: Path, lexicon: Lexicon, origins: Mapping[tuple[str, str], tuple[str, ...]] | None = None) -> int:
    """Write our TSV, atomically; return the number of rows. `origins`: provenance by (source, target word)."""
    out = ["\t".join(COLUMNS if origins is not None else COLUMNS[:4])]
    for word, translations in lexicon.entries.items():
        for one in translations:
            fields = [word, one.word, one.pos, repr(one.weight)]
            if origins is not None:
                fields.append(" ".join(origins[word, one.word]))
            if any(mark in field for field in fields for mark in "\t\n\r\0"):
                raise BadInput(f"{path}: an entry of {lexicon.origin} holds a tab or a line end: {fields}")
            out.append("\t".join(fields))
    files.write_text(path, "\n".join(out) + "\n")
    return len(out) - 1


# Tables


def table(path: Path, columns: Literal[2, 3], report: Report | None) -> Iterator[Entry]:
    """Rows of exactly two columns (source, target) or three (source, target, pos)."""

    def one(number: int, line: str) -> Entry | None:
        fields = line.split("\t")
        if len(fields) != columns:
            reason = f"wanted {columns} tab-separated columns, not {len(fields)}" if line.strip() else "blank line"
            reject(report, f"{path}:{number}", reason, line)
            return None
        return entry(fields[0], fields[1], fields[2] if columns == 3 else "", 1.0, path, number, report)

    return in_blocks(path, report, partial(clean_rows, columns=columns), one)


def own(path: Path, report: Report | None) -> Iterator[Entry]:
    for number, line in lines(path, report):
        fields = line.split("\t")
        if number == 1 and len(fields) > 1 and tuple(fields) == COLUMNS[: len(fields)]:
            continue
        if not 2 <= len(fields) <= len(COLUMNS):
            reject(
                report,
                f"{path}:{number}",
                "wanted 2 to 5 tab-separated columns (source, target, pos, weight, origin)",
                line,
            )
            continue
        pos, weight = (*fields[2:4], "", "")[:2]
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = 0.0
        if not (isfinite(value) and value > 0):
            reject(report, f"{path}:{number}", "the weight is no positive number", weight)
        elif found := entry(fields[0], fields[1], pos, value, path, number, report):
            yield found


def muse(path: Path, report: Report | None) -> Iterator[Entry]:
    for number, line in lines(path, report):
        fields = line.split()
        if len(fields) != 2:
            reject(report, f"{path}:{number}", f"wanted two words parted by a space or tab, not {len(fields)}", line)
        elif found := entry(fields[0], fields[1], "", 1.0, path, number, report):
            yield found


# PanLex: one TSV per language with a header; other columns may stand between and after these

PANLEX_TEXT, PANLEX_MEANING = "txt", "meaning"


def panlex(source_path: Path, target_path: Path, report: Report | None) -> Iterator[Entry]:
    """Pairs of expressions that share a meaning. The target's file is held in memory, the source's is streamed.

    Columns read, by the names in the header: `txt` (the expression) and `meaning` (an id), as in the per-language
    exports id, langvar, txt, txt_degr, meaning, langvar_uid. Fields may be quoted as CSV writers do.

    Source: https://db.panlex.org, exported by language as in the data set cointegrated/panlex-meanings (CC0).
    """
    by_meaning: dict[str, list[str]] = {}
    for _, meaning, text in _panlex_side(target_path, report):
        by_meaning.setdefault(meaning, []).append(text)
    for number, meaning, text in _panlex_side(source_path, report):
        for other in by_meaning.get(meaning, ()):
            if found := entry(text, other, "", 1.0, source_path, number, report):
                yield found


def _panlex_side(path: Path, report: Report | None) -> Iterator[tuple[int, str, str]]:
    names = [unquote(name) for name in header(path)]
    if not {PANLEX_TEXT, PANLEX_MEANING} <= set(names):
        raise BadInput(f"{path}:1: wanted a header with the columns 'txt' and 'meaning', got {names[:10]}")
    text_at, meaning_at = names.index(PANLEX_TEXT), names.index(PANLEX_MEANING)
    for first, columns in column_blocks(path, len(names), report, skip=1):
        for number, (text, meaning) in enumerate(zip(columns[text_at], columns[meaning_at], strict=True), first):
            if text[:1] == '"' or meaning[:1] == '"':
                text, meaning = unquote(text), unquote(meaning)
            if not meaning.isascii() or not meaning.isdigit():
                reject(report, f"{path}:{number}", "the meaning is no PanLex id", meaning)
            else:
                yield number, meaning, text
