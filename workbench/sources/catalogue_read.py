"""Reading any file of a catalogued data set with its own reader, and checking it against what the catalogue states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, assert_never

from workbench import languages
from workbench.errors import BadInput, WorkbenchError
from workbench.files import sha256_file
from workbench.records import Lang
from workbench.sources import (
    bible,
    conllu,
    labeled,
    lexicon,
    linguameta,
    massive,
    parallel,
    sigmorphon,
    storybook,
    text,
    unimorph,
    xsid,
)
from workbench.sources.catalogue import Catalogue, Dataset, KnownFile, safe
from workbench.sources.catalogue_kinds import Format
from workbench.sources.lines import Report, lines

ENGLISH = Lang("eng", "Latn")
_PUBLISHED: dict[str, lexicon.Format] = {".tei": "freedict", ".dix": "apertium"}  # `triples` are made from these
_PROSE = frozenset({"LICENSE", "LICENSE.txt", "LICENCE", "NOTICE.md", "README.md", "README.upstream.md"})


def records(format: Format, path: Path, lang: Lang, report: Report | None = None) -> Iterator[Any]:
    """The records of one file in a data set's format; layouts of several files are read through one of them.

    Raises: BadInput at file:line; where the name is not one that the format has.
    """
    name = path.name
    match format:
        case "gatitos" | "wechsel" | "muse" | "triples" | "tsv":
            to_english = format == "triples" and not name.startswith(("eng-", "apertium-eng-"))
            pair = (lang, ENGLISH) if to_english else (ENGLISH, lang)
            kind: lexicon.Format = _PUBLISHED.get(path.suffix, format) if format == "triples" else format
            yield from lexicon.stream(path, kind, *pair, report=report)
        case "ntrex":
            if name.startswith("newstest2019-ref."):
                yield from parallel.ntrex(path.parent, name.split(".")[1], report)
            else:
                yield from lines(path, report)
        case "flores":
            match path.parent.name:
                case "dev" | "devtest" as part:
                    yield from parallel.flores(path.parents[1], _flores_code(path), part, report)
                case _:
                    raise BadInput(f"{path}: wanted a file in dev/ or devtest/")
        case "sib200":
            yield from labeled.sib200(path.parents[1], path.parent.name, _split(path), report)
        case "afrisenti":
            yield from labeled.afrisenti(path.parents[1], path.parent.name, _split(path), report)
        case "massive":
            if name == "meta.tsv":
                yield from _massive_meta(path)
            elif path.suffix == ".jsonl":
                yield from massive.read_jsonl(path, report)
            else:
                yield from massive.read_tsv(path, _massive_meta(path.with_name("meta.tsv")), report)
        case "xsid":
            if name == "en.train.label.en":
                return  # read beside en.train.text.en, line by line
            if name == "en.train.text.en":
                yield from xsid.read_train(path, path.with_name("en.train.label.en"), lang, report)
            else:
                yield from xsid.read(path, lang, report)
        case "conllu":
            yield from conllu.read(path, lang, report)
        case "pos" | "ner":
            yield from conllu.read_columns(path, lang, format, report)
        case "unimorph":
            yield from unimorph.read(path, lang, report)
        case "sigmorphon2023":
            yield from sigmorphon.read(path, 2023, lang, report)
        case "bible":
            yield from bible.read(path, lang, report)
        case "storybook":
            yield from storybook.read(path, lang, report)
        case "linguameta":
            yield from linguameta.read(path, report)
        case "table":
            yield from labeled.table(path, lang, "label", report)
        case "text":
            yield from text.documents(path, lang, report)
        case "embedded":
            raise BadInput(f"{path}: the embedded default is read through workbench.sources.embedded")
        case _:
            assert_never(format)


def _split(path: Path) -> Literal["train", "dev", "test"]:
    match path.stem:
        case "train" | "dev" | "test":
            return path.stem
        case other:
            raise BadInput(f"{path}: wanted train.tsv, dev.tsv or test.tsv, got {other!r}")


def _flores_code(path: Path) -> str:
    parts = path.name.split(".")
    return parts[1] if parts[0] in {"dev", "devtest"} else parts[0]


@lru_cache(maxsize=2)
def _massive_meta(path: Path) -> dict[str, tuple[massive.Split, str, str]]:
    return massive.read_meta(path)


# Checking


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one file. `fault` is empty where all is as stated; `stated` is False for a file nobody pinned."""

    dataset: str
    path: str
    rows: int
    report: Report = field(repr=False)
    fault: str = ""
    stated: bool = True


