"""`lexicons/MANIFEST.toml`: which lexicons are known, where they live, their licence, and what they must hold."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from workbench import languages
from workbench.errors import BadInput
from workbench.files import sha256_file
from workbench.records import Lexicon
from workbench.sources import lexicon
from workbench.sources.lexicon import Format, PairFormat
from workbench.sources.lines import Report

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class KnownFile(BaseModel):
    """One published file. `rows` are the entries read from it, `dropped` the lines that cannot be used."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    target: str
    source: str = "eng-Latn"
    rows: int = Field(ge=1)
    dropped: int = Field(default=0, ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    commit: str = ""
    derived_from: str = ""

    @field_validator("source", "target")
    @classmethod
    def _full_tag(cls, tag: str) -> str:
        try:
            full = languages.parse(tag).tag
        except BadInput as error:
            raise ValueError(str(error)) from error
        if full != tag:
            raise ValueError(f"wanted a full tag, {full!r}, got {tag!r}")
        return tag


class KnownSource(BaseModel):
    """A collection of lexicons. Without `files` it is one that the readers know and nobody has pinned here yet."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    title: str
    home: str = Field(pattern=r"^https://")
    licence: str = Field(min_length=2, description="SPDX identifier")
    citation: str
    format: Format | PairFormat
    note: str = ""
    commit: str = ""
    folder: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$", description="under $WORKBENCH_DATA")
    url: str = Field(default="", description="of one file: {commit} and {name} (or what it is derived from) filled in")
    files: dict[FileName, KnownFile] = {}


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one file of the manifest: `fault` is empty where all is as written."""

    source: str
    name: str
    fault: str


def load(path: Path) -> dict[str, KnownSource]:
    """The manifest, checked whole.

    Raises: BadInput listing every fault with its dotted path.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        return TypeAdapter(dict[str, KnownSource]).validate_python(tables)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: wanted a TOML manifest of lexicons: {error}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:10])
        raise BadInput(f"{path}: {error.error_count()} faults: {faults}") from error


def url_of(source: KnownSource, name: str) -> str:
    """Where the file `name` (or the one that it is derived from) is published, at the pinned commit."""
    file = source.files[name]
    return source.url.replace("{commit}", file.commit or source.commit).replace("{name}", file.derived_from or name)


def read(source: KnownSource, name: str, root: Path, report: Report) -> Lexicon:
    """The lexicon of a pinned file under `root`; what cannot be used is counted in `report`."""
    file = source.files[name]
    format = source.format
    if format == "panlex" or format == "annotations":
        raise BadInput(f"lexicon {name}: {format} joins two files; use workbench.sources.lexicon.join")
    left, right = languages.parse(file.source), languages.parse(file.target)
    path = root / source.folder / name
    origin = f"{source.folder}/{name}"
    return lexicon.read(path, format, left, right, report=report, origin=origin, licence=source.licence)


def verify(manifest: dict[str, KnownSource], root: Path) -> Iterator[Checked]:
    """Check each pinned file that is under `root`: its sha256, its entries, its dropped lines."""
    for key, source in manifest.items():
        for name, file in source.files.items():
            path = root / source.folder / name
            if not path.is_file():
                yield Checked(key, name, "not there")
            elif (found := sha256_file(path)) != file.sha256:
                yield Checked(key, name, f"sha256 {found[:12]}…, wanted {file.sha256[:12]}…: another version")
            else:
                report = Report()
                read(source, name, root, report)
                got = (report.rows, sum(report.dropped.counts.values()))
                wanted = (file.rows, file.dropped)
                yield Checked(key, name, "" if got == wanted else f"rows and dropped lines {got}, wanted {wanted}")
