"""Lines and rows of published text files, read strictly: what every reader here stands on.

A line ends at `\\n` (or `\\r\\n`) and nowhere else: `str.splitlines` would also cut at U+2028, U+0085 and other
characters that occur inside real sentences. Fields are cut at tabs; the `csv` module, whose default quoting swallows
rows that open with `"`, is not used.

The rule of all readers: **without a `Report`, the first row that cannot be used is an error with its file and line;
with one, such rows are left out and counted in it.** What is wrong with the file as a whole (a missing column in the
header, a damaged archive, no rows at all) is an error always.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, cast

from workbench.errors import BadInput, Unavailable
from workbench.records import Dropped

MAX_LINE_BYTES = 16 * 1024 * 1024  # a longer line is no sentence, paragraph or row; memory stays bounded


class Report:
    """What a reader left out (`dropped`), and what it kept but changed or found odd (`noted`), with first examples."""

    def __init__(self) -> None:
        self.rows = 0
        self._dropped: dict[str, int] = {}
        self._noted: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def drop(self, reason: str, place: str) -> None:
        self._dropped[reason] = self._dropped.get(reason, 0) + 1
        self._examples.setdefault(reason, place)

    def note(self, what: str, place: str) -> None:
        self._noted[what] = self._noted.get(what, 0) + 1
        self._examples.setdefault(what, place)

    @property
    def dropped(self) -> Dropped:
        return self._view(self._dropped)

    @property
    def noted(self) -> Dropped:
        return self._view(self._noted)

    def merge(self, other: Report) -> None:
        self.rows += other.rows
        for mine, theirs in ((self._dropped, other._dropped), (self._noted, other._noted)):
            for reason, count in theirs.items():
                mine[reason] = mine.get(reason, 0) + count
        for reason, place in other._examples.items():
            self._examples.setdefault(reason, place)

    def _view(self, counts: dict[str, int]) -> Dropped:
        return Dropped(dict(counts), {reason: self._examples[reason] for reason in counts})


def reject(report: Report | None, place: str, reason: str, got: str, advice: str = "") -> None:
    """Leave a row out, and say so in `report`; with no report to say it in, raise.

    Raises: BadInput at `place` when `report` is None.
    """
    shown = _short(got)
    if report is None:
        raise BadInput(f"{place}: {reason}; got {shown}{'; ' + advice if advice else ''}")
    report.drop(reason, f"{place}: {shown}")


def note(report: Report | None, place: str, what: str, got: str) -> None:
    """Count something odd about a row that is kept."""
    if report is not None:
        report.note(what, f"{place}: {_short(got)}")


def lines(path: Path, report: Report | None = None) -> Iterator[tuple[int, str]]:
    """(line number, text) of a UTF-8 file, plain or `.gz`, `.xz`, `.bz2`; line ends and a leading BOM taken off.

    Raises: BadInput where there is no such file, or it is empty or damaged; Unavailable where it cannot be read.
    """
    for number, text in every_line(path, report):
        if text is not None:
            yield number, text


def every_line(path: Path, report: Report | None = None) -> Iterator[tuple[int, str | None]]:
    """As `lines`, with None for a line that was left out: for formats in which lines belong together."""
    number = 0
    with _open(path) as file:
        try:
            for number, raw in enumerate(iter(partial(file.readline, MAX_LINE_BYTES), b""), 1):
                try:
                    text: str | None = raw.decode()
                except UnicodeDecodeError:
                    text = None
                if text is None or number == 1 or b"\r" in raw or b"\0" in raw or len(raw) >= MAX_LINE_BYTES:
                    text = _text(file, raw, path, number, report)
                elif text[-1] == "\n":
                    text = text[:-1]
                yield number, text
        except (lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError) as error:
            raise BadInput(
                f"{path}: the archive is damaged or cut short after line {number} ({error}); fetch it again"
            ) from error
        except OSError as error:
            if path.suffix in {".gz", ".xz", ".bz2"} and error.errno is None:
                raise BadInput(f"{path}: not a whole {path.suffix} archive ({error}); fetch it again") from error
            raise Unavailable(f"{path}: reading stopped after line {number}: {error}") from error
    if number == 0:
        raise BadInput(f"{path}: the file is empty; wanted at least one line; fetch it again or remove it")


def rows(
    path: Path, columns: int, report: Report | None = None, *, blank: bool = False, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a tab-separated file: `columns` fields each; blank lines pass only if `blank`."""
    for number, line in lines(path, report):
        if number <= skip:
            continue
        if not line.strip():
            if not blank:
                reject(report, f"{path}:{number}", "blank line", line)
            continue
        fields = line.split("\t")
        if len(fields) != columns:
            reason = f"wanted {columns} tab-separated columns, not {len(fields)}"
            reject(report, f"{path}:{number}", reason, line)
            continue
        yield number, fields


