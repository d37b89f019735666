"""One's own text: plain, JSON lines, tab-separated or parquet, one `Document` after the other, none of it in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from workbench import languages
from workbench.errors import BadInput, Unavailable
from workbench.records import Document, Lang, draft, sealed
from workbench.sources.lines import MAX_LINE_BYTES, Report, blocks, column_blocks, every_line, header, reject, rows

Unit = Literal["line", "paragraph"]

_Draft = draft(Document)


def documents(
    path: Path, lang: Lang, report: Report | None = None, *, unit: Unit = "line", column: str = "text"
) -> Iterator[Document]:
    """The documents of a file, by its name: `.txt`, `.jsonl`, `.tsv` (with a header), `.parquet`, packed or not.

    Of a table, `column` is the text, and `id` (if there is one) the document's id.

    Raises: BadInput at file:line.
    """
    match _kind(path):
        case ".txt":
            yield from plain(path, lang, report, unit=unit)
        case ".tsv":
            yield from _table_documents(path, lang, report, column)
        case ".jsonl" | ".json" | ".parquet":
            yield from _documents(path, lang, report, column)
        case other:
            raise BadInput(
                f"{path}: wanted .txt, .jsonl, .tsv or .parquet (or with .gz, .xz, .bz2 after); got {other!r}"
            )


def _stem(path: Path) -> str:
    """What the ids of a file's documents begin with."""
    return path.name.split(".")[0]


def want_distinct(paths: Iterable[Path]) -> None:
    """Raises: BadInput where two files would give their documents the same ids."""
    seen: dict[str, Path] = {}
    for path in paths:
        if (other := seen.setdefault(_stem(path), path)) is not path:
            raise BadInput(
                f"{path}: its documents would have the ids of those of {other}, which are made of the name up to the "
                "first dot; rename one of the two"
            )


def plain(path: Path, lang: Lang, report: Report | None = None, *, unit: Unit = "line") -> Iterator[Document]:
    """A document per line, or per paragraph (lines between blank ones, joined by spaces)."""
    stem, name = _stem(path), path.name
    if unit == "line":
        for block in blocks(path, report):
            found = enumerate(block.lines(), block.first)
            texts = [(number, line.strip()) for number, line in found if line is not None]
            if block.whole is None or not block.whole.isascii():
                texts = [(number, languages.nfc(text)) for number, text in texts]
            made = [_Draft(f"{stem}-{str(number).zfill(7)}", text, lang, name) for number, text in texts if text]
            yield from _counted(made, report)
        return
    begun, parts, size = 0, list[str](), 0
    for number, line_or_none in every_line(path, report):
        text = (line_or_none or "").strip()
        if text:
            begun = begun or number
            parts.append(text)
            size += len(text)
            if size > MAX_LINE_BYTES:
                raise BadInput(f"{path}:{begun}: a paragraph of more than {size:,} characters; use unit='line'?")
        elif line_or_none is not None and parts:
            yield _document(f"{stem}-{begun:07d}", " ".join(parts), lang, name, report)
            begun, parts, size = 0, [], 0
    if parts:
        yield _document(f"{stem}-{begun:07d}", " ".join(parts), lang, name, report)


def _documents(path: Path, lang: Lang, report: Report | None, column: str) -> Iterator[Document]:
    stem, source = _stem(path), path.name
    for place, (where, row) in enumerate(table_rows(path, report), 1):
        text = row.get(column)
        if not isinstance(text, str) or not text.strip():
            got = f"the columns {list(row)}" if column not in row else repr(text)
            reject(report, where, f"wanted a text in {column!r}", got)
            continue
        key = row.get("id")
        name = (key if type(key) is str else str(key) if isinstance(key, int | str) else "") or f"{stem}-{place:07d}"
        yield _document(name, text.strip(), lang, source, report)


