"""The catalogue: which data sets there are, for which languages, where, under what terms, how to cite them.

Three packaged tables of facts (`catalogue.toml`, `catalogue_files.tsv`, `catalogue_languages.tsv`), and what the user
has added, which lies as one JSON file per data set in `$WORKBENCH_DATA/catalogue/`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from workbench import languages
from workbench.errors import BadInput
from workbench.languages import Convention
from workbench.licences import NEED_YES
from workbench.records import Lang
from workbench.sources.catalogue_kinds import Format, Resource, Terms
from workbench.sources.lines import header, rows

FILE_COLUMNS = ("dataset", "path", "lang", "rows", "dropped", "bytes", "sha256", "from")
LANGUAGE_COLUMNS = ("dataset", "lang", "code", "amount")
DERIVED = "-"  # in `from`: made from a published file, so that no download gives these very bytes

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Home(_Part):
    """One place where a data set lives; catalogue.toml's head says what the kinds mean."""

    kind: Literal["pinned", "each", "archive", "unimorph", "embedded", "hub", "page"]
    at: str = Field(min_length=3)
    members: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind not in {"hub"} and not self.at.startswith("https://"):
            raise ValueError(f"wanted an address that begins with https://, got {self.at!r}")
        if (self.kind == "archive") != bool(self.members):
            raise ValueError("an archive needs `members`, and nothing else has them")
        return self


class Dataset(_Part):
    """One data set. `folder` is its place under `$WORKBENCH_DATA` (by default its name)."""

    name: Name
    title: str = Field(min_length=3)
    resources: tuple[Resource, ...] = Field(min_length=1)
    licence: str = Field(min_length=2)
    terms: Terms
    citation: str = Field(min_length=2)
    page: str
    convention: Convention
    format: Format
    folder: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$")
    held_out: bool = False
    others: str = Field(default="", description="licence of the languages that are not pinned, where it is another")
    caveat: str = ""
    note: str = ""
    exceptions: dict[str, str] = Field(default={}, description="code -> another licence, which needs a yes")
    homes: tuple[Home, ...] = Field(default=(), description="in the order in which they are tried")

    def place(self, root: Path) -> Path:
        return root / (self.folder or self.name)

    @property
    def needs_yes(self) -> bool:
        return self.terms in NEED_YES


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of known content: `path` below its data set's place; `rows` that its reader gives, and leaves out."""

    dataset: str
    path: str
    lang: Lang | None
    rows: int
    dropped: int
    num_bytes: int
    sha256: str
    origin: str


@dataclass(frozen=True, slots=True)
class Entry:
    """That a data set has a language: under which code there, how much, and which files of it are pinned."""

    dataset: Dataset
    lang: Lang
    code: str
    amount: str
    files: tuple[KnownFile, ...] = ()

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def licence(self) -> str:
        return self.dataset.others if self.dataset.others and not self.files else self.dataset.licence

    @property
    def is_fetchable(self) -> bool:
        """Whether `workbench data fetch` can have it without a hand."""
        kinds = {home.kind for home in self.dataset.homes} - {"page", "hub"}
        if kinds == {"pinned"}:
            return any(file.origin != DERIVED for file in self.files)
        return bool(kinds)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is known. `languages` of a data set that is not pinned come from its source's own list."""

    datasets: Mapping[str, Dataset]
    files: tuple[KnownFile, ...]
    entries: tuple[Entry, ...]

    def dataset(self, name: str) -> Dataset:
        if name not in self.datasets:
            filed = [one.name for one in self.datasets.values() if one.folder and one.folder == name]
            near = f"nearest: {get_close_matches(name, self.datasets, n=3, cutoff=0.4)}"
            hint = f"it is the folder of {' and '.join(filed)}" if filed else near
            raise BadInput(f"data set {name[:60]!r} is not in the catalogue; {hint}; all: `workbench data list`")
        return self.datasets[name]

    def files_of(self, name: str) -> tuple[KnownFile, ...]:
        return tuple(file for file in self.files if file.dataset == name)

    def of_language(self, lang: Lang) -> tuple[Entry, ...]:
        """What there is of a language in any script, filed under its own code or a counterpart's."""
        codes = {lang.code} | {other.code for other in languages.counterparts(lang)}
        return tuple(entry for entry in self.entries if entry.lang.code in codes)

    def languages_of(self, name: str) -> tuple[Lang, ...]:
        return tuple(sorted({entry.lang for entry in self.entries if entry.dataset.name == name}))


