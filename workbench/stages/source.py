"""Where a study's running text comes from: the embedded default, or the user's own files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal, assert_never

import numpy as np

from workbench import config, languages
from workbench.errors import BadInput
from workbench.files import content_hash, sha256_file
from workbench.licences import UNSTATED
from workbench.probing import sentences
from workbench.records import Document, Lang
from workbench.seeds import stream
from workbench.sources import embedded, own_language, published, text
from workbench.sources.embedded import EmbeddedData, Licence, data_home
from workbench.sources.own_language import OwnLanguage
from workbench.sources.published import PublishedData
from workbench.stages import prompted_data
from workbench.tasks import examples

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
SUFFIXES = (".txt", ".jsonl", ".tsv", ".parquet")
PACKED = ("", ".gz", ".xz", ".bz2")
_MADE_OF_FILES = "wanted train.txt, dev.txt and test.txt (or .jsonl, .tsv, .parquet), or folders of these names"


@dataclass(frozen=True, slots=True)
class OwnText:
    """Text files under one folder, read document by document.

    A split of a language is the files `<folder>/<tag>/<split>.*`, `<split>-*.*` and all those in `<tag>/<split>/`, in
    the order of their names. The revision is the sha256 over all of them, so that a changed file renames every run.
    """

    settings: config.Files
    revision: str

    def documents(self, lang: Lang, split: Split) -> Iterator[Document]:
        """Raises: BadInput at file:line, or where a split has no file."""
        for path in files_of(self.settings, lang, split):
            for document in text.documents(path, lang, unit=self.settings.unit, column=self.settings.column):
                yield replace(document, id=f"{lang.tag}/{document.id}")  # languages have files of the same names


Resources = EmbeddedData | PublishedData | OwnLanguage  # text, and lexicons, paradigms and labelled requests beside it
Text = Resources | OwnText


def revision(study: config.AnyStudy, say: Callable[[str], None] = print) -> str:
    """What the study's data are, as a hash; the embedded default is downloaded and built where it is not there yet.

    Raises: BadInput naming every split that has no file (a target needs no training text), or parallel sentences that
        are not there.
    """
    if isinstance(study, config.InflectionStudy):
        return _of_paradigms(study)
    names = sorted({name for variant in study.variants.values() for name in variant.evaluate.parallel})
    parallel = [sentences.revision(name) for name in names]  # first: it is known at once whether they are there
    tasks = [_of_task(one) for variant in study.variants.values() for one in variant.evaluate.tasks]
    of_text = _of_text(study, say)
    prompts = [one for variant in study.variants.values() for one in prompted_data.revisions(variant)]
    beside = [*parallel, *sorted(set(tasks)), *sorted(set(prompts))]
    return content_hash([of_text, *beside]) if beside else of_text


def _of_task(settings: config.Task) -> str:
    task = examples.task(settings.name, settings.folder)
    return f"{settings.told} {examples.revision(task, examples.asked(task, settings))}"


def _of_paradigms(study: config.InflectionStudy) -> str:
    """sha256 over the files of all the study's languages.

    Raises: BadInput naming a file that is not there.
    """
    digest = []
    for variant in study.variants.values():
        for path in inflection_files(variant.data):
            if not path.is_file():
                raise BadInput(
                    f"{path}: no such file; data.languages asks for it. Wanted <language>.trn, .dev and .tst of a "
                    f"SIGMORPHON-UniMorph shared task in {path.parent} ($WORKBENCH_DATA is {data_home()}); "
                    "`workbench data fetch sigmorphon --accept-licence` gets those of 2023, in eight languages, into "
                    "sigmorphon2023 there (nobody states their licence: the option says that your use is allowed)"
                )
            digest.append(f"{path.name} {sha256_file(path)}")
    return content_hash(sorted(set(digest)))


def inflection_files(data: config.InflectionData) -> list[Path]:
    """Those that a variant of an inflection study reads."""
    folder = Path(data.folder) if Path(data.folder).is_dir() else data_home() / data.folder
    return [folder / f"{lang}.{split}" for lang in data.languages for split in ("trn", "dev", "tst")]


def _of_text(study: config.Study, say: Callable[[str], None]) -> str:
    match study.data_source:
        case config.Embedded():
            return embedded.prepare(progress=say).revision
        case config.Published():
            embedded.prepare(progress=say)
            return published.open_published(_languages(study)).revision
        case config.NewLanguage() as source:
            return own_language.open_language(source.folder).revision
        case config.Files() as source:
            variants = study.variants.values()
            wanted: dict[tuple[Lang, Split], None] = {}
            for lang in sorted({languages.parse(tag) for variant in variants for tag in variant.data.pretrain}):
                wanted |= dict.fromkeys((lang, split) for split in SPLITS)
            for lang in sorted({languages.parse(tag) for variant in variants for tag in variant.data.targets}):
                has_text = any(_files_of(source, lang, "train"))
                wanted |= dict.fromkeys((lang, split) for split in SPLITS if split != "train" or has_text)
            return _hash(source, list(wanted))
        case _:
            assert_never(study.data_source)


def _languages(study: config.Study) -> list[Lang]:
    """All that the study's base and targets are, and those of its tasks: lexicons of them may be read."""
    variants = study.variants.values()
    found = {languages.parse(tag) for one in variants for tag in (*one.data.pretrain, *one.data.targets)}
    for settings in {task for one in variants for task in one.evaluate.tasks}:
        found |= set(examples.asked(examples.task(settings.name, settings.folder), settings))
    return sorted(found)