def _table_documents(path: Path, lang: Lang, report: Report | None, column: str) -> Iterator[Document]:
    stem, source, names = _stem(path), path.name, _names(path)
    at = names.index(column) if column in names else None
    key_at = names.index("id") if "id" in names else None
    place = 1
    for first, columns in column_blocks(path, len(names), report, skip=1):
        made: list[Document] = []
        for number, fields in enumerate(zip(*columns, strict=True), first):
            text = fields[at].strip() if at is not None else ""
            if not text:
                yield from _counted(made, report)  # what comes before a fault is seen before it
                made = []
                got = f"the columns {list(names)}" if at is None else repr(fields[at])
                reject(report, f"{path}:{number}", f"wanted a text in {column!r}", got)
            else:
                name = fields[key_at] if key_at is not None else ""
                made.append(_Draft(name or f"{stem}-{place:07d}", languages.nfc(text), lang, source))
            place += 1
        yield from _counted(made, report)


def _counted(drafts: list[Document], report: Report | None) -> list[Document]:
    if report is not None:
        report.rows += len(drafts)
    return sealed(drafts, Document)


def _names(path: Path) -> tuple[str, ...]:
    names = header(path)
    if len(set(names)) != len(names):
        raise BadInput(f"{path}:1: two columns of one name in the header; got {list(names)}")
    return names


def _document(name: str, text: str, lang: Lang, source: str, report: Report | None) -> Document:
    if report is not None:
        report.rows += 1
    made = _Draft(name, languages.nfc(text), lang, source)
    made.__class__ = Document
    return made


def table_rows(path: Path, report: Report | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row) of a JSON-lines, tab-separated (with a header) or parquet file.

    Raises: BadInput at file:line (parquet: file and row).
    """
    match _kind(path):
        case ".jsonl" | ".json":
            yield from json_objects(path, report)
        case ".tsv":
            names, place = _names(path), str(path)
            for number, fields in rows(path, len(names), report, skip=1):
                yield f"{place}:{number}", dict(zip(names, fields, strict=True))
        case ".parquet":
            yield from _parquet_rows(path)
        case other:
            raise BadInput(f"{path}: wanted .jsonl, .tsv or .parquet; got {other!r}")


def json_objects(path: Path, report: Report | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of a JSON-lines file. Escapes that are no text (NUL, half a surrogate pair) are refused.

    Raises: BadInput at file:line.
    """
    name = str(path)
    for block in blocks(path, report):
        has_escapes = block.whole is None or "\\u" in block.whole
        for number, line in enumerate(block.lines(), block.first):
            if line is None:
                continue
            try:
                row, end = _scan(line)
            except (ValueError, RecursionError):
                row, end = None, -1
            if end != len(line) or has_escapes or type(row) is not dict:
                row = _json_object(line, f"{name}:{number}", report)
            if row is not None:
                yield f"{name}:{number}", row


_scan = json.JSONDecoder().raw_decode  # `json.loads`, but for white space around the value


def _json_object(line: str, where: str, report: Report | None) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        reject(report, where, "not JSON", line, f"{error}; a file of one JSON value over many lines is no .jsonl")
        return None
    if not isinstance(row, dict):
        reject(report, where, f"wanted a JSON object on the line, not a {type(row).__name__}", line)
        return None
    if "\\u" in line and not _is_text(json.dumps(row, ensure_ascii=False)):
        reject(report, where, "an escape that is no text: NUL, or half a surrogate pair", line)
        return None
    return row


def _is_text(dumped: str) -> bool:
    try:
        dumped.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in dumped.replace("\\\\", "")


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    pyarrow = import_module("pyarrow")  # a requirement of `datasets`; 0.2 s, so only here
    parquet = import_module("pyarrow.parquet")
    number, place = 0, str(path)
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{place}:row {number}", row
    except FileNotFoundError as error:
        raise BadInput(f"{path}: {error.strerror or 'no such file'}; wanted a parquet file") from error
    except (pyarrow.ArrowException, UnicodeDecodeError, ValueError) as error:
        raise BadInput(f"{path}: not whole parquet (after row {number}): {error}; fetch it again") from error
    except OSError as error:
        message = f"{path}: reading stopped after row {number}: {error}"
        raise (BadInput(message) if error.errno is None else Unavailable(message)) from error


def _kind(path: Path) -> str:
    suffixes = [suffix for suffix in path.suffixes if suffix not in {".gz", ".xz", ".bz2"}]
    return suffixes[-1] if suffixes else ""