def load(root: Path | None = None) -> Catalogue:
    """The packaged catalogue, with what the user has added under `root`.

    Raises: BadInput where something in it is wrong, with its place.
    """
    datasets, files, entries = _packaged()
    if root is None or not (folder := root / "catalogue").is_dir():
        return Catalogue(datasets, files, entries)
    datasets = dict(datasets)
    for path in sorted(folder.glob("*.json")):
        added = _added(path)
        name, lang = added.dataset.name, languages.parse(added.lang)
        if name in datasets:
            raise BadInput(f"{path}: a data set of the name {name!r} is in the catalogue already; rename it")
        datasets[name] = added.dataset
        mine = tuple(
            KnownFile(name, safe(file.path), lang, file.rows, file.dropped, file.num_bytes, file.sha256, DERIVED)
            for file in added.files
        )
        files += mine
        entries += (Entry(added.dataset, lang, added.lang, "", mine),)
    return Catalogue(datasets, files, entries)


class AddedFile(_Part):
    path: str
    rows: int = Field(ge=0)
    dropped: int = Field(ge=0)
    num_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Added(_Part):
    """A data set of the user's own: one language, files that were read whole when they were added."""

    dataset: Dataset
    lang: str
    files: tuple[AddedFile, ...]


def _added(path: Path) -> Added:
    try:
        return Added.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise BadInput(f"{path}: not as `workbench data add` wrote it ({error}); remove it and add it again") from error


@cache
def _packaged() -> tuple[dict[str, Dataset], tuple[KnownFile, ...], tuple[Entry, ...]]:
    folder = resources.files("workbench.sources")
    datasets = _datasets("catalogue.toml", folder.joinpath("catalogue.toml").read_text("utf-8"))
    with resources.as_file(folder.joinpath("catalogue_files.tsv")) as path:
        files = tuple(_files(path, datasets))
    with resources.as_file(folder.joinpath("catalogue_languages.tsv")) as path:
        named = _languages(path, datasets)
    held: dict[tuple[str, Lang], list[KnownFile]] = {}
    for file in files:
        if file.lang is not None:
            held.setdefault((file.dataset, file.lang), []).append(file)
    entries = []
    for name, lang in sorted(held.keys() | named.keys(), key=lambda key: (list(datasets).index(key[0]), key[1])):
        mine = tuple(held.get((name, lang), ()))
        code, amount = named.get((name, lang), (lang.code, ""))
        entries.append(Entry(datasets[name], lang, code, amount, mine))
    return datasets, files, tuple(entries)


def _datasets(where: str, text: str) -> dict[str, Dataset]:
    try:
        tables = {name: {"name": name, **_tuples(table)} for name, table in tomllib.loads(text).items()}
        return TypeAdapter(dict[str, Dataset]).validate_python(tables)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{where}: not TOML ({error})") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:8])
        raise BadInput(f"{where}: {error.error_count()} faults: {faults}") from error


def _tuples(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadInput(f"catalogue: wanted a table of settings for each data set, got {value!r}")
    return {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}


def _files(path: Path, datasets: Mapping[str, Dataset]) -> list[KnownFile]:
    found = []
    for number, (name, file, tag, num_rows, dropped, size, sha256, origin) in _table(path, FILE_COLUMNS):
        if name not in datasets:
            raise BadInput(f"{path}:{number}: {name!r} is not a data set of the catalogue")
        lang = languages.parse(tag) if tag else None
        found.append(KnownFile(name, safe(file), lang, int(num_rows), int(dropped), int(size), sha256, origin or file))
    return found


def _languages(path: Path, datasets: Mapping[str, Dataset]) -> dict[tuple[str, Lang], tuple[str, str]]:
    found: dict[tuple[str, Lang], tuple[str, str]] = {}
    for number, (name, tag, code, amount) in _table(path, LANGUAGE_COLUMNS):
        if name not in datasets:
            raise BadInput(f"{path}:{number}: {name!r} is not a data set of the catalogue")
        key = (name, languages.parse(tag))
        before = found.get(key, ("", ""))
        joined = [" ".join(filter(None, parts)) for parts in zip(before, (code, amount), strict=True)]
        found[key] = joined[0], joined[1]
    return found


def _table(path: Path, columns: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    if header(path) != columns:
        raise BadInput(f"{path}:1: wanted the columns {columns}")
    return list(rows(path, len(columns), skip=1))


def safe(name: str) -> str:
    """The path of a file below its data set's place, if it stays there.

    Raises: BadInput for an absolute path, a drive, `..` or a control character.
    """
    parts = Path(name).parts
    bad = not parts or Path(name).is_absolute() or ".." in parts or "\\" in name or ":" in name
    if bad or any(ord(letter) < 32 for letter in name):
        raise BadInput(f"file {name[:80]!r}: wanted a path that stays below its data set's folder")
    return name