def open_text(source: config.Source, revision: str) -> Text:
    """The text that `revision` was computed of."""
    match source:
        case config.Embedded():
            return embedded.prepare()
        case config.Published():
            return PublishedData(embedded.prepare(), revision)
        case config.NewLanguage():
            return OwnLanguage(Path(source.folder), revision)
        case config.Files():
            return OwnText(source, revision)
        case _:
            assert_never(source)


def open_resources(source: config.Source, revision: str) -> Resources:
    """The data with lexicons and labelled sentences that `revision` was computed of.

    Raises: BadInput for one's own files: they have none.
    """
    found = open_text(source, revision)
    if isinstance(found, OwnText):
        raise BadInput("data.source: 'files' has text alone; wanted 'embedded' or 'published'")
    return found


def licences(source: config.Source) -> list[Licence]:
    """Under what terms the study's data stand, for its manifests and its report."""
    match source:
        case config.Embedded():
            return embedded.licences()
        case config.Published():
            return published.licences()
        case config.NewLanguage():
            return [Licence("own text and lexicon", UNSTATED, "")]
        case config.Files():
            return [Licence("own text", source.licence or UNSTATED, "")]
        case _:
            assert_never(source)


def training(found: Text, lang: Lang, max_bytes: int) -> Iterator[Document]:
    """A language's training text: all of it, or documents drawn at random that fit into `max_bytes` of UTF-8.

    Random: which ones (of the embedded data also their order), from the language.
    """
    if not isinstance(found, OwnText):
        documents = found.documents(lang, "train")
        order = stream(0, "base-text", lang.tag).permutation(len(documents))
        yield from leading((documents[i] for i in order), max_bytes)
        return
    sizes = np.fromiter((len(document.text.encode()) for document in found.documents(lang, "train")), np.int64)
    chosen = np.ones(len(sizes), bool)
    if sizes.sum() > max_bytes:
        order = stream(0, "base-text", lang.tag).permutation(len(sizes))
        chosen[order[np.cumsum(sizes[order]) > max_bytes]] = False
    for document, wanted in zip(found.documents(lang, "train"), chosen, strict=True):
        if wanted:
            yield document


def read(found: Text, lang: Lang, split: Split, limit: int | None = None) -> list[Document]:
    """The first `limit` documents of a split."""
    return list(islice(found.documents(lang, split), limit))


def files_of(source: config.Files, lang: Lang, split: Split) -> list[Path]:
    """The files of one split.

    Raises: BadInput where there are none.
    """
    if not (found := _files_of(source, lang, split)):
        raise BadInput(_absent(Path(source.folder) / lang.tag, split))
    return found


def counts(found: OwnText, lang: Lang) -> dict[str, int]:
    """Files and bytes of each split that there is."""
    rows: dict[str, int] = {}
    for split in SPLITS:
        if paths := _files_of(found.settings, lang, split):
            rows |= {f"{split} files": len(paths), f"{split} bytes": sum(path.stat().st_size for path in paths)}
    return rows


def _files_of(source: config.Files, lang: Lang, split: Split) -> list[Path]:
    folder = Path(source.folder) / lang.tag
    beside = [path for path in _files(folder) if path.name.split(".")[0].split("-")[0] == split]
    return sorted(beside) + sorted(_files(folder / split))


def leading(documents: Iterable[Document], max_bytes: int) -> Iterator[Document]:
    """The leading documents that fit into `max_bytes` of UTF-8 together."""
    used = 0
    for document in documents:
        used += len(document.text.encode())
        if used > max_bytes:
            return
        yield document


def _files(folder: Path) -> list[Path]:
    names = tuple(suffix + packed for suffix in SUFFIXES for packed in PACKED)
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.is_file() and path.name.endswith(names)]


def _hash(source: config.Files, wanted: list[tuple[Lang, Split]]) -> str:
    root = Path(source.folder)
    if not root.is_dir():
        raise BadInput(
            f"data.source.folder: {root.absolute()} is no folder; wanted one folder per language in it, named by its "
            f"tag ({wanted[0][0].tag})"
        )
    problems, digest = [], hashlib.sha256()
    for lang, split in wanted:
        paths = _files_of(source, lang, split)
        if not paths:
            problems.append(_absent(root / lang.tag, split))
        for path in paths:
            digest.update(f"{path.relative_to(root)} {sha256_file(path)}\n".encode())
    if problems:
        raise BadInput(f"data.source: {len(problems)} split(s) without text\n" + "\n".join(f"  {p}" for p in problems))
    return digest.hexdigest()[:12]


def _absent(folder: Path, split: Split) -> str:
    if not folder.is_dir():
        return f"{folder.absolute()}: no such folder; {_MADE_OF_FILES}"
    there = sorted(path.name for path in folder.iterdir())
    advice = (
        ""
        if split == "train"
        else f"; hold some documents out: take out near-duplicates (`workbench data clean`), then move a few hundred "
        f"documents from train to {split}"
    )
    return f"{folder.absolute()}: no {split} text among {there}; {_MADE_OF_FILES}{advice}"
