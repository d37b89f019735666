"""Pinned downloads: resumable, sha256-checked, and only the byte ranges of an archive that are wanted.

A wheel is a zip: its table of contents stands at the end, and the members of one folder mostly lie side by side. So
a `Pin` may list spans, and `open_archive` reads the zip through them as if the whole file were there. On disk a span
is a file `<wheel>.spans/<start>-<end>`; while it is fetched it has the suffix `.part`, and the next attempt continues
it. A whole wheel put beside it by hand (same name) is used if its sha256 is right.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import IO

from workbench.errors import BadInput, Unavailable
from workbench.files import sha256_file

Progress = Callable[[str], None]

MIRRORED = "https://files.pythonhosted.org"
ATTEMPTS = 5  # in a row without a byte gained
TIMEOUT_SECONDS = 30.0
CHUNK = 1 << 17
_TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes [start, end) of a file."""

    start: int
    end: int
    sha256: str

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Pin:
    """One exact file of the package index; `spans` are the parts of it that are read (all of it: one span)."""

    name: str
    url: str
    size: int
    sha256: str
    spans: tuple[Span, ...]

    @property
    def wanted_size(self) -> int:
        return sum(span.size for span in self.spans)


class _RangeIgnoredError(Exception):
    """The server sends the whole file whatever range is asked for."""


@dataclass
class Meter:
    """Tells how far a download is: bytes, speed, time left; at most one line in `every` seconds."""

    total: int
    say: Progress
    every: float = 3.0
    done: int = 0
    _began: float = field(default_factory=time.monotonic)
    _said: float = field(default_factory=time.monotonic)
    _gained: int = 0

    def add(self, num_bytes: int) -> None:
        self.done += num_bytes
        self._gained += max(num_bytes, 0)
        now = time.monotonic()
        if now - self._said >= self.every:
            self._said = now
            rate = self._gained / max(now - self._began, 1e-6)
            left = max(self.total - self.done, 0) / max(rate, 1.0)
            self.say(
                f"download: {megabytes(self.done)} of {megabytes(self.total)}, {rate / 1e6:.1f} MB/s, {left:.0f} s left"
            )


def megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB"


def missing_bytes(pins: Sequence[Pin], folder: Path) -> int:
    """How much is still to be downloaded; what lies in `folder` is taken at its size, not yet at its content."""
    return sum(
        span.size
        for pin in pins
        if not _has_size(folder / pin.name, pin.size)
        for span in pin.spans
        if not _has_size(_span_path(folder, pin, span), span.size)
    )