def header(path: Path) -> tuple[str, ...]:
    """The fields of the first line.

    Raises: BadInput where there is none.
    """
    for _, line in lines(path):
        return tuple(line.split("\t"))
    raise AssertionError("lines() yields or raises")


def want_header(path: Path, accepted: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """The first line's fields, if they are one of the accepted headers.

    Raises: BadInput naming the headers that this format has.
    """
    found = header(path)
    if found not in accepted:
        wanted = " or ".join(repr("\t".join(names)) for names in accepted)
        raise BadInput(f"{path}:1: wanted the header {wanted}, got {_short(chr(9).join(found))}; is it another format?")
    return found


def unquote(field: str) -> str:
    """The field without CSV quotes, where it is wholly and rightly quoted (`"say ""no"" now"`), else as it is.

    For files that a CSV writer made; a text that merely opens with a quote stays whole.
    """
    if len(field) >= 2 and field[0] == '"' and field[-1] == '"':
        inside = field[1:-1]
        if '"' not in inside.replace('""', ""):
            return inside.replace('""', '"')
    return field


def _open(path: Path) -> IO[bytes]:
    try:
        match path.suffix:
            case ".gz":
                return cast(IO[bytes], gzip.open(path, "rb"))
            case ".xz":
                return cast(IO[bytes], lzma.open(path, "rb"))
            case ".bz2":
                return cast(IO[bytes], bz2.open(path, "rb"))
            case _:
                return path.open("rb")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(f"{path}: {error.strerror}; wanted a file; check the path, or fetch the data set") from error
    except OSError as error:
        raise Unavailable(f"{path}: cannot be opened: {error.strerror}") from error


def _text(file: IO[bytes], raw: bytes, path: Path, number: int, report: Report | None) -> str | None:
    """The line's text, or None where the line is left out."""
    if len(raw) >= MAX_LINE_BYTES and not raw.endswith(b"\n"):
        while (more := file.readline(MAX_LINE_BYTES)) and not more.endswith(b"\n"):
            pass
        shown = raw[:80].decode(errors="replace")
        reject(report, f"{path}:{number}", f"a line of {MAX_LINE_BYTES:,} bytes or more", shown)
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        advice = f"byte {raw[error.start]:#04x} at column {error.start + 1}; convert the file to UTF-8"
        reject(report, f"{path}:{number}", "not UTF-8", raw.decode(errors="replace"), advice)
        return None
    if text[-1:] == "\n":
        text = text[:-2] if text[-2:-1] == "\r" else text[:-1]
    elif text[-1:] == "\r":
        text = text[:-1]
    if number == 1:
        text = text.removeprefix("\ufeff")
    if "\r" in text or "\0" in text:
        if "\0" in text:
            reject(report, f"{path}:{number}", "a NUL byte in the line", text, "is this a text file, and UTF-8?")
        else:
            reject(report, f"{path}:{number}", "a carriage return inside the line", text, "old Mac line ends?")
        return None
    return text


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
