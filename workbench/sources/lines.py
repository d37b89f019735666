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
from collections.abc import Callable, Collection, Iterator
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

from workbench.errors import BadInput, Unavailable
from workbench.records import Dropped

MAX_LINE_BYTES = 16 * 1024 * 1024  # a longer line is no sentence, paragraph or row; memory stays bounded
BLOCK_BYTES = 1 << 16  # what is decoded and cut at once: enough to hide the cost of a call, and within a core's cache
PACKED = (".gz", ".xz", ".bz2")  # the suffixes of files that are unpacked while they are read
_NEWLINE = ord("\n")
_FEW = 32

Row = TypeVar("Row")


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


class Seen:
    """Which rows were there before, among the last 250,000 at least: by their hashes, in at most some 50 MB."""

    def __init__(self, rows: int = 250_000) -> None:
        self._rows = rows
        self._now: set[int] = set()
        self._before: set[int] = set()

    def add(self, row: str) -> bool:
        """Take the row down; whether it was there before."""
        key = hash(row)
        if key in self._now:
            return True
        was_there = key in self._before
        self._make_room(1)
        self._now.add(key)
        return was_there

    def add_new(self, rows: Collection[str]) -> bool:
        """Take the rows down if each is new; whether it was so (else none is taken down)."""
        keys = list(map(hash, rows))
        if not self._now.isdisjoint(keys) or not self._before.isdisjoint(keys):
            return False
        self._make_room(len(keys))
        before = len(self._now)
        self._now.update(keys)
        if len(self._now) == before + len(keys):
            return True
        self._now.difference_update(keys)  # two of them are the same
        return False

    def _make_room(self, rows: int) -> None:
        if len(self._now) + rows > self._rows:
            self._before, self._now = self._now, set()


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


class Block(NamedTuple):
    """Lines that follow each other: the number of the first, and all of them as they stand, parted by `\\n`.

    Where `whole` is None there is one line, which has been looked at for itself: `line`, or None where it was left out.
    """

    first: int
    whole: str | None
    line: str | None = None

    def lines(self) -> list[str | None]:
        return [self.line] if self.whole is None else cast("list[str | None]", self.whole.split("\n"))


def blocks(path: Path, report: Report | None = None) -> Iterator[Block]:
    """The lines of a UTF-8 file, plain or `.gz`, `.xz`, `.bz2`, many at a time; line ends and a leading BOM taken off.

    A block in which nothing is wrong comes whole. Any other comes line by line, so that a reader has seen all that is
    before the line that is wrong.

    Raises: BadInput where there is no such file, or it is empty or damaged; Unavailable where it cannot be read.
    """
    number = 1
    with _open(path) as file:
        try:
            while chunk := file.read1(min(BLOCK_BYTES, MAX_LINE_BYTES)):
                if chunk[-1] != _NEWLINE:
                    chunk += file.readline(MAX_LINE_BYTES)
                text = _sound(chunk, number == 1)
                if text is not None:
                    yield Block(number, text)
                    number += text.count("\n") + 1
                    continue
                for raw in BytesIO(chunk):
                    yield Block(number, None, _text(file, raw, path, number, report))
                    number += 1
        except (lzma.LZMAError, zlib.error, gzip.BadGzipFile, EOFError) as error:
            raise BadInput(
                f"{path}: the archive is damaged or cut short after line {number - 1} ({error}); fetch it again"
            ) from error
        except OSError as error:
            if path.suffix in PACKED and error.errno is None:
                raise BadInput(f"{path}: not a whole {path.suffix} archive ({error}); fetch it again") from error
            raise Unavailable(f"{path}: reading stopped after line {number - 1}: {error}") from error
    if number == 1:
        raise BadInput(f"{path}: the file is empty; wanted at least one line; fetch it again or remove it")


def in_blocks(
    path: Path,
    report: Report | None,
    clean: Callable[[str], list[Row] | None],
    one: Callable[[int, str], Row | None],
) -> Iterator[Row]:
    """The rows of a file in which a line is a row, as fast as its faults allow.

    `clean` makes the rows of lines parted by `\\n`, or None where any of them is to be put right, refused or reported.
    Then it gets fewer of them, and in the end `one` gets the lines, with their numbers.
    """
    for block in blocks(path, report):
        waiting = [block]
        while waiting:
            block = waiting.pop()
            if block.whole is not None and (made := clean(block.whole)) is not None:
                yield from made
                continue
            found = block.lines()
            if len(found) > _FEW:
                texts = cast("list[str]", found)
                places = reversed(range(0, len(found), _FEW))
                waiting += [Block(block.first + at, "\n".join(texts[at : at + _FEW])) for at in places]
                continue
            for number, line in enumerate(found, block.first):
                if line is not None and (row := one(number, line)) is not None:
                    yield row


