"""Fetching data sets from their homes, and adding one's own: licences first, checksums always, archives distrusted."""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import http.client
import lzma
import shutil
import stat
import tarfile
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, assert_never

from workbench.errors import BadInput, Unavailable
from workbench.files import atomic_open, read_json, sha256_file, write_json, write_text
from workbench.records import Lang
from workbench.sources import fetch, unimorph
from workbench.sources.catalogue import DERIVED, Added, AddedFile, Catalogue, Dataset, Home, safe
from workbench.sources.catalogue_read import count
from workbench.sources.lines import Report

Say = Callable[[str], None]

MAX_FILE_BYTES = 4 * 1024**3
MAX_MEMBERS = 500_000
RECORD = "fetched.json"  # of what came without a published checksum: url, sha256, bytes


def get(
    catalogue: Catalogue, name: str, root: Path, say: Say, *, lang: Lang | None = None, accept_licence: bool = False
) -> Path:
    """Make a data set (of one language, if `lang` is given) lie under `root`, from the first home that has it.

    Raises: BadInput where its licence needs a yes or a language must be named; Unavailable where no home gives it.
    """
    dataset = catalogue.dataset(name)
    codes = _codes(catalogue, dataset, lang)
    _want_yes(dataset, codes, accept_licence)
    place, failures = dataset.place(root), []
    for home in dataset.homes:
        try:
            _from_home(catalogue, dataset, home, place, codes, lang, say)
            return place
        except Unavailable as error:
            failures.append(f"{home.kind} {home.at}: {error}")
            say(f"{name}: {failures[-1]}")
    wanted = f" in {lang}" if lang else ""
    raise Unavailable(f"data set {name}{wanted} could not be had from any of its homes: {'; '.join(failures)}")


def _codes(catalogue: Catalogue, dataset: Dataset, lang: Lang | None) -> list[str]:
    """The codes under which a data set has a language; none where no language was asked for."""
    if lang is None:
        return []
    found = [entry for entry in catalogue.of_language(lang) if entry.dataset.name == dataset.name]
    if not found and dataset.format != "unimorph":
        raise BadInput(
            f"data set {dataset.name} has no {lang} that the catalogue knows of; see `workbench data show {lang}`"
        )
    return [code for entry in found for code in entry.code.split()] or [lang.code]


def _want_yes(dataset: Dataset, codes: list[str], accepted: bool) -> None:
    exceptions = {licence for code, licence in dataset.exceptions.items() if code in codes}
    if (dataset.needs_yes or exceptions) and not accepted:
        licence = ", ".join(sorted(exceptions)) or f"{dataset.licence} ({dataset.terms})"
        raise BadInput(
            f"data set {dataset.name}: its licence is {licence}. Read {dataset.page}, and if your use is allowed, "
            "say so with --accept-licence. What is made from it stands under the same terms"
        )


def _from_home(
    catalogue: Catalogue, dataset: Dataset, home: Home, place: Path, codes: list[str], lang: Lang | None, say: Say
) -> None:
    match home.kind:
        case "pinned":
            _pinned(catalogue, dataset, home, place, lang, say)
        case "each":
            if not codes:
                raise BadInput(f"data set {dataset.name} is fetched one language at a time: give --lang")
            for code in codes:
                url = home.at.replace("{code}", urllib.parse.quote(safe(code)))
                _unpinned(url, place, urllib.parse.unquote(url.rsplit("/", 1)[1]), say)
        case "archive":
            _archive(home, place, codes, say)
        case "unimorph":
            if not codes:
                raise Unavailable("one language at a time: give --lang")
            for code in codes:
                clone = unimorph.fetch(code)
                for path in clone.folder.iterdir():
                    if path.is_file() and not path.is_symlink():
                        _copy(path, place / code / path.name)
                say(
                    f"unimorph {code}: commit {clone.commit or 'unknown'}, in {place / code}; its README says from what"
                )
        case "embedded":
            from workbench.sources.embedded import prepare

            prepare(say)
        case "hub":
            raise Unavailable(
                f"not stored here: read it with workbench.sources.hub.documents({home.at!r}, split, lang)"
            )
        case "page":
            raise Unavailable(f"to be fetched by hand from {home.at}: {home.note}")
        case _:
            assert_never(home.kind)


def _pinned(catalogue: Catalogue, dataset: Dataset, home: Home, place: Path, lang: Lang | None, say: Say) -> None:
    same = {entry.lang for entry in catalogue.of_language(lang)} if lang else set()
    files = [
        file
        for file in catalogue.files_of(dataset.name)
        if file.origin != DERIVED
        and (lang is None or file.lang is None or file.lang in same or file.lang.code == "eng")
    ]
    if not any(lang is None or file.lang in same for file in files):
        raise Unavailable(f"no file of {lang} is pinned in the catalogue")
    pins = []
    for file in files:
        url = file.origin if file.origin.startswith("https://") else home.at + file.origin
        whole = (fetch.Span(0, file.num_bytes, file.sha256),)
        pins.append(fetch.Pin(safe(file.path), url, file.num_bytes, file.sha256, whole))
    fetch.fetch(pins, place, say)
    for pin in pins:  # one span of a whole file: put it in its place
        span = place / f"{pin.name}.spans" / f"0-{pin.size}"
        if span.is_file():
            span.replace(place / pin.name)
            shutil.rmtree(span.parent, ignore_errors=True)


# Without a published checksum