def fetch(pins: Sequence[Pin], folder: Path, say: Progress) -> None:
    """Make every span of every pin lie in `folder`, right to the last bit. What is there already is checked and kept.

    Raises: Unavailable where network or disk fail, or the server's file is not the pinned one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock", say):
        meter = Meter(sum(pin.wanted_size for pin in pins), say)
        if missing := missing_bytes(pins, folder):
            say(f"downloading {megabytes(missing)} into {folder}")
        for pin in pins:
            whole = folder / pin.name
            if whole.exists() and not _right(whole, pin.size, pin.sha256):
                _set_aside(whole, pin.sha256, say)
            if whole.exists():
                meter.add(pin.wanted_size)
                continue
            try:
                for span in pin.spans:
                    _fetch_span(pin, span, folder, meter)
            except _RangeIgnoredError:
                say(f"{pin.name}: the server does not serve ranges, fetching all {megabytes(pin.size)}")
                meter.total += pin.size - pin.wanted_size
                _fetch_file(pin, Span(0, pin.size, pin.sha256), whole, meter)


def _fetch_span(pin: Pin, span: Span, folder: Path, meter: Meter) -> None:
    path = _span_path(folder, pin, span)
    if path.exists() and not _right(path, span.size, span.sha256):
        _set_aside(path, span.sha256, meter.say)
    if path.exists():
        meter.add(span.size)
    else:
        _fetch_file(pin, span, path, meter)


def _fetch_file(pin: Pin, span: Span, path: Path, meter: Meter) -> None:
    """Download one span to `path`, in as many attempts as it takes while bytes keep coming."""
    part = path.with_name(path.name + ".part")
    before = meter.done
    failures = altered = 0
    if part.exists():
        meter.add(min(part.stat().st_size, span.size))
    while not _has_size(part, span.size) or not _right(part, span.size, span.sha256):
        gained_before = meter.done
        if _has_size(part, span.size):
            altered += 1
            got = sha256_file(part)
            part.unlink()
            meter.done = before
            if altered == 2:
                raise Unavailable(
                    f"{_address(pin)}: bytes {span.start}-{span.end} are not the pinned ones: "
                    f"wanted sha256 {span.sha256}, got {got} (twice). The wrong file was removed, all else is kept. "
                    "A proxy or mirror may have changed it: " + _other_ways(path.parent)
                )
        try:
            _request(pin, span, part, meter)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # what is there goes beyond the end: start again
                part.unlink(missing_ok=True)
                meter.done = before
            elif error.code not in _TRY_LATER:
                raise Unavailable(
                    f"{_address(pin)}: the server answered {error.code} {error.reason}; " + _other_ways(path.parent)
                ) from error
            problem: Exception = error
        except (OSError, HTTPException) as error:  # of the network: see `_disk` for the disk's
            problem = error
        else:
            continue
        failures = 0 if meter.done > gained_before else failures + 1
        if failures == ATTEMPTS:
            raise Unavailable(
                f"could not download {pin.name} ({megabytes(span.size)}) from {_address(pin)}: {problem}. "
                f"{megabytes(max(meter.total - meter.done, 0))} are still needed in {path.parent}; "
                "what has come is kept and the same command continues. " + _other_ways(path.parent)
            ) from problem
        time.sleep(min(2.0**failures, 20.0))
    os.replace(part, path)


def _request(pin: Pin, span: Span, part: Path, meter: Meter) -> None:
    """One HTTP request for what `part` lacks of `span`."""
    with _disk(part.parent, span.size):
        part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    if have > span.size:
        part.unlink()
        meter.add(-span.size)
        have = 0
    first = span.start + have
    is_whole = span.size == pin.size
    headers = {"User-Agent": "low-resource-workbench", "Accept-Encoding": "identity"}
    if not is_whole or have:
        headers["Range"] = f"bytes={first}-{span.end - 1}"
    request = urllib.request.Request(_address(pin), headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        if response.status == 200 and "Range" in headers:
            if not is_whole:
                raise _RangeIgnoredError
            meter.add(-have)
            have = 0
        elif response.status == 206:
            answer = response.headers.get("Content-Range", "")
            if not answer.startswith(f"bytes {first}-"):
                raise Unavailable(
                    f"{_address(pin)}: asked for bytes {first}-{span.end - 1}, got {answer or 'no range'}; "
                    + _other_ways(part.parent)
                )
        with _disk(part.parent, span.size):
            file = part.open("r+b" if have else "wb", buffering=0)
        with file:
            file.seek(have)
            while have < span.size and (chunk := response.read(min(CHUNK, span.size - have))):
                with _disk(part.parent, span.size):
                    file.write(chunk)
                have += len(chunk)
                meter.add(len(chunk))
            with _disk(part.parent, span.size):
                os.fsync(file.fileno())
    if have < span.size:
        raise ConnectionError(f"the connection ended after {have} of {span.size} bytes")


def _address(pin: Pin) -> str:
    mirror = os.environ.get("WORKBENCH_MIRROR", "").rstrip("/")
    return pin.url.replace(MIRRORED, mirror, 1) if mirror else pin.url


def _other_ways(folder: Path) -> str:
    return (
        f"try again later, set WORKBENCH_MIRROR to a mirror of {MIRRORED}, put the file itself into "
        f"{_downloads(folder)}, or set WORKBENCH_DATA to a folder that another machine has prepared."
    )


def _downloads(folder: Path) -> Path:
    return folder.parent if folder.name.endswith(".spans") else folder


@contextmanager
def _disk(folder: Path, needed: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, folder, needed) from error


def disk_error(error: OSError, folder: Path, needed: int) -> Unavailable:
    """What to tell of a failed write: a full disk is named as such."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
        return Unavailable(
            f"{folder}: the disk is full ({megabytes(free)} free, {megabytes(needed)} wanted for this part). "
            "Nothing is lost: make room, or set WORKBENCH_DATA to a folder on a larger disk, and type the same command."
        )
    return Unavailable(f"{folder}: cannot write ({error}); set WORKBENCH_DATA to a folder that can be written")


def _span_path(folder: Path, pin: Pin, span: Span) -> Path:
    return folder / f"{pin.name}.spans" / f"{span.start}-{span.end}"


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _right(path: Path, size: int, sha256: str) -> bool:
    return _has_size(path, size) and sha256_file(path) == sha256


def _set_aside(path: Path, wanted: str, say: Progress) -> None:
    aside = path.with_name(path.name + ".altered")
    say(f"{path}: sha256 is {sha256_file(path)}, wanted {wanted}; kept as {aside.name}, fetching it anew")
    os.replace(path, aside)


@contextmanager
def locked(path: Path, say: Progress) -> Iterator[None]:
    """Hold an exclusive lock on `path`, freed by the system if the process dies; waits, and says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting: another process is preparing data in {path.parent}")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


class SpannedFile(io.RawIOBase):
    """A read-only file of which only some spans are there; reading elsewhere is an error."""

    def __init__(self, name: str, size: int, pieces: Sequence[tuple[int, int, Path]]) -> None:
        self._name, self._size, self._position = name, size, 0
        self._pieces: list[tuple[int, int, IO[bytes]]] = [(a, b, path.open("rb")) for a, b, path in pieces]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def read(self, size: int = -1) -> bytes:
        wanted_end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        if wanted_end <= self._position:
            return b""
        for start, end, file in self._pieces:
            if start <= self._position and wanted_end <= end:
                file.seek(self._position - start)
                data = file.read(wanted_end - self._position)
                self._position += len(data)
                return data
        raise BadInput(f"{self._name}: bytes {self._position}-{wanted_end} are not among the spans pinned for it")

    def close(self) -> None:
        for _, _, file in self._pieces:
            file.close()
        super().close()


def open_archive(pin: Pin, folder: Path) -> zipfile.ZipFile:
    """The fetched wheel as a zip, whole or through its spans; the zip's own CRCs are checked as members are read."""
    whole = folder / pin.name
    if whole.exists():
        return zipfile.ZipFile(whole)
    pieces = [(span.start, span.end, _span_path(folder, pin, span)) for span in pin.spans]
    return zipfile.ZipFile(SpannedFile(pin.name, pin.size, pieces))