def lines(path: Path, report: Report | None = None) -> Iterator[tuple[int, str]]:
    """(line number, text) of each line that is not left out; see `blocks`."""
    for first, whole, line in blocks(path, report):
        if whole is not None:
            yield from enumerate(whole.split("\n"), first)
        elif line is not None:
            yield first, line


def every_line(path: Path, report: Report | None = None) -> Iterator[tuple[int, str | None]]:
    """As `lines`, with None for a line that was left out: for formats in which lines belong together."""
    for block in blocks(path, report):
        yield from enumerate(block.lines(), block.first)


def rows(
    path: Path, columns: int, report: Report | None = None, *, blank: bool = False, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a tab-separated file: `columns` fields each; blank lines pass only if `blank`."""
    for first, found in column_blocks(path, columns, report, blank=blank, skip=skip):
        yield from enumerate(map(list, zip(*found, strict=True)), first)


def column_blocks(
    path: Path, columns: int, report: Report | None = None, *, blank: bool = False, skip: int = 0
) -> Iterator[tuple[int, list[list[str]]]]:
    """As `rows`, many at a time where nothing is wrong: (number of the first line, columns of it and those after)."""
    for block in blocks(path, report):
        first, whole, _ = block
        if whole is not None:
            while first <= skip and whole is not None:
                first, (_, end, whole) = first + 1, whole.partition("\n")
                whole = whole if end else None
            if whole is None:
                continue
            cut = columns_of(whole, columns)
            if cut is not None and all(map(str.strip, cut[0])):  # no line is blank
                yield first, cut
                continue
        for number, line in enumerate(block.lines(), block.first):
            if number <= skip or line is None:
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
            yield number, [[field] for field in fields]


def columns_of(whole: str, number: int) -> list[list[str]] | None:
    """The columns of lines parted by `\\n`, or None where a line has more or fewer of them."""
    fields = whole.replace("\n", "\t\n\t").split(
        "\t"
    )  # a line end is a field of its own, and must be each `number` + 1th
    ends = fields[number :: number + 1]
    if not len(ends) == ends.count("\n") == whole.count("\n") or len(fields) != number + len(ends) * (number + 1):
        return None
    return [fields[place :: number + 1] for place in range(number)]


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


def unpacked(name: str) -> str:
    """A file's name without the suffix of its packing: `tur.tst` of `tur.tst.gz`."""
    return name.removesuffix(Path(name).suffix) if Path(name).suffix in PACKED else name


def _open(path: Path) -> BufferedIOBase:
    try:
        match path.suffix:
            case ".gz":
                return cast(BufferedIOBase, gzip.open(path, "rb"))
            case ".xz":
                return lzma.open(path, "rb")
            case ".bz2":
                return bz2.open(path, "rb")
            case _:
                return cast(BufferedIOBase, path.open("rb", buffering=BLOCK_BYTES))
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInput(f"{path}: {error.strerror}; wanted a file; check the path, or fetch the data set") from error
    except OSError as error:
        raise Unavailable(f"{path}: cannot be opened: {error.strerror}") from error


def _sound(chunk: bytes, is_first: bool) -> str | None:
    """The text of whole lines, without the last line end; None where something in it is to be reported."""
    if len(chunk) > MAX_LINE_BYTES or (len(chunk) == MAX_LINE_BYTES and chunk[-1] != _NEWLINE):
        return None  # there may be too long a line in it
    if b"\r" in chunk:
        chunk = chunk.replace(b"\r\n", b"\n")
    if b"\r" in chunk or b"\0" in chunk:
        return None
    try:
        text = chunk.decode()
    except UnicodeDecodeError:
        return None
    return (text.removeprefix("\ufeff") if is_first else text).removesuffix("\n")


def _text(file: BufferedIOBase, raw: bytes, path: Path, number: int, report: Report | None) -> str | None:
    """The line's text, or None where the line is left out."""
    if len(raw) > MAX_LINE_BYTES or (len(raw) == MAX_LINE_BYTES and raw[-1] != _NEWLINE):
        more = raw
        while more and more[-1] != _NEWLINE:
            more = file.readline(MAX_LINE_BYTES)
        shown = raw[:80].decode(errors="replace")
        reject(report, f"{path}:{number}", f"a line of {MAX_LINE_BYTES:,} bytes or more", shown)
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        advice = f"byte {raw[error.start]:#04x} at column {error.start + 1}; convert the file to UTF-8"
        reject(report, f"{path}:{number}", "not UTF-8", raw.decode(errors="replace"), advice)
        return None
    if number == 1:
        text = text.removeprefix("\ufeff")
    text = text.removesuffix("\n").removesuffix("\r")
    if "\0" in text:
        reject(report, f"{path}:{number}", "a NUL byte in the line", text, "is this a text file, and UTF-8?")
        return None
    if "\r" in text:
        reject(report, f"{path}:{number}", "a carriage return inside the line", text, "old Mac line ends?")
        return None
    return text


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