def verify(catalogue: Catalogue, root: Path, names: tuple[str, ...] = ()) -> Iterator[Checked]:
    """Read every file of the data sets that lie under `root` to its end, and compare with what is stated.

    A data set that is not there at all is passed over, unless it is named; a file that is missing in one that is there
    is a fault. Files that the catalogue does not list are read too, where their format has a reader.
    """
    for name in names or tuple(catalogue.datasets):
        dataset = catalogue.dataset(name)
        place, known = dataset.place(root), catalogue.files_of(name)
        if dataset.format == "embedded" or (not names and not any((place / file.path).exists() for file in known)):
            continue
        if not place.is_dir():
            yield Checked(name, "", 0, Report(), f"not there: {place}; `workbench data fetch {name}` fetches it")
            continue
        for file in known:
            yield check(dataset, file, root)
        others = {file.path for each in catalogue.datasets.values() if each.place(root) == place
                  for file in catalogue.files_of(each.name)}  # fmt: skip
        for path in sorted(place.rglob("*")):
            relative = path.relative_to(place).as_posix()
            if path.is_file() and relative not in others and path.name not in _PROSE and not _hidden(relative):
                yield _unstated(dataset, relative, path)


def _hidden(relative: str) -> bool:
    return any(part.startswith(".") or part.endswith((".part", ".altered", ".json")) for part in Path(relative).parts)


def check(dataset: Dataset, file: KnownFile, root: Path) -> Checked:
    """One stated file: its bytes, the rows that its reader gives, the rows that it leaves out."""
    path, report = dataset.place(root) / safe(file.path), Report()
    if not path.is_file():
        return Checked(dataset.name, file.path, 0, report, "missing")
    if (found := sha256_file(path)) != file.sha256:
        return Checked(dataset.name, file.path, 0, report, f"sha256 {found[:12]}…, stated {file.sha256[:12]}…")
    if path.name in _PROSE:
        return Checked(dataset.name, file.path, 0, report)
    num_rows, fault = count(dataset.format, path, file.lang or ENGLISH, report)
    dropped = sum(report.dropped.counts.values())
    if not fault and (num_rows, dropped) != (file.rows, file.dropped):
        fault = f"{num_rows:,} rows and {dropped:,} left out, stated {file.rows:,} and {file.dropped:,}"
    return Checked(dataset.name, file.path, num_rows, report, fault)


def count(format: Format, path: Path, lang: Lang, report: Report) -> tuple[int, str]:
    """(records, fault) of a file read to its end; stories count as records, not their pages."""
    num_rows = 0
    try:
        for _ in records(format, path, lang, report):
            num_rows += 1
    except WorkbenchError as error:
        return num_rows, str(error)
    return (report.rows if format == "storybook" else num_rows), ""


def _unstated(dataset: Dataset, relative: str, path: Path) -> Checked:
    report = Report()
    try:
        lang = language_of(dataset, path)
    except BadInput as error:
        return Checked(
            dataset.name, relative, 0, report, f"not in the catalogue, and its name says no language: {error}"
        )
    num_rows, fault = count(dataset.format, path, lang, report)
    return Checked(dataset.name, relative, num_rows, report, fault, stated=False)


def language_of(dataset: Dataset, path: Path) -> Lang:
    """The language that a file's name stands for in its data set's own convention.

    Raises: BadInput where it is none.
    """
    name = path.name
    match dataset.format:
        case "ntrex" if name.count(".") == 2:
            return languages.from_source(name.split(".")[1], dataset.convention)
        case "flores":
            return languages.from_source(_flores_code(path), dataset.convention)
        case "sib200" | "afrisenti" | "unimorph" | "pos" | "ner":
            return languages.from_source(path.parent.name, dataset.convention)
        case "bible":
            return bible.language(path.stem)
        case "storybook":
            return storybook.language(path.stem if path.suffix == ".jsonl" else path.parent.name)
        case "sigmorphon2023":
            return sigmorphon.language(name.split(".")[0])
        case "conllu":
            return languages.from_source(name.split("_")[0], dataset.convention)
        case "triples":
            left, _, right = path.stem.partition("-")
            return languages.from_source(left if right == "eng" else right, dataset.convention)
        case "linguameta":
            return ENGLISH
        case "gatitos":
            return languages.from_source(path.stem.removeprefix("en_"), dataset.convention)
        case _:
            return languages.from_source(name.split(".")[0], dataset.convention)