def _unpinned(url: str, place: Path, name: str, say: Say) -> Path:
    """Download one file; the first time its sha256 is recorded, later it must be the same."""
    path = place / safe(name)
    record = read_json(place / RECORD) if (place / RECORD).exists() else {}
    digest = hashlib.sha256()
    size = 0
    try:
        with _open(url) as response, atomic_open(path) as file:
            while chunk := response.read(1 << 17):
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    raise Unavailable(f"{url}: more than {MAX_FILE_BYTES:,} bytes; fetch it by hand if that is right")
                digest.update(chunk)
                file.write(chunk)
            before = record.get(name, {}).get("sha256", digest.hexdigest())
            if size == 0 or before != digest.hexdigest():
                raise Unavailable(
                    f"{url}: sha256 {digest.hexdigest()} ({size} bytes), recorded earlier: {before}; it has changed at "
                    f"its home. What was there is kept; take its entry out of {place / RECORD} to have the new one"
                )
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{url}: {error}") from error
    record[name] = {"url": url, "sha256": digest.hexdigest(), "bytes": size}
    write_json(place / RECORD, record)
    say(f"{path}: {size:,} bytes; nobody publishes its checksum, sha256 {digest.hexdigest()} is now recorded")
    return path


def _open(url: str) -> IO[bytes]:
    request = urllib.request.Request(url, headers={"User-Agent": "low-resource-workbench"})
    response: IO[bytes] = urllib.request.urlopen(request, timeout=fetch.TIMEOUT_SECONDS)
    return response


def _archive(home: Home, place: Path, codes: list[str], say: Say) -> None:
    name = f".archive-{hashlib.sha256(home.at.encode()).hexdigest()[:12]}"
    path = place / name
    if not path.is_file():
        _unpinned(home.at, place, name, say)
    patterns = [home.members.replace("{code}", code) for code in codes or ["*"]]
    num_files = sum(unpack(path, pattern, home.members, place) for pattern in patterns)
    if num_files == 0:
        raise Unavailable(f"{home.at} holds no file like {' or '.join(patterns)}")
    say(f"{num_files:,} files of {home.at} in {place}")


def unpack(archive: Path, pattern: str, members: str, place: Path) -> int:
    """Write an archive's matching regular files below `place`; return how many.

    Of a member's path only what stands at `*` and `{code}` of `members` is kept, the first folder never. Nothing is
    extracted by the archive's own rules.

    Raises: BadInput for a member that would leave `place`, that is a link or a device, for too many or too large
    members, and for a damaged archive.
    """
    kinds = members.split("/")
    written, total = 0, 0
    try:
        for number, (name, stream) in enumerate(_members(archive), 1):
            if number > MAX_MEMBERS:
                raise BadInput(f"{archive}: more than {MAX_MEMBERS:,} members; this is no data set")
            parts = name.split("/")
            if len(parts) != len(kinds) or not fnmatch.fnmatchcase(name, pattern):
                continue
            if stream is None:
                raise BadInput(f"{archive}: {name[:80]!r} is a link or a device, not a file; nothing more is taken")
            kept = "/".join(part for part, kind in zip(parts[1:], kinds[1:], strict=True) if "*" in kind or "{" in kind)
            with atomic_open(place / safe(kept)) as file:
                while chunk := stream.read(1 << 17):
                    total += len(chunk)
                    if total > MAX_FILE_BYTES:
                        raise BadInput(f"{archive}: unpacks to over {MAX_FILE_BYTES:,} bytes; this is no data set")
                    file.write(chunk)
            written += 1
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise Unavailable(f"{place}: unpacking {archive} stopped: {error}") from error
        raise BadInput(f"{archive}: not a whole .tar or .zip archive ({error}); remove it and fetch again") from error
    return written


_DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """(name, what to read) of each member that is no folder; None for links and devices."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if (info.external_attr >> 16) & 0o170000 == stat.S_IFLNK:
                    yield info.filename, None
                elif not info.is_dir():
                    with packed.open(info) as member:
                        yield info.filename, member
        return
    with tarfile.open(archive, "r:*") as tar:
        for one in tar:
            if not one.isdir():
                yield one.name, tar.extractfile(one) if one.isreg() else None


# One's own


def add(root: Path, dataset: Dataset, paths: list[Path], lang: Lang, say: Say) -> Path:
    """Take files of one language into the catalogue: read whole, copied to their place, with rows and checksums.

    Raises: BadInput where the name is taken, two files have one name, or a file holds nothing that its format reads.
    """
    entry, place = root / "catalogue" / f"{dataset.name}.json", dataset.place(root)
    if entry.exists() or place.exists():
        raise BadInput(
            f"data set {dataset.name}: there is one already ({place}); give another name, or remove it first"
        )
    if len({path.name for path in paths}) != len(paths):
        raise BadInput(f"data set {dataset.name}: two files of one name; rename one")
    known = []
    for path in paths:
        report = Report()
        num_rows, fault = count(dataset.format, path, lang, report)
        if fault or not num_rows:
            reasons = dict(report.dropped.counts)
            raise BadInput(
                f"{path}: {fault or f'no row of the format {dataset.format!r}'}; left out: {reasons or 'nothing'}"
            )
        dropped = sum(report.dropped.counts.values())
        for reason, number in report.dropped.counts.items():
            say(f"{path.name}: left out {number:,} x {reason}; first: {report.dropped.examples[reason]}")
        known.append(
            AddedFile(
                path=path.name, rows=num_rows, dropped=dropped, num_bytes=path.stat().st_size, sha256=sha256_file(path)
            )
        )
    for path in paths:
        _copy(path, place / path.name)
    write_text(entry, Added(dataset=dataset, lang=lang.tag, files=tuple(known)).model_dump_json(indent=1) + "\n")
    say(f"{dataset.name}: {sum(file.rows for file in known):,} rows of {lang} in {place}")
    return place


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, atomic_open(target) as copy:
        shutil.copyfileobj(file, copy)
